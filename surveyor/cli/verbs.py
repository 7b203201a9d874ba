"""Groups of verbs: what is mistyped is answered with what there is, what no verb takes refused."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
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
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and command.callback is not None:
            command.invoke = functools.partial(_checked, command.invoke)  # type: ignore[method-assign]
        return name, command, rest


def _checked(invoke: Callable[[Any], Any], ctx: Any) -> Any:
    """Carry a verb out, unless it was given what no verb takes: a URL where a path belongs, which
    would become a folder "file:"; an error model of experts that run already."""
    for value in ctx.params.values():
        for one in value if isinstance(value, list | tuple) else (value,):
            if isinstance(one, Path):
                from surveyor.core.paths import refuse_url

                refuse_url(one)
    preset = ctx.get_parameter_source("preset")
    if ctx.params.get("experts") is not None and preset is not None and preset.name != "DEFAULT":
        refuse_preset("--experts")
    return invoke(ctx)


def refuse_preset(them: str) -> None:
    """`UserError`: error models belong to reference experts, which a verb starts."""
    from surveyor.core.errors import UserError

    raise UserError(f"--preset is for experts that this run starts, not for {them}")
