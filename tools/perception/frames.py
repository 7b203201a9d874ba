"""`frames`: which images to look at."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import numpy as np
from pydantic import Field

from memory.errors import ModelMistake
from tools.records import FrameRecord
from tools.spec import Arguments, Effects, Tool, ToolResult
from tools.workspace import Workspace


class Policy(StrEnum):
    """``uniform``: evenly spaced in order of time."""

    UNIFORM = "uniform"


class FramesArguments(Arguments):
    """Choose by policy, or name indices or times."""

    number: Annotated[int, Field(ge=1, le=128, description="how many frames")] = 16
    policy: Policy = Policy.UNIFORM
    indices: Annotated[
        tuple[int, ...], Field(max_length=128, description="frame numbers, instead of a policy")
    ] = ()
    times: Annotated[
        tuple[float, ...], Field(max_length=128, description="seconds, instead of a policy")
    ] = ()


async def _run(asked: FramesArguments, workspace: Workspace) -> ToolResult:
    handles = workspace.frame_handles
    if not handles:
        raise ModelMistake("this scene has no frames; ask the scene tool for its object table")
    if asked.indices:
        chosen = [f"frame_{index}" for index in asked.indices]
    elif asked.times:
        moments = np.array([workspace.get(h, FrameRecord).time for h in handles])
        chosen = [handles[int(np.abs(moments - time).argmin())] for time in asked.times]
    else:
        chosen = evenly(handles, asked.number)
    records = [workspace.get(handle, FrameRecord) for handle in chosen]
    await workspace.settle()
    group = workspace.group("frames", chosen)
    seen = ", ".join(f"{h} at {r.time:.1f} s" for h, r in zip(chosen, records, strict=True))
    return ToolResult(
        text=f"{group}: {seen} ({len(chosen)} of {len(handles)} frames)",
        data=list(chosen),
        handles=(group,),
        sources=tuple(chosen),
    )


def evenly(handles: tuple[str, ...], number: int) -> list[str]:
    """``number`` handles spread evenly, first and last included; all if there are fewer."""
    if number >= len(handles):
        return list(handles)
    positions = np.linspace(0, len(handles) - 1, number).round().astype(int)
    return [handles[position] for position in positions]


def frames_tool() -> Tool[FramesArguments]:
    """Choose frames of the capture."""
    return Tool(
        "frames",
        "Choose frames of the capture: evenly spaced, or by index or time. Gives one handle for "
        "the chosen frames, which other tools take as a list.",
        FramesArguments,
        Effects.PURE,
        _run,
    )
