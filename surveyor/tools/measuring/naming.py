"""Objects by handle or by name, so that no planner has to look up what a tool can.

A name stands for what was found last under it, in one frame of reference: for the best supported
object where one is asked for, for all of them where several are. Weak ones only where there are no
others.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import Field

from surveyor.core.errors import ModelMistake
from surveyor.tools.objects import best_supported, well_supported
from surveyor.tools.records import FrameRecord, GroupRecord, ObjectRecord
from surveyor.tools.workspace import HANDLE, Workspace

Objects = list[tuple[str, ObjectRecord]]
One = Annotated[str, Field(description="an object, or a name: the best supported one of that name")]
Within = Annotated[
    str | None,
    Field(
        description="the reconstruction, room or frame in which names are looked up, where they "
        "were found in several; the newest if left out"
    ),
]


def frame_of_reference(
    said: Iterable[str], workspace: Workspace, within: str | None = None
) -> str | None:
    """Where names among ``said`` are looked up; ``None`` when all of them are handles.

    That of the objects given by handle; else ``within``; else the newest in which all the names
    were found. Raises `ModelMistake` where there is none, saying what was found.
    """
    said = tuple(said)
    names = [one for one in said if not is_handle(one, workspace)]
    if not names:
        return None
    for handle in said:
        if workspace.stands_for(handle, (ObjectRecord, GroupRecord)):
            for _, record in workspace.expand((handle,), ObjectRecord):
                return record.space
    for space in named_spaces(names, workspace):
        if within is None or _same(space, within, workspace):
            return space
    raise ModelMistake(_unknown(names, within, workspace))


def named_spaces(names: Iterable[str], workspace: Workspace) -> list[str]:
    """The frames of reference in which all the names were found, the newest first."""
    names = tuple(names)
    spaces = dict.fromkeys(record.space for _, record in _newest_first(workspace))
    return [s for s in spaces if all(found_under(name, s, workspace) for name in names)]


def is_handle(said: str, workspace: Workspace) -> bool:
    """Whether this is meant as a handle: what looks like one is never a name."""
    return workspace.known(said) or HANDLE.fullmatch(said) is not None


def one_object(said: str, space: str | None, workspace: Workspace) -> tuple[str, ObjectRecord]:
    """The object of a handle, or the best supported one of a name in ``space``."""
    if space is None or is_handle(said, workspace):
        return said, workspace.get(said, ObjectRecord)
    found = best_supported(found_under(said, space, workspace), lambda item: item[1])
    if found is None:
        raise ModelMistake(_unknown([said], space, workspace))
    return found


def every_object(
    said: Sequence[str], space: str | None, workspace: Workspace, *, weak: bool = False
) -> Objects:
    """The objects of handles and groups, and all of a name, with ``weak`` also those with too
    little support; none is no mistake for a name."""
    found: dict[str, ObjectRecord] = {}
    for one in said:
        if space is None or is_handle(one, workspace):
            found.update(workspace.expand((one,), ObjectRecord))
        else:
            named = found_under(one, space, workspace)
            found.update(named if weak else well_supported(named, lambda item: item[1]))
    return list(found.items())


def _newest_first(workspace: Workspace) -> Objects:
    return workspace.all(ObjectRecord)[::-1]


def found_under(name: str, space: str, workspace: Workspace) -> Objects:
    """What was found under a name: by the newest call that found any, because the same things
    may have been joined twice."""
    mine = {
        handle: record
        for handle, record in workspace.all(ObjectRecord)
        if record.space == space and record.category.casefold() == name.casefold()
    }
    for _, group in reversed(workspace.all(GroupRecord)):
        together = [(handle, mine[handle]) for handle in group.members if handle in mine]
        if together:
            return together
    return list(mine.items())


def _same(space: str, within: str, workspace: Workspace) -> bool:
    """Whether two handles mean one frame of reference: a restored frame is the captured one."""
    frames = (FrameRecord,)
    if workspace.stands_for(space, frames) and workspace.stands_for(within, frames):
        one, other = workspace.get(space, FrameRecord), workspace.get(within, FrameRecord)
        return one.original == other.original
    return space == within


def _unknown(names: Sequence[str], within: str | None, workspace: Workspace) -> str:
    known = dict.fromkeys(
        record.category
        for _, record in workspace.all(ObjectRecord)
        if within is None or _same(record.space, within, workspace)
    )
    where = f"in {within}" if within else "in one frame of reference"
    spaces = dict.fromkeys(record.space for _, record in workspace.all(ObjectRecord))
    if within is not None and not workspace.known(within):
        lie = f"objects lie in {', '.join(list(spaces)[:12])}" if spaces else "none is found yet"
        return f"there is no {within}; {lie}"
    if not known and spaces:
        return f"no objects were found {where}; they lie in {', '.join(list(spaces)[:12])}"
    if not known:
        return f"no objects were found {where} yet; detect, lift and fuse them first"
    there = f"there: {', '.join(list(known)[:12])}"
    if not all(name.strip() for name in names):
        return f"one of the names is empty; say an object's handle or its name, {there}"
    return f"{' and '.join(names)}: not all found {where}; {there}"
