"""Groups of verbs: what is mistyped is answered with what there is."""

from __future__ import annotations

from typing import Any

from typer.core import TyperGroup


class Verbs(TyperGroup):
    """A group that answers a verb that it does not have with those that it has."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        known = self.list_commands(ctx)
        if args and args[0] not in known:
            from surveyor.core.wording import closest

            hint = closest(args[0], known) or f"; there are: {', '.join(known)}"
            ctx.fail(f"there is no command {args[0]!r}{hint}")
        return super().resolve_command(ctx, args)
