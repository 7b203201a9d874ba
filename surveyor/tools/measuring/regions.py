"""`region`: the middle of a part of the floor, to stand in or to look for."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import numpy as np
from pydantic import Field

from surveyor.core.errors import ModelMistake
from surveyor.core.geometry import Float, require_metric
from surveyor.tools.geometry.floor import floor_of
from surveyor.tools.geometry.parts import around, around_within, larger_or_smaller
from surveyor.tools.measuring.anchors import spot
from surveyor.tools.objects import add_objects, say
from surveyor.tools.records import ObjectRecord, ReconstructionRecord
from surveyor.tools.schemas import ObjectsData
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.usage import dump
from surveyor.tools.workspace import Workspace


class FloorPart(StrEnum):
    """Of a floor of two parts."""

    LARGER = "larger"
    SMALLER = "smaller"


class RegionArguments(Arguments):
    """The floor around an object, or one of a place's two parts."""

    reconstruction: str
    around: Annotated[str | None, Field(description="an object of the reconstruction")] = None
    reach: Annotated[float, Field(gt=0, le=10, description="metres around the object")] = 1.0
    part: Annotated[FloorPart | None, Field(description="instead: an arm of an L, or a room")] = (
        None
    )
    name: Annotated[str, Field(min_length=1, max_length=60)] = "region"


async def _run(asked: RegionArguments, workspace: Workspace) -> ToolResult:
    if (asked.around is None) == (asked.part is None):
        raise ModelMistake("region takes either an object to be around, or a part")
    record = workspace.get(asked.reconstruction, ReconstructionRecord)
    require_metric(record.scale, asked.reconstruction)
    points = _points(asked, record, workspace)
    if not len(points):
        raise ModelMistake("no floor was seen there")
    middle, height = points.mean(axis=0), float(np.quantile(record.cloud.points[:, 2], 0.005))
    place = spot(
        asked.name, [*middle.tolist(), height], asked.reconstruction, record.scale, record.world
    )
    sources = (asked.reconstruction, *([asked.around] if asked.around else []))
    await workspace.settle()
    (row,) = add_objects(workspace, [(place, sources)])
    return ToolResult(
        text=f"the middle of that floor is {say(row)}",
        data=dump(ObjectsData(objects=(row,))),
        handles=(row.handle,),
        sources=sources,
    )


def _points(asked: RegionArguments, record: ReconstructionRecord, workspace: Workspace) -> Float:
    floor = floor_of(record.cloud.points)
    if asked.around is not None:
        thing = workspace.get(asked.around, ObjectRecord)
        if thing.space != asked.reconstruction:
            raise ModelMistake(f"{asked.around} lies in {thing.space}, not there")
        found = around(floor, thing.box, asked.reach)
        if len(found):
            return found
        return around_within(record.cloud.points, floor.yaw, thing.box, asked.reach)
    larger = asked.part is FloorPart.LARGER
    part = larger_or_smaller(floor, record.cloud.points, larger=larger)
    if part is None:
        raise ModelMistake(f"the floor of {asked.reconstruction} has no two parts")
    return part


def region_tool() -> Tool[RegionArguments]:
    """Find the middle of a region."""
    return Tool(
        "region",
        "Find the middle of a part of the floor (around an object, the larger or smaller arm of "
        "an L-shaped place, or the larger or smaller of the rooms) and get an object handle for it "
        "that measures like any other.",
        RegionArguments,
        Effects.PURE,
        _run,
    )
