"""`floor_area`: how much floor a place has."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from surveyor.core.errors import ModelMistake
from surveyor.core.geometry import Float, require_metric
from surveyor.tools.geometry.floor import floor_area
from surveyor.tools.geometry.lifting import LEVEL
from surveyor.tools.measuring.measures import measurement
from surveyor.tools.records import DepthRecord, GroupRecord, ReconstructionRecord, RoomRecord
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.workspace import Workspace

_LEAST_POINTS = 50


class FloorArguments(Arguments):
    """Where the floor is to be seen."""

    place: Annotated[
        str,
        Field(
            description="a reconstruction, depth or room handle; of a group of depths, that which "
            "shows most of the floor"
        ),
    ]


async def _floor(asked: FloorArguments, workspace: Workspace) -> ToolResult:
    if asked.place.startswith("room"):
        area = workspace.get(asked.place, RoomRecord).area
    elif workspace.stands_for(asked.place, (GroupRecord,)):
        area = _most_floor(asked.place, workspace)
    else:
        area = floor_area(_place_cloud(asked.place, workspace))
    text = f"the floor measures {area:.1f} square metres"
    return measurement(workspace, round(area, 3), "m2", text, (asked.place,))


def _most_floor(group: str, workspace: Workspace) -> float:
    """Of several views: one shows a part of the floor, never more than all of it."""
    areas, why = [], ModelMistake(f"{group} holds no depth; name a depth or a group of depths")
    for handle, _ in workspace.expand((group,), DepthRecord):
        try:
            areas.append(floor_area(_place_cloud(handle, workspace)))
        except ModelMistake as mistake:
            why = mistake
    if not areas:
        raise why
    return max(areas)


def _place_cloud(place: str, workspace: Workspace) -> Float:
    """(N, 3) points in metres, +Z up, of a reconstruction, or of what one depth map shows."""
    if place.startswith("depth"):
        depth = workspace.get(place, DepthRecord)
        require_metric(depth.depth.scale, place)
        points, measured = depth.depth.unproject(depth.intrinsics)
        cloud: Float = points[measured] @ LEVEL.T
    else:
        record = workspace.get(place, ReconstructionRecord)
        require_metric(record.scale, place)
        cloud = record.cloud.points
    if len(cloud) < _LEAST_POINTS:
        raise ModelMistake(f"{place} has too few points to measure a floor")
    return cloud


def floor_tool() -> Tool[FloorArguments]:
    """Floor area."""
    return Tool(
        "floor_area",
        "Floor area in square metres of a reconstruction, of a room from an object table, or of "
        "the part that one depth map shows.",
        FloorArguments,
        Effects.PURE,
        _floor,
    )
