"""`render_view` and `bird_eye`: the place seen from where no camera stood."""

from __future__ import annotations

import io
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field

from surveyor.core.errors import ModelMistake
from surveyor.core.geometry import Float, OrientedBox
from surveyor.core.images import rgb
from surveyor.core.markers import draw_markers, place_markers
from surveyor.core.top_view import TopCamera, TopView, top_view_of_points
from surveyor.services.contract import RenderViewAnswer, RenderViewRequest
from surveyor.tools.records import FrameRecord, ObjectRecord, ReconstructionRecord, ViewRecord
from surveyor.tools.schemas import TopViewData
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.usage import ExpertUsage, dump
from surveyor.tools.workspace import Workspace

_LONGEST = 384
_CEILING = 2.0
_STEP = 2


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
    record = workspace.get(asked.reconstruction, ReconstructionRecord)
    objects = workspace.expand(asked.objects, ObjectRecord)
    for handle, thing in objects:
        if thing.space != asked.reconstruction:
            raise ModelMistake(f"{handle} lies in {thing.space}, not in {asked.reconstruction}")
    parts = [_coloured(view, workspace) for view in record.views.values()]
    points = np.concatenate([points for points, _ in parts])
    colours = np.concatenate([colours for _, colours in parts])
    if not len(points):
        raise ModelMistake(f"{asked.reconstruction} has no points to show")
    floor = float(np.percentile(points[:, 2], 1))
    none = np.zeros(len(points), np.int32)
    top = top_view_of_points(points, colours, none, floor + asked.ceiling, _LONGEST)
    boxes = {_number(handle): thing.box for handle, thing in objects}
    await workspace.settle()
    return _drawn(asked, workspace, top, boxes)


def _coloured(view: ViewRecord, workspace: Workspace) -> tuple[Float, NDArray[np.uint8]]:
    """World points (N, 3) of a view's every other pixel, and their colours (N, 3)."""
    frame = workspace.get(view.frame, FrameRecord)
    height, width = view.depth.shape
    image = rgb(workspace.experts.image(frame.image.sha256), view.frame)
    colours = np.asarray(image.resize((width, height)))[::_STEP, ::_STEP]
    depth = view.depth[::_STEP, ::_STEP]
    measured = depth > 0
    rays = view.intrinsics.rays()[::_STEP, ::_STEP]
    return view.pose.to_world((rays * depth[..., None])[measured]), colours[measured]


def _footprints(camera: TopCamera, boxes: dict[int, OrientedBox]) -> NDArray[np.int32]:
    """(H, W) number of the highest box above each pixel, 0 for none."""
    owners = np.zeros(camera.width * camera.height, np.int32)
    grid = camera.grid()
    for number, box in sorted(boxes.items(), key=lambda item: item[1].corners()[:, 2].max()):
        level = np.column_stack([grid, np.full(len(grid), box.center[2])])
        owners[box.contains(level)] = number
    return owners.reshape(camera.height, camera.width)


def _number(handle: str) -> int:
    return int(handle.rpartition("_")[2])


def _drawn(
    asked: BirdEyeArguments, workspace: Workspace, top: TopView, boxes: dict[int, OrientedBox]
) -> ToolResult:
    markers = place_markers(_footprints(top.camera, boxes), frozenset(boxes))
    out = io.BytesIO()
    Image.fromarray(draw_markers(top.rgb, markers)).save(out, "PNG")
    camera = top.camera
    blob = workspace.experts.blobs.put(
        out.getvalue(), "image/png", width=camera.width, height=camera.height
    )
    first = workspace.get(workspace.frame_handles[0], FrameRecord)
    sources = (asked.reconstruction, *asked.objects)
    view = FrameRecord(blob, first.index, first.time, first.original, None)
    handle = workspace.add("view", view, sources)
    shown = ", ".join(f"obj_{marker.instance_id}" for marker in markers.drawn) or "none"
    text = (
        f"{handle}: the place from above, +x right, +y up, {camera.scale:.1f} pixels a metre, "
        f"pixel (0, 0) at x {camera.left:.2f}, y {camera.top:.2f}; numbered: {shown}"
    )
    data = TopViewData(
        handle=handle,
        scale=camera.scale,
        left=camera.left,
        top=camera.top,
        numbered=tuple(f"obj_{marker.instance_id}" for marker in markers.drawn),
    )
    return ToolResult(
        text=text, data=dump(data), handles=(handle,), sources=sources, images=(blob,)
    )


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
