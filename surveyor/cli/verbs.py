"""Groups of verbs: what is mistyped is answered with what there is, a URL as a path refused."""

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
            command.callback = _with_plain_paths(command.callback)
        return name, command, rest


def _with_plain_paths(verb: Callable[..., object]) -> Callable[..., object]:
    """The verb, which refuses a URL where it takes a path: it would become a folder "file:"."""

    @functools.wraps(verb)
    def call(**given: object) -> object:
        for value in given.values():
            for one in value if isinstance(value, list | tuple) else (value,):
                if isinstance(one, Path):
                    from surveyor.core.paths import refuse_url

                    refuse_url(one)
        return verb(**given)

    return call
