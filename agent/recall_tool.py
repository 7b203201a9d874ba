"""`recall`: what earlier questions on this scene have measured, with who measured it and how well.

Nothing is measured anew and nothing is paid; the text says so, and so does the log. Positions are
those of one reconstruction, so they compare with each other and with no handle of this episode.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, JsonValue

from memory.scene_memory import SceneMemory
from services.contract import Phrase
from tools.spec import Arguments, Effects, Tool, ToolResult
from tools.workspace import Workspace


class RecallArguments(Arguments):
    """What to remember."""

    categories: Annotated[
        tuple[Phrase, ...], Field(max_length=64, description="only these; all if left out")
    ] = ()


def recall_tool(memory: SceneMemory, *, confidence: float = 0.3) -> Tool[RecallArguments]:
    """A tool over ``memory``; objects below ``confidence`` are left out."""

    async def run(asked: RecallArguments, workspace: Workspace) -> ToolResult:
        found = memory.recall(workspace.task.scene_id, asked.categories, confidence=confidence)
        data: dict[str, JsonValue] = found.model_dump(mode="json")
        return ToolResult(found.text, data=data)

    return Tool(
        "recall",
        "Recall objects that earlier questions on this place measured: category, centre and size, "
        "views, confidence. They cost nothing, are not measured anew, and their coordinates don't "
        "compare with those of anything measured now.",
        RecallArguments,
        Effects.PURE,
        run,
    )
