"""`detect`: find named things in images."""

from __future__ import annotations

import asyncio
from typing import Annotated

from pydantic import Field

from surveyor.services.contract import DetectAnswer, DetectRequest, Phrase
from surveyor.tools.records import BoxRecord, FrameRecord
from surveyor.tools.schemas import BoxRow
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.usage import ExpertUsage
from surveyor.tools.workspace import Workspace


class DetectArguments(Arguments):
    """What to find, where."""

    frames: Annotated[tuple[str, ...], Field(min_length=1, description="frame handles or groups")]
    phrases: Annotated[
        tuple[Phrase, ...], Field(min_length=1, max_length=64, description="what to find")
    ]
    threshold: Annotated[float, Field(ge=0, le=1, description="least score")] = 0.3


async def _run(asked: DetectArguments, workspace: Workspace) -> ToolResult:
    frames = workspace.expand(asked.frames, FrameRecord)
    # One canonical order, so that the same question in other words hits the cache.
    phrases = tuple(sorted(set(asked.phrases)))
    replies = await asyncio.gather(
        *(
            workspace.experts.ask(
                "detect",
                DetectRequest(image=frame.ref, phrases=phrases, threshold=asked.threshold),
                DetectAnswer,
            )
            for _, frame in frames
        )
    )
    await workspace.settle()
    rows: list[BoxRow] = []
    for (handle, frame), reply in zip(frames, replies, strict=True):
        for found in reply.answer.detections:
            record = BoxRecord(handle, found.phrase, found.box, found.score)
            rows.append(
                BoxRow(
                    handle=workspace.add("box", record, (handle,)),
                    frame=handle,
                    index=frame.index,
                    category=found.phrase,
                    box=found.box,
                    score=found.score,
                )
            )
    group = workspace.group("boxes", [row.handle for row in rows])
    text = f"{group}: {len(rows)} boxes in {len(frames)} frames (pixels x1, y1, x2, y2; score)"
    for handle, _ in frames:
        here = [row for row in rows if row.frame == handle]
        text += f"\n{handle}: " + ("; ".join(_line(row) for row in here) or "nothing")
    handles = [row.handle for row in rows] + [group]
    return ExpertUsage(replies).result(text, rows, handles, [handle for handle, _ in frames])


def _line(row: BoxRow) -> str:
    edges = ", ".join(f"{edge:.0f}" for edge in row.box)
    return f"{row.handle} {row.category} ({edges}) {row.score:.2f}"


def detect_tool() -> Tool[DetectArguments]:
    """Find named things in images."""
    return Tool(
        "detect",
        "Find things by name in one or many frames. Gives a box handle for every detection and "
        "one handle for all of them. Boxes are pixels of the frame, x right and y down.",
        DetectArguments,
        Effects.EXPERT,
        _run,
        needs=("detect",),
    )
