"""Groups of verbs: what is mistyped is answered with what there is, what no verb takes refused."""

from __future__ import annotations

import errno
import functools
from collections.abc import Callable, Iterator, Mapping
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
    would become a folder "file:"; an error model of experts that run already. A file that was
    typed, or was to be written, and could not be used is the user's to mend."""
    from surveyor.core.errors import UserError
    from surveyor.core.paths import refuse_url

    for one in _given(ctx.params):
        if isinstance(one, Path):
            refuse_url(one)
    preset = ctx.get_parameter_source("preset")
    if ctx.params.get("experts") is not None and preset is not None and preset.name != "DEFAULT":
        refuse_preset("--experts")
    try:
        return invoke(ctx)
    except OSError as error:
        if not was_typed(error, ctx.params):
            raise
        told = f"{error.filename}: {error.strerror}; name another place"
        raise UserError(told) from None


def was_typed(error: OSError, params: Mapping[str, object]) -> bool:
    """Whether a file that could not be used is one that was given, a file where the way to one
    needs a folder, or one below what was given that is not missing: whose permissions or whose
    disk are at fault, say. What is missing below it is more likely a fault of ours."""
    if not isinstance(error.filename, str):
        return False
    at = Path(error.filename).absolute()
    for place in (Path(one).absolute() for one in _given(params)):
        if at == place or (place.is_relative_to(at) and at.is_file()):
            return True
        if error.errno != errno.ENOENT and at.is_relative_to(place):
            return True
    return False


def _given(params: Mapping[str, object]) -> Iterator[str | Path]:
    """Whatever was given that may be a path."""
    for value in params.values():
        for one in value if isinstance(value, list | tuple) else (value,):
            if isinstance(one, str | Path) and str(one):
                yield one


def refuse_preset(them: str) -> None:
    """`UserError`: error models belong to reference experts, which a verb starts."""
    from surveyor.core.errors import UserError

    raise UserError(f"--preset is for experts that this run starts, not for {them}")
