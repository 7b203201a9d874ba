"""`frames`: which images to look at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import partial
from itertools import pairwise
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from surveyor.core.errors import ModelMistake
from surveyor.tools.quality import FrameMeter
from surveyor.tools.records import FrameRecord
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.workspace import Workspace


class Policy(StrEnum):
    """``uniform``: evenly spaced in time. ``quality``: the best looking frame of each of as many
    equal stretches. ``coverage``: greedily the frame that looks least like those chosen."""

    UNIFORM = "uniform"
    QUALITY = "quality"
    COVERAGE = "coverage"


class FramesArguments(Arguments):
    """Choose by policy, or name indices or times."""

    number: Annotated[int, Field(ge=1, le=128, description="how many frames")] = 16
    policy: Annotated[
        Policy,
        Field(
            description="uniform in time; quality: the sharpest, brightest of equal stretches; "
            "coverage: frames that look different from each other"
        ),
    ] = Policy.UNIFORM
    indices: Annotated[
        tuple[int, ...], Field(max_length=128, description="frame numbers, instead of a policy")
    ] = ()
    times: Annotated[
        tuple[float, ...], Field(max_length=128, description="seconds, instead of a policy")
    ] = ()


async def _run(meter: FrameMeter, asked: FramesArguments, workspace: Workspace) -> ToolResult:
    handles = workspace.frame_handles
    if not handles:
        raise ModelMistake("this scene has no frames; ask the scene tool for its object table")
    chosen = _choose(meter, asked, workspace)
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


def _choose(meter: FrameMeter, asked: FramesArguments, workspace: Workspace) -> list[str]:
    handles = workspace.frame_handles
    if asked.indices:
        return list(dict.fromkeys(f"frame_{index}" for index in asked.indices))
    frames = [workspace.get(handle, FrameRecord) for handle in handles]
    if asked.times:
        moments = np.array([frame.time for frame in frames])
        return [handles[int(np.abs(moments - time).argmin())] for time in asked.times]
    if asked.policy is Policy.UNIFORM or asked.number >= len(handles):
        return evenly(handles, asked.number)
    load = workspace.experts.image
    if asked.policy is Policy.QUALITY:
        worth = [meter.pixels(frame.image.sha256, load).worth for frame in frames]
        return _best_of_stretches(handles, worth, asked.number)
    looks = np.stack([meter.look(frame.image.sha256, load) for frame in frames])
    return [handles[i] for i in spread(looks.reshape(len(frames), -1), asked.number)]


def evenly(handles: Sequence[str], number: int) -> list[str]:
    """``number`` handles spread evenly, first and last included; all if there are fewer."""
    if number >= len(handles):
        return list(handles)
    positions = np.linspace(0, len(handles) - 1, number).round().astype(int)
    return [handles[position] for position in positions]


def _best_of_stretches(handles: Sequence[str], worth: Sequence[float], number: int) -> list[str]:
    bounds = np.linspace(0, len(handles), number + 1).round().astype(int)
    best: Callable[[int], float] = worth.__getitem__
    return [handles[max(range(a, b), key=best)] for a, b in pairwise(bounds.tolist())]


def spread(points: NDArray[np.float32], number: int) -> list[int]:
    """Positions of ``number`` points (N, D), each the farthest from those before, in order.

    Gonzalez' greedy k-centre: starts with the first, covers within twice the best radius.
    """
    chosen = [0]
    distance = np.linalg.norm(points - points[0], axis=1)
    while len(chosen) < min(number, len(points)):
        farthest = int(distance.argmax())
        chosen.append(farthest)
        distance = np.minimum(distance, np.linalg.norm(points - points[farthest], axis=1))
        distance[chosen] = -1
    return sorted(chosen)


def frames_tool(meter: FrameMeter) -> Tool[FramesArguments]:
    """Choose frames of the capture."""
    return Tool(
        "frames",
        "Choose frames of the capture by a policy, or by index or time. Gives one handle for the "
        "chosen frames, which other tools take as a list.",
        FramesArguments,
        Effects.PURE,
        partial(_run, meter),
    )
