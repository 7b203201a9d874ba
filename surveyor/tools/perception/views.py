"""`render_view` and `bird_eye`: the place seen from where no camera stood."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from surveyor.core.blobs import BlobRef
from surveyor.core.errors import ModelMistake
from surveyor.services.contract import RenderViewAnswer, RenderViewRequest
from surveyor.tools.perception.marked import MarkedPicture, from_above, kept
from surveyor.tools.perception.ownership import Ownership
from surveyor.tools.records import FrameRecord, ObjectRecord, ReconstructionRecord
from surveyor.tools.schemas import TopViewData
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.usage import ExpertUsage, dump
from surveyor.tools.workspace import Workspace

_LONGEST = 384
_CEILING = 2.0


class RenderArguments(Arguments):
    """The views that show the place, and the direction to look from."""

    frames: Annotated[tuple[str, ...], Field(min_length=1, description="frame handles or groups")]
    azimuth: Annotated[float, Field(description="degrees counter-clockwise around the centre")]
    elevation: Annotated[float, Field(ge=-90, le=90, description="degrees above it")] = 30.0


class BirdEyeArguments(Arguments):
    """A reconstruction, and objects to number in it."""

    reconstruction: str
    objects: Annotated[tuple[str, ...], Field(description="object handles or groups")] = ()
    ceiling: Annotated[
        float, Field(gt=0, description="what is higher above the floor is cut off (metres)")
    ] = _CEILING


async def _render(asked: RenderArguments, workspace: Workspace) -> ToolResult:
    if not workspace.experts.serves("render_view"):
        raise ModelMistake("no render_view expert is running; use bird_eye of a reconstruction")
    frames = workspace.expand(asked.frames, FrameRecord)
    request = RenderViewRequest(
        images=tuple(frame.ref for _, frame in frames),
        azimuth=asked.azimuth,
        elevation=asked.elevation,
    )
    reply = await workspace.experts.ask("render_view", request, RenderViewAnswer)
    await workspace.settle()
    image, like = reply.answer.image, frames[0][1]
    view = FrameRecord(image, like.index, like.time, like.original, None)
    handle = workspace.add("view", view, asked.frames)
    text = (
        f"{handle}: the place from azimuth {asked.azimuth:.0f}, elevation {asked.elevation:.0f} "
        "degrees; a rendering, so do not search it for small things"
    )
    return ExpertUsage([reply]).result(text, None, [handle], asked.frames, [image])


async def _bird_eye(asked: BirdEyeArguments, workspace: Workspace) -> ToolResult:
    space = asked.reconstruction
    workspace.get(space, ReconstructionRecord)
    objects = workspace.expand(asked.objects, ObjectRecord)
    for handle, thing in objects:
        if thing.space != space:
            raise ModelMistake(f"{handle} lies in {thing.space}, not in {space}")
    ownership = Ownership(objects, workspace)
    await workspace.settle()
    return _drawn(
        asked, workspace, from_above(space, ownership, workspace, asked.ceiling, _LONGEST)
    )


def _drawn(asked: BirdEyeArguments, workspace: Workspace, picture: MarkedPicture) -> ToolResult:
    blob = kept(picture.rgb, workspace)
    sources = (asked.reconstruction, *asked.objects)
    handle = add_view(blob, sources, workspace)
    text, data = told_from_above(handle, picture)
    return ToolResult(
        text=text, data=dump(data), handles=(handle,), sources=sources, images=(blob,)
    )


def add_view(blob: BlobRef, sources: Sequence[str], workspace: Workspace) -> str:
    """A picture of no captured frame as evidence that can be looked at; its handle."""
    first = workspace.get(workspace.frame_handles[0], FrameRecord)
    view = FrameRecord(blob, first.index, first.time, first.original, None)
    return workspace.add("view", view, sources)


def told_from_above(
    handle: str, picture: MarkedPicture, *, marks: bool = True
) -> tuple[str, TopViewData]:
    """What a top view is said to show, in words and as a record."""
    assert picture.top is not None
    camera = picture.top.camera
    drawn = picture.markers.drawn if marks else ()
    numbered = tuple(f"obj_{marker.instance_id}" for marker in drawn)
    text = (
        f"{handle}: the place from above, +x right, +y up, {camera.scale:.1f} pixels a metre, "
        f"pixel (0, 0) at x {camera.left:.2f}, y {camera.top:.2f}; numbered: "
        f"{', '.join(numbered) or 'none'}"
    )
    data = TopViewData(
        handle=handle, scale=camera.scale, left=camera.left, top=camera.top, numbered=numbered
    )
    return text, data


def render_tool() -> Tool[RenderArguments]:
    """Render from a new viewpoint."""
    return Tool(
        "render_view",
        "Render the place from a new viewpoint around its centre, reconstructed from frames.",
        RenderArguments,
        Effects.EXPERT,
        _render,
        needs=("render_view",),
    )


def bird_eye_tool() -> Tool[BirdEyeArguments]:
    """Look from above."""
    return Tool(
        "bird_eye",
        "Picture a reconstruction from above with the ceiling cut off, and number objects in it "
        "by their handles. Says how pixels and metres map.",
        BirdEyeArguments,
        Effects.PURE,
        _bird_eye,
        needs=("reconstruct",),
    )
