"""`segment_3d`: one mask in space for everything that a phrase names."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from pydantic import Field

from surveyor.services.contract import Phrase
from surveyor.tools.perception.masks_3d import (
    KnownPlace,
    MaskMaker,
    ShownFrames,
    mask_rows,
    told,
    used_up,
)
from surveyor.tools.schemas import MasksData
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.usage import dump
from surveyor.tools.workspace import Workspace


class Segment3DArguments(Arguments):
    """What to cut out of the place."""

    query: Annotated[
        tuple[Phrase, ...],
        Field(min_length=1, max_length=16, description="names of things, each in a few words"),
    ]
    frames: ShownFrames = ()
    reconstruction: KnownPlace = None


async def _run(maker: MaskMaker, asked: Segment3DArguments, workspace: Workspace) -> ToolResult:
    found = await maker.find(asked.query, asked.frames, asked.reconstruction, workspace)
    await workspace.settle()
    rows, masks = mask_rows(workspace, found.objects)
    group = workspace.group("objs", [row.handle for row in rows])
    names = ", ".join(asked.query)
    head = (
        f"{group}: {sum(row.accepted for row in rows)} masks of {names} in {found.reconstruction}"
    )
    lines = [told(row, mask) for row, mask in zip(rows, masks, strict=True)]
    result = ToolResult(
        text="\n".join([head, *lines]),
        data=dump(
            MasksData(objects=tuple(rows), masks=tuple(masks), reconstruction=found.reconstruction)
        ),
        handles=(*(row.handle for row in rows), group),
        sources=asked.frames or workspace.frame_handles,
    )
    return used_up(found.used, result)


def segment_3d_tool(maker: MaskMaker) -> Tool[Segment3DArguments]:
    """Cut things out in space."""
    return Tool(
        "segment_3d",
        "Cut every instance of named things out of the place in 3D: masks in all frames, joined by "
        "a vote of the views that see each point. Gives an object with a mask for each, which "
        "views agree on it and how sure it is; [weak] ones were seen by too few.",
        Segment3DArguments,
        Effects.EXPERT,
        partial(_run, maker),
        parallel=False,
        needs=("segment", "reconstruct"),
    )
