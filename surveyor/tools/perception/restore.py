"""`restore` and `zoom`: images that are easier to see, with the way back to the captured frame."""

from __future__ import annotations

import asyncio
import io
from collections.abc import Callable
from functools import partial
from typing import Annotated, Literal

from PIL import Image
from pydantic import Field

from surveyor.core.blobs import Derivation
from surveyor.core.errors import ModelMistake
from surveyor.core.images import rgb
from surveyor.services.contract import Box, RestoreAnswer, RestoreRequest
from surveyor.tools.geometry.lifting import compose_affine
from surveyor.tools.quality import FrameMeter, FramePixels
from surveyor.tools.records import IDENTITY, BoxRecord, FrameRecord, MaskRecord
from surveyor.tools.schemas import FrameRow
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.usage import ExpertUsage, dump
from surveyor.tools.workspace import Workspace

_LEAST_CROP = 8
_LONGEST_CROP = 2048
_MARGIN = 0.15


class RestoreArguments(Arguments):
    """Which frames, and whether good ones are left as they are."""

    frames: Annotated[tuple[str, ...], Field(min_length=1, description="frame handles or groups")]
    guard: Annotated[
        bool, Field(description="restore only frames that measure dark, noisy or soft")
    ] = True
    soft: Annotated[bool, Field(description="whether a guarded restore takes soft frames too")] = (
        True
    )
    scale: Annotated[Literal[1, 2, 4], Field(description="enlarge by this factor")] = 1


class ZoomArguments(Arguments):
    """What to crop, and how much larger to show it."""

    frame: Annotated[str | None, Field(description="a frame, together with box")] = None
    box: Annotated[
        Box | None,
        Field(
            description="x1, y1, x2, y2 in pixels of the frame",
            json_schema_extra={"pixels_of": "frame"},
        ),
    ] = None
    of: Annotated[
        str | None, Field(description="instead of frame and box: a box or mask handle")
    ] = None
    scale: Annotated[int, Field(ge=1, le=8, description="enlarge by this factor")] = 2


async def _restore(meter: FrameMeter, asked: RestoreArguments, workspace: Workspace) -> ToolResult:
    frames = workspace.expand(asked.frames, FrameRecord)
    load = workspace.experts.image
    poor = [
        (handle, frame)
        for handle, frame in frames
        if _wanted(asked, partial(meter.pixels, frame.image.sha256, load))
    ]
    if poor and not workspace.experts.serves("restore"):
        raise ModelMistake("no restore expert is running; work with the frames as they are")
    replies = await asyncio.gather(
        *(
            workspace.experts.ask(
                "restore", RestoreRequest(image=frame.ref, scale=asked.scale), RestoreAnswer
            )
            for _, frame in poor
        )
    )
    await workspace.settle()
    replaced: dict[str, str] = {}
    for (handle, frame), reply in zip(poor, replies, strict=True):
        answer = reply.answer
        record = _derived(frame, answer.derivation).with_image(answer.image)
        replaced[handle] = workspace.add("frame", record, (handle,))
    chosen = [replaced.get(handle, handle) for handle, _ in frames]
    group = workspace.group("frames", chosen)
    listed = ", ".join(f"{new} from {old}" for old, new in replaced.items()) or "none needed it"
    text = f"{group}: {len(replaced)} of {len(frames)} frames restored ({listed})"
    rows = [FrameRow(handle=new, original=old) for old, new in replaced.items()]
    handles = [*replaced.values(), group]
    return ExpertUsage(replies).result(text, rows, handles, asked.frames)


def _wanted(asked: RestoreArguments, measured: Callable[[], FramePixels]) -> bool:
    if not asked.guard:
        return True
    return measured().poor if asked.soft else measured().dim


async def _zoom(asked: ZoomArguments, workspace: Workspace) -> ToolResult:
    name, box = _what_to_crop(asked, workspace)
    frame = workspace.get(name, FrameRecord)
    image = rgb(workspace.experts.image(frame.image.sha256), name)
    x1, y1 = max(round(box[0]), 0), max(round(box[1]), 0)
    x2, y2 = min(round(box[2]) + 1, image.width), min(round(box[3]) + 1, image.height)
    if x2 - x1 < _LEAST_CROP or y2 - y1 < _LEAST_CROP:
        raise ModelMistake(
            f"that box leaves less than {_LEAST_CROP} pixels of the {image.width} x {image.height} "
            "frame; give a larger one"
        )
    scale = min(asked.scale, max(1, _LONGEST_CROP // max(x2 - x1, y2 - y1)))
    size = ((x2 - x1) * scale, (y2 - y1) * scale)
    out = io.BytesIO()
    image.crop((x1, y1, x2, y2)).resize(size, Image.Resampling.BICUBIC).save(out, "PNG")
    step = 1 / scale
    shift = (step - 1) / 2
    derivation = Derivation(
        parent=frame.image.sha256,
        op=f"crop x{scale}",
        to_parent=(step, 0, x1 + shift, 0, step, y1 + shift),
    )
    blob = workspace.experts.blobs.put(
        out.getvalue(), "image/png", width=size[0], height=size[1], derivation=derivation
    )
    record = _derived(frame, derivation).with_image(blob)
    sources = (name, asked.of) if asked.of else (name,)
    handle = workspace.add("frame", record, sources)
    return ToolResult(
        text=f"{handle}: pixels {x1}, {y1} to {x2}, {y2} of {name}, {scale} times larger",
        data=dump(FrameRow(handle=handle, original=name)),
        handles=(handle,),
        sources=sources,
        images=(blob,),
    )


def _what_to_crop(asked: ZoomArguments, workspace: Workspace) -> tuple[str, Box]:
    """The frame and the pixels of it; what a handle outlines gets a margin to be seen in."""
    if asked.of is not None:
        if asked.frame is not None or asked.box is not None:
            raise ModelMistake("zoom takes either frame and box, or of")
        outline: BoxRecord | MaskRecord
        if workspace.stands_for(asked.of, (MaskRecord,)):
            outline = workspace.get(asked.of, MaskRecord)
        else:
            outline = workspace.get(asked.of, BoxRecord)
        x1, y1, x2, y2 = outline.box
        margin = _MARGIN * max(x2 - x1, y2 - y1)
        return outline.frame, (x1 - margin, y1 - margin, x2 + margin, y2 + margin)
    if asked.frame is None or asked.box is None:
        raise ModelMistake("zoom needs a frame and a box in it, or of: a box or mask handle")
    return asked.frame, asked.box


def _derived(frame: FrameRecord, derivation: Derivation) -> FrameRecord:
    """The frame's record with the way back to the captured frame followed through."""
    to_parent = derivation.to_parent or IDENTITY
    to_original = compose_affine(frame.to_original or IDENTITY, to_parent)
    size = frame.original_size or (frame.image.height or 0, frame.image.width or 0)
    return FrameRecord(
        frame.image, frame.index, frame.time, frame.original, to_original, size, derivation
    )


def restore_tool(meter: FrameMeter) -> Tool[RestoreArguments]:
    """Restore poor frames."""
    return Tool(
        "restore",
        "Make frames easier to see: brighten, denoise, sharpen, enlarge. By default only frames "
        "that measure dark, noisy or soft are restored. Gives one handle for all the frames, "
        "restored where needed.",
        RestoreArguments,
        Effects.EXPERT,
        partial(_restore, meter),
        needs=("restore",),
    )


def zoom_tool() -> Tool[ZoomArguments]:
    """Crop and enlarge."""
    return Tool(
        "zoom",
        "Crop a part of a frame, or what a box or mask shows, and enlarge it. The new frame can be "
        "searched and cut out of like any other; what is found in it is placed in the captured "
        "frame.",
        ZoomArguments,
        Effects.PURE,
        _zoom,
    )
