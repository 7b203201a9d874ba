"""`segment`: cut out things by their boxes or by name."""

from __future__ import annotations

import asyncio
from typing import Annotated

from pydantic import Field

from surveyor.core.errors import ModelMistake
from surveyor.core.masks import rle_area
from surveyor.services.contract import Phrase, SegmentAnswer, SegmentMode, SegmentRequest
from surveyor.tools.experts import Reply
from surveyor.tools.records import BoxRecord, FrameRecord, MaskRecord
from surveyor.tools.schemas import MaskRow
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.usage import ExpertUsage
from surveyor.tools.workspace import Workspace


class SegmentArguments(Arguments):
    """Either boxes, or frames and a name."""

    boxes: Annotated[tuple[str, ...], Field(description="box handles or groups")] = ()
    frames: Annotated[tuple[str, ...], Field(description="frames to search by text")] = ()
    text: Annotated[Phrase | None, Field(description="what to cut out in the frames")] = None


_Found = tuple[str, str, str, Reply[SegmentAnswer], int]


async def _run(asked: SegmentArguments, workspace: Workspace) -> ToolResult:
    if bool(asked.boxes) == bool(asked.frames and asked.text):
        raise ModelMistake("segment takes either boxes, or frames together with a text")
    if asked.boxes:
        return await _by_boxes(asked, workspace)
    return await _by_text(asked, asked.text or "", workspace)


async def _by_boxes(asked: SegmentArguments, workspace: Workspace) -> ToolResult:
    boxes = workspace.expand(asked.boxes, BoxRecord)
    by_frame: dict[str, list[tuple[str, BoxRecord]]] = {}
    for handle, box in boxes:
        by_frame.setdefault(box.frame, []).append((handle, box))
    replies = await asyncio.gather(
        *(
            workspace.experts.ask(
                "segment",
                SegmentRequest(
                    image=workspace.get(frame, FrameRecord).ref,
                    mode=SegmentMode.INSTANCE,
                    boxes=tuple(box.box for _, box in here),
                ),
                SegmentAnswer,
            )
            for frame, here in by_frame.items()
        )
    )
    await workspace.settle()
    rows = []
    for (frame, here), reply in zip(by_frame.items(), replies, strict=True):
        for segment in reply.answer.segments:
            if segment.prompt is None or not 0 <= segment.prompt < len(here):
                continue
            source, box = here[segment.prompt]
            record = MaskRecord(frame, box.category, segment.mask, segment.box, box.score)
            rows.append(_add(workspace, record, source))
    return _result(workspace, rows, ExpertUsage(replies), asked.boxes)


async def _by_text(asked: SegmentArguments, text: str, workspace: Workspace) -> ToolResult:
    frames = workspace.expand(asked.frames, FrameRecord)
    replies = await asyncio.gather(
        *(
            workspace.experts.ask(
                "segment",
                SegmentRequest(image=frame.ref, mode=SegmentMode.CONCEPT, text=text),
                SegmentAnswer,
            )
            for _, frame in frames
        )
    )
    await workspace.settle()
    rows = []
    for (frame, _), reply in zip(frames, replies, strict=True):
        for segment in reply.answer.segments:
            record = MaskRecord(frame, text, segment.mask, segment.box, segment.score)
            rows.append(_add(workspace, record, frame))
    return _result(workspace, rows, ExpertUsage(replies), asked.frames)


def _add(workspace: Workspace, record: MaskRecord, source: str) -> MaskRow:
    return MaskRow(
        handle=workspace.add("mask", record, (source,)),
        frame=record.frame,
        category=record.category,
        pixels=rle_area(record.mask.counts),
        score=record.score,
        box=record.box,
        mask=record.mask,
        prompt=source if source.startswith("box_") else "",
    )


def _result(
    workspace: Workspace, rows: list[MaskRow], tally: ExpertUsage, sources: tuple[str, ...]
) -> ToolResult:
    group = workspace.group("masks", [row.handle for row in rows])
    lines = [
        f"{row.handle} {row.category} in {row.frame}, {row.pixels} px, {row.score:.2f}"
        for row in rows
    ]
    text = f"{group}: {len(rows)} masks\n" + "\n".join(lines)
    return tally.result(text.rstrip(), rows, [row.handle for row in rows] + [group], sources)


def segment_tool() -> Tool[SegmentArguments]:
    """Cut out things."""
    return Tool(
        "segment",
        "Cut things out of frames: one mask for every box given, or every instance of a named "
        "thing in the frames given. Gives mask handles and one handle for all of them.",
        SegmentArguments,
        Effects.EXPERT,
        _run,
        needs=("segment",),
    )
