"""`marks`: boxes and points drawn into a picture, for questions that point at them."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from surveyor.core.errors import ModelMistake
from surveyor.core.images import rgb
from surveyor.tools.geometry.marks import drawn
from surveyor.tools.records import BoxRecord, FrameRecord
from surveyor.tools.schemas import BoxRow
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.usage import dump
from surveyor.tools.workspace import Workspace

_REACH = 2


class MarksArguments(Arguments):
    """Which pictures to search."""

    frames: Annotated[tuple[str, ...], Field(min_length=1, description="frame handles or groups")]


async def _run(asked: MarksArguments, workspace: Workspace) -> ToolResult:
    frames = workspace.expand(asked.frames, FrameRecord)
    found = [
        (handle, frame.index, name, box, score)
        for handle, frame in frames
        for name, box, score in _marks(handle, frame, workspace)
    ]
    if not found:
        raise ModelMistake("no box or lettered point is drawn into these frames")
    await workspace.settle()
    rows = [
        BoxRow(
            handle=workspace.add("box", BoxRecord(frame, name, box, score), (frame,)),
            frame=frame,
            index=index,
            category=name,
            box=box,
            score=score,
        )
        for frame, index, name, box, score in found
    ]
    group = workspace.group("boxes", [row.handle for row in rows])
    lines = [f"{row.handle}: {row.category} of {row.frame} ({_edges(row)})" for row in rows]
    text = f"{group}: {len(rows)} marks drawn into the pictures (pixels)\n" + "\n".join(lines)
    handles = (*(row.handle for row in rows), group)
    sources = tuple(dict.fromkeys(row.frame for row in rows))
    return ToolResult(text=text, data=dump(rows), handles=handles, sources=sources)


def _marks(
    handle: str, frame: FrameRecord, workspace: Workspace
) -> list[tuple[str, tuple[float, float, float, float], float]]:
    """Names, boxes and scores; a point is the small box around its middle."""
    image = np.asarray(rgb(workspace.experts.image(frame.image.sha256), handle))
    boxes, points = drawn(image)
    marks = [(f"{one.colour} box", one.box, one.score) for one in boxes]
    for point in points:
        u, v = point.pixel
        box = (float(u - _REACH), float(v - _REACH), float(u + _REACH), float(v + _REACH))
        marks.append((f"point {point.letter}", box, point.score))
    return marks


def _edges(row: BoxRow) -> str:
    return ", ".join(f"{edge:.0f}" for edge in row.box)


def marks_tool() -> Tool[MarksArguments]:
    """Find drawn marks."""
    return Tool(
        "marks",
        "Find what is drawn into a picture that a question points at: coloured boxes, and circled "
        "points with a letter. Gives a box handle for each, to segment, lift or read depth at.",
        MarksArguments,
        Effects.PURE,
        _run,
    )
