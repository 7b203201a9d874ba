"""`search_region`: first the part of the place that is meant, then the thing in it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import numpy as np
from pydantic import Field

from surveyor.core.errors import ModelMistake
from surveyor.core.geometry import Float, require_metric
from surveyor.services.contract import Phrase
from surveyor.tools.geometry.boxes import box_distance
from surveyor.tools.geometry.region_words import RegionWords, read_region
from surveyor.tools.geometry.rooms import RoomParts, outline_of, rooms_of
from surveyor.tools.memoize import Memo
from surveyor.tools.perception.fuse import recon_key
from surveyor.tools.perception.masks_3d import (
    KnownPlace,
    MaskMaker,
    MasksFound,
    ShownFrames,
    mask_rows,
    told,
    used_up,
)
from surveyor.tools.records import ObjectRecord, ReconstructionRecord, RoomRecord
from surveyor.tools.schemas import MasksData
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.usage import dump
from surveyor.tools.workspace import Workspace

_INSIDE = 0.5
"""Share of an object's points that must lie in a room for it to be in there."""


class SearchRegionArguments(Arguments):
    """Where to look, and for what."""

    region: Annotated[
        str,
        Field(
            min_length=1,
            max_length=160,
            description="'the room with the bed', 'the larger room', 'kitchen', "
            "'the floor within 1 m of the sofa'",
        ),
    ]
    query: Annotated[
        tuple[Phrase, ...],
        Field(min_length=1, max_length=16, description="names of things to find there"),
    ]
    frames: ShownFrames = ()
    reconstruction: KnownPlace = None


@dataclass(frozen=True, slots=True, eq=False)
class _Where:
    """A region: its floor (N, 2), how it is told, and what marked it."""

    area: float
    floor: Float
    text: str
    marks: tuple[ObjectRecord, ...] = ()
    room: int = 0


async def _run(
    maker: MaskMaker,
    parted: Memo[RoomParts],
    asked: SearchRegionArguments,
    workspace: Workspace,
) -> ToolResult:
    words = read_region(asked.region)
    if words.larger is None and not words.things:
        raise ModelMistake("say which region: a room by what it holds or its size, or a thing")
    looked = (*words.things, *asked.query)
    found = await maker.find(looked, asked.frames, asked.reconstruction, workspace)
    recon = workspace.get(found.reconstruction, ReconstructionRecord)
    require_metric(recon.scale, found.reconstruction)
    rooms = parted.get(recon_key(recon), lambda: rooms_of(maker.surface(recon).points))
    where = _where(words, rooms, found, asked.region)
    wanted = {name.casefold() for name in asked.query}
    things = [pair for pair in found.objects if pair[0].category.casefold() in wanted]
    inside = [pair for pair in things if _lies_in(pair[0], where, words, rooms)]
    await workspace.settle()
    polygon = outline_of(where.floor)
    room = workspace.add("room", RoomRecord(where.area, (polygon,)), (found.reconstruction,))
    rows, masks = mask_rows(workspace, inside)
    group = workspace.group("objs", [row.handle for row in rows])
    head = (
        f"{room}: {where.text}, {where.area:.1f} m2; {group}: {len(rows)} of "
        f"{', '.join(asked.query)} in it, {len(things) - len(rows)} elsewhere"
    )
    lines = [told(row, mask) for row, mask in zip(rows, masks, strict=True)]
    result = ToolResult(
        text="\n".join([head, *lines]),
        data=dump(
            MasksData(
                objects=tuple(rows),
                masks=tuple(masks),
                reconstruction=found.reconstruction,
                room=room,
            )
        ),
        handles=(room, *(row.handle for row in rows), group),
        sources=asked.frames or workspace.frame_handles,
    )
    return used_up(found.used, result)


def _where(words: RegionWords, rooms: RoomParts, found: MasksFound, text: str) -> _Where:
    """The region that is meant; `ModelMistake` says why none is."""
    if words.larger is not None:
        if rooms.count < 2:
            raise ModelMistake("the place is one room: name the region by a thing in it")
        number = 1 if words.larger else rooms.count
        return _Where(rooms.area(number), rooms.points(number), text, room=number)
    marks = _marks(words, found)
    if words.reach is not None:
        (mark,) = marks[:1]
        floor = rooms.floor.points()
        near = floor[_apart(floor, mark) <= words.reach]
        return _Where(len(near) * rooms.floor.cell**2, near, text, (mark,))
    held: Counter[int] = Counter()
    for mark in marks:
        share = Counter(rooms.at(mark.cloud).tolist())
        share.pop(0, None)
        if share:
            held[share.most_common(1)[0][0]] += 1
    if not held:
        raise ModelMistake(f"{marks[0].category} lies in no room that was seen")
    (number, most), *others = held.most_common()
    if others and others[0][1] == most:
        raise ModelMistake(
            f"{', '.join(words.things)} is in more than one room; name one by its size or by "
            "something that only it holds"
        )
    return _Where(rooms.area(number), rooms.points(number), text, tuple(marks), number)


def _marks(words: RegionWords, found: MasksFound) -> list[ObjectRecord]:
    """The things that mark the region: of the first kind that was found, the surest first."""
    for name in words.things:
        mine = [record for record, _ in found.objects if record.category.casefold() == name]
        sure = [record for record in mine if record.accepted] or mine
        if sure:
            return sorted(sure, key=lambda one: -one.confidence)
    raise ModelMistake(f"no {' or '.join(words.things)} was found, so that region is not known")


def _apart(floor: Float, mark: ObjectRecord) -> Float:
    """(N,) metres from floor points (N, 2) to an object's footprint."""
    columns = np.column_stack([floor, np.full(len(floor), mark.box.center[2])])
    beyond = np.maximum(np.abs(mark.box.to_local(columns)) - np.array(mark.box.size) / 2, 0)
    metres: Float = np.linalg.norm(beyond[:, :2], axis=1)
    return metres


def _lies_in(thing: ObjectRecord, where: _Where, words: RegionWords, rooms: RoomParts) -> bool:
    if words.reach is not None:
        return box_distance(thing.box, where.marks[0].box) <= words.reach
    at = rooms.at(thing.cloud)
    known = at[at > 0]
    # Openings lie in the wall itself, where the floor of neither room is: the nearer one counts.
    return bool(len(known)) and float((known == where.room).mean()) > _INSIDE


def search_region_tool(maker: MaskMaker) -> Tool[SearchRegionArguments]:
    """Find a region, and a thing in it."""
    return Tool(
        "search_region",
        "First find a part of the place (the room that holds something, the larger or smaller "
        "room, the floor around a thing), then cut out named things in it in 3D. Gives the room, "
        "and an object with a mask for each thing in there.",
        SearchRegionArguments,
        Effects.EXPERT,
        partial(_run, maker, Memo(8)),
        parallel=False,
        needs=("segment", "reconstruct"),
    )
