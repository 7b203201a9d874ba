"""Minting objects and saying them: shared by every tool that finds things in a place."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, TypeVar

from surveyor.core.geometry import Scale
from surveyor.tools.records import ObjectRecord
from surveyor.tools.schemas import ObjectRow
from surveyor.tools.workspace import Workspace

T = TypeVar("T")


class Supported(Protocol):
    """What says how well an object was seen: records and rows alike."""

    @property
    def accepted(self) -> bool:
        """Whether it has the wanted support."""

    @property
    def support(self) -> int:
        """In how many views it was seen."""

    @property
    def confidence(self) -> float:
        """How sure the views are, 0..1."""


def well_supported(things: Iterable[T], of: Callable[[T], Supported]) -> tuple[T, ...]:
    """Accepted objects, or the weak candidates where there are no others."""
    every = tuple(things)
    return tuple(thing for thing in every if of(thing).accepted) or every


def best_supported(things: Iterable[T], of: Callable[[T], Supported]) -> T | None:
    """The object that most and surest views support, of those that `well_supported` leaves."""

    def weight(thing: T) -> tuple[float, float]:
        seen = of(thing)
        return seen.confidence * seen.support, seen.confidence

    return max(well_supported(things, of), key=weight, default=None)


def add_objects(
    workspace: Workspace, found: Sequence[tuple[ObjectRecord, tuple[str, ...]]]
) -> list[ObjectRow]:
    """Give every object a handle, made from the sources beside it."""
    return [
        object_row(workspace.add("obj", record, sources), record, sources)
        for record, sources in found
    ]


def object_row(handle: str, record: ObjectRecord, sources: tuple[str, ...]) -> ObjectRow:
    """An object as results tell it."""
    return ObjectRow(
        handle=handle,
        category=record.category,
        space=record.space,
        scale=record.scale,
        center=record.box.center,
        size=record.box.size,
        support=record.support,
        visible=record.visible,
        confidence=record.confidence,
        accepted=record.accepted,
        axes=record.box.axes,
        world=record.world,
        made_of=sources,
        attributes=dict(record.attributes),
    )


def say(row: ObjectRow) -> str:
    """One line: name, the view where there is only one, size, place, support."""
    unit = "units" if row.scale is Scale.RELATIVE else "m"
    size = " x ".join(f"{edge:.2f}" for edge in row.size)
    place = ", ".join(f"{value:.2f}" for value in row.center)
    # Views that stay apart have coordinates of their own: which is whose must be said.
    view = f" in {row.space}" if row.space.startswith("frame_") else ""
    text = f"{row.handle} {row.category}{view}: {size} {unit} at ({place})"
    if row.visible:
        text += f", {row.support} of {row.visible} views, confidence {row.confidence:.2f}"
    return text if row.accepted else text + " [weak]"
