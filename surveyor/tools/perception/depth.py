"""`depth`: how far every pixel is."""

from __future__ import annotations

import asyncio
from typing import Annotated

import numpy as np
from pydantic import Field

from surveyor.core.geometry import DepthMap
from surveyor.services.contract import DepthAnswer, DepthRequest
from surveyor.tools.records import DepthRecord, FrameRecord
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.usage import ExpertUsage
from surveyor.tools.workspace import Workspace


class DepthArguments(Arguments):
    """Which frames to measure."""

    frames: Annotated[tuple[str, ...], Field(min_length=1, description="frame handles or groups")]


async def _run(asked: DepthArguments, workspace: Workspace) -> ToolResult:
    frames = workspace.expand(asked.frames, FrameRecord)
    replies = await asyncio.gather(
        *(
            workspace.experts.ask("depth", DepthRequest(image=frame.ref), DepthAnswer)
            for _, frame in frames
        )
    )
    arrays = [await workspace.experts.array("depth", reply.answer.depth) for reply in replies]
    await workspace.settle()
    handles, lines = [], []
    for (frame, _), reply, array in zip(frames, replies, arrays, strict=True):
        answer = reply.answer
        depth = DepthMap(np.asarray(array, np.float32), answer.scale)
        record = DepthRecord(frame, answer.depth.sha256, depth, answer.intrinsics)
        handle = workspace.add("depth", record, (frame,))
        handles.append(handle)
        unit = "units" if answer.scale == "relative" else "m"
        lines.append(
            f"{handle} of {frame}: {answer.minimum:.2f} to {answer.maximum:.2f} {unit} "
            f"({answer.scale}, focal length {answer.scale_source})"
        )
    group = workspace.group("depths", handles)
    text = f"{group}: depth along the camera axis\n" + "\n".join(lines)
    return ExpertUsage(replies).result(text, None, [*handles, group], asked.frames)


def depth_tool() -> Tool[DepthArguments]:
    """Measure depth."""
    return Tool(
        "depth",
        "Estimate the depth of every pixel of one or many frames, in metres along the camera axis "
        "where the expert is metric.",
        DepthArguments,
        Effects.EXPERT,
        _run,
        needs=("depth",),
    )
