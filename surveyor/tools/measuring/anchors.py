"""`place_anchor`: name a spot, so that later questions can be asked from it."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from surveyor.core.anchor_actions import AnchorAction, faults
from surveyor.core.errors import ModelMistake
from surveyor.core.geometry import OrientedBox, Scale, Vec3, World
from surveyor.tools.objects import add_objects, say
from surveyor.tools.records import ObjectRecord, ReconstructionRecord
from surveyor.tools.schemas import ObjectsData
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.usage import dump
from surveyor.tools.workspace import Workspace

_SPOT = 0.01
_DOT = (_SPOT, _SPOT, _SPOT)


class AnchorArguments(Arguments):
    """A name and where it is: a point of a frame of reference, or relative to an object."""

    name: Annotated[str, Field(min_length=1, max_length=60)]
    space: Annotated[
        str | None, Field(description="a reconstruction, when the position is absolute")
    ] = None
    beside: Annotated[
        str | None, Field(description="an object, when the position is an offset from its centre")
    ] = None
    position: Annotated[Vec3, Field(description="x, y, z (+Z up)")] = (0.0, 0.0, 0.0)
    normal: Annotated[
        Vec3 | None, Field(description="unit vector that it faces along; up if left out")
    ] = None
    extent: Annotated[
        tuple[float, ...],
        Field(max_length=3, description="edges in metres, two for a plane; the object's own"),
    ] = ()


async def _run(asked: AnchorArguments, workspace: Workspace) -> ToolResult:
    if (asked.space is None) == (asked.beside is None):
        raise ModelMistake("place_anchor takes either a space or an object to be beside")
    point = np.array(asked.position)
    normal, extent = asked.normal, asked.extent
    if asked.beside is not None:
        thing = workspace.get(asked.beside, ObjectRecord)
        normal, extent = normal or thing.front, extent or thing.box.size
        point, space, scale = point + thing.box.center, thing.space, thing.scale
        source, world = asked.beside, thing.world
    else:
        source = space = asked.space or ""
        record = workspace.get(space, ReconstructionRecord)
        scale, world = record.scale, record.world
    action = AnchorAction(
        workspace.task.scene_id, tuple(point.tolist()), normal or (0.0, 0.0, 1.0), extent or _DOT
    )
    if wrong := faults(action.record()):
        raise ModelMistake(f"place_anchor: {'; '.join(wrong.values())}")
    place = spot(asked.name, point.tolist(), space, scale, world)
    rows = add_objects(workspace, [(place, (source,))])
    return ToolResult(
        text=f"anchored {say(rows[0])}\n{action.text()}",
        data=dump(ObjectsData(objects=tuple(rows))),
        handles=(rows[0].handle,),
        sources=(source,),
    )


def spot(name: str, point: list[float], space: str, scale: Scale, world: World) -> ObjectRecord:
    """A named point (x, y, z) of a frame of reference, as an object without extent."""
    return ObjectRecord(
        category=name,
        space=space,
        scale=scale,
        box=OrientedBox.upright((point[0], point[1], point[2]), (_SPOT, _SPOT, _SPOT), 0.0),
        cloud=np.array([point]),
        support=0,
        visible=0,
        confidence=1.0,
        world=world,
    )


def anchor_tool() -> Tool[AnchorArguments]:
    """Place a named point."""
    return Tool(
        "place_anchor",
        "Put a named point into a frame of reference, absolute or beside an object, and get an "
        "object handle for it that measures like any other, and its whole action as JSON.",
        AnchorArguments,
        Effects.ACTION,
        _run,
        parallel=False,
    )
