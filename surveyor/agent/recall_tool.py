"""`recall`: what earlier questions on this scene have measured, with who measured it and how well.

Nothing is measured anew and nothing is paid; the text says so, and so does the log. What is
recalled gets handles, so that it can be counted and measured like what is found now; positions are
those of one earlier reconstruction and compare with each other only.
"""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from surveyor.core.geometry import OrientedBox, Scale, World
from surveyor.memory.scenes.records import EvidenceObject
from surveyor.memory.scenes.store import SceneMemory
from surveyor.tools.objects import add_objects
from surveyor.tools.records import ObjectRecord
from surveyor.tools.schemas import ObjectsData
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.usage import dump
from surveyor.tools.wire import Phrase
from surveyor.tools.workspace import Workspace

RECALL = "recall"


class RecallArguments(Arguments):
    """What to remember."""

    categories: Annotated[
        tuple[Phrase, ...], Field(max_length=64, description="only these; all if left out")
    ] = ()
    confidence: Annotated[
        float, Field(ge=0, le=1, description="leave out what was measured less surely")
    ] = 0.3


class RecalledData(ObjectsData):
    """Recalled objects, the episodes that measured them, the experts behind them, and each
    object's version: how often it was measured in that reconstruction."""

    episodes: tuple[str, ...] = ()
    producers: tuple[str, ...] = ()
    versions: dict[str, int] = Field(default_factory=dict)


def recall_tool(memory: SceneMemory) -> Tool[RecallArguments]:
    """A tool over ``memory``."""

    async def run(asked: RecallArguments, workspace: Workspace) -> ToolResult:
        scene = workspace.task.scene_id
        found = memory.recall(scene, asked.categories, confidence=asked.confidence)
        placed = [thing for thing in found.objects if thing.size is not None]
        rows = add_objects(workspace, [(_record(thing), ()) for thing in placed])
        names = {thing.key: row.handle for thing, row in zip(placed, rows, strict=True)}
        told = tuple(o.model_copy(update={"key": names.get(o.key, "-")}) for o in found.objects)
        data = RecalledData(
            objects=tuple(rows),
            episodes=found.episodes,
            producers=tuple(sorted({p for o in found.objects for p in o.producers})),
            versions={names[o.key]: o.version for o in placed},
        )
        text = found.model_copy(update={"objects": told}).text
        return ToolResult(text, data=dump(data), handles=tuple(names.values()))

    return Tool(
        RECALL,
        "Recall objects that earlier questions on this place measured, as object handles with "
        "category, centre, size, views and confidence. They cost nothing and are not measured "
        "anew; their coordinates don't compare with those of anything measured now.",
        RecallArguments,
        Effects.PURE,
        run,
    )


def _record(thing: EvidenceObject) -> ObjectRecord:
    """The object without its points, which memory doesn't keep."""
    assert thing.size is not None
    level = OrientedBox(center=thing.center, size=thing.size)
    return ObjectRecord(
        category=thing.category,
        space=f"recalled from {thing.world}",
        scale=Scale(thing.scale),
        world=World(thing.coordinates),
        box=level if thing.axes is None else level.model_copy(update={"axes": thing.axes}),
        cloud=np.zeros((0, 3)),
        support=thing.views,
        visible=thing.views,
        confidence=thing.confidence,
    )
