"""`answer_with_mask`: the answer to a question together with what it is about, in space."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from surveyor.core.errors import ModelMistake
from surveyor.tools.objects import object_row
from surveyor.tools.perception.masks_3d import space_mask
from surveyor.tools.records import ObjectRecord
from surveyor.tools.schemas import MasksData
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.usage import dump
from surveyor.tools.workspace import Workspace

SEPARATOR = "; "
"""Between what is said and what is shown."""


class MaskAnswerArguments(Arguments):
    """What to show, and what to say about it."""

    objects: Annotated[
        tuple[str, ...], Field(min_length=1, description="object handles or groups to show")
    ]
    answer: Annotated[
        str | None,
        Field(max_length=200, description="the answer in words, where the question wants one"),
    ] = None


async def _run(asked: MaskAnswerArguments, workspace: Workspace) -> ToolResult:
    shown = workspace.expand(asked.objects, ObjectRecord)
    if not shown:
        raise ModelMistake("those groups are empty: there is nothing to show; answer none instead")
    spaces = {record.space for _, record in shown}
    if len(spaces) > 1:
        raise ModelMistake(
            f"these lie in {' and '.join(sorted(spaces))}, whose coordinates have nothing in "
            "common; show objects of one of them"
        )
    if flat := [handle for handle, record in shown if not len(record.cloud)]:
        raise ModelMistake(f"{flat[0]} has no points, only a box; cut it out with segment_3d first")
    if asked.answer is not None and SEPARATOR.strip() in asked.answer:
        raise ModelMistake("leave semicolons out of the answer: what follows one is what is shown")
    await workspace.settle()
    group = workspace.group("objs", [handle for handle, _ in shown])
    said = f"{asked.answer}{SEPARATOR}{group}" if asked.answer else group
    data = MasksData(
        objects=tuple(
            object_row(handle, record, workspace.sources(handle)) for handle, record in shown
        ),
        masks=tuple(space_mask(handle, record, workspace) for handle, record in shown),
        answer=asked.answer,
        said=said,
    )
    points = sum(len(record.cloud) for _, record in shown)
    return ToolResult(
        text=f"answer with exactly: {said} ({len(shown)} objects, {points} points)",
        data=dump(data),
        handles=(group,),
        sources=asked.objects,
    )


def mask_answer_tool() -> Tool[MaskAnswerArguments]:
    """Put an answer and its mask together."""
    return Tool(
        "answer_with_mask",
        "Put together an answer in words and the mask of the objects that it is about. Gives one "
        "handle for all of them and the text to answer with.",
        MaskAnswerArguments,
        Effects.ACTION,
        _run,
        parallel=False,
    )
