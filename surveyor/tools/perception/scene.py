"""`scene`: the object table of a place that an expert knows."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from surveyor.core.geometry import Scale, World
from surveyor.services.contract import Phrase, SceneAnswer, SceneEntry, SceneRequest
from surveyor.tools.objects import add_objects, say
from surveyor.tools.records import ObjectRecord, RoomRecord
from surveyor.tools.schemas import ObjectsData
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.usage import ExpertUsage
from surveyor.tools.workspace import Workspace

TABLE_SPACE = "table"


class SceneArguments(Arguments):
    """Which part of the table."""

    categories: Annotated[
        tuple[Phrase, ...], Field(max_length=64, description="only these; all if left out")
    ] = ()


async def _run(asked: SceneArguments, workspace: Workspace) -> ToolResult:
    request = SceneRequest(scene_id=workspace.task.scene_id)
    reply = await workspace.experts.ask("scene", request, SceneAnswer)
    answer = reply.answer
    wanted = {category.casefold() for category in asked.categories}
    entries = [e for e in answer.objects if not wanted or e.category.casefold() in wanted]
    await workspace.settle()
    rows = add_objects(workspace, [(_record(entry), ()) for entry in entries])
    handles = [row.handle for row in rows]
    lines = [say(row) for row in rows]
    room = None
    if answer.room_area is not None:
        room = workspace.add("room", RoomRecord(answer.room_area, answer.rooms))
        handles.append(room)
        lines.append(f"{room}: floor {answer.room_area:.1f} square metres")
    if rows:
        group = workspace.group("objs", [row.handle for row in rows])
        handles.append(group)
        lines.insert(0, f"{group}: {len(rows)} objects (centres and sizes, +Z up)")
    else:
        known = sorted({entry.category for entry in answer.objects})
        lines.insert(0, f"nothing of that kind; the table has: {', '.join(known)}")
    data = ObjectsData(objects=tuple(rows), room=room)
    return ExpertUsage([reply]).result("\n".join(lines), data, handles, ())


def _record(entry: SceneEntry) -> ObjectRecord:
    return ObjectRecord(
        category=entry.category,
        space=TABLE_SPACE,
        scale=Scale.METRIC,
        world=World.DATASET,
        box=entry.box,
        cloud=np.zeros((0, 3)),
        support=0,
        visible=0,
        confidence=1.0,
        front=entry.front,
        attributes=entry.attributes,
    )


def scene_tool() -> Tool[SceneArguments]:
    """Ask for the object table."""
    return Tool(
        "scene",
        "Ask for the table of known objects of this place (boxes in metres, +Z up) and its floor "
        "area. Works where an expert knows the place.",
        SceneArguments,
        Effects.EXPERT,
        _run,
        needs=("scene",),
    )
