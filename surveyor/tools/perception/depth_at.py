"""`depth_at`: how far single places are, and which of them is nearer."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from surveyor.core.errors import ModelMistake
from surveyor.core.geometry import Float, Intrinsics, Scale, Vec2
from surveyor.core.masks import decode_rle
from surveyor.services.contract import Box, DepthAnswer, DepthRequest
from surveyor.tools.experts import Reply
from surveyor.tools.geometry.lifting import foreground, resample_mask
from surveyor.tools.records import BoxRecord, FrameRecord, MaskRecord, MeasureRecord
from surveyor.tools.schemas import DepthPair, DepthReading, DepthReadings
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.usage import ExpertUsage
from surveyor.tools.workspace import Workspace

_REACH = 2
_MOST = 16
_MOST_PAIRED = 6
_MARK = {"pixels_of": "frame"}


class DepthAtArguments(Arguments):
    """Places: pixels of a frame, or things that were found."""

    frame: Annotated[str | None, Field(description="the frame of points and areas")] = None
    points: Annotated[
        tuple[Vec2, ...],
        Field(max_length=_MOST, description="x, y in pixels of the frame", json_schema_extra=_MARK),
    ] = ()
    areas: Annotated[
        tuple[Box, ...],
        Field(
            max_length=_MOST,
            description="x1, y1, x2, y2 in pixels of the frame",
            json_schema_extra=_MARK,
        ),
    ] = ()
    things: Annotated[
        tuple[str, ...],
        Field(max_length=_MOST, description="box or mask handles, of any frames"),
    ] = ()


@dataclass(frozen=True, slots=True)
class _AskedPlace:
    """A place asked about: a pixel, a box or a mask of a frame, and the handle it came from."""

    name: str
    frame: str
    shape: Vec2 | Box | MaskRecord
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class _Reading:
    """Median z-depth of a place, the range that its middle half spans, and its position (3,) in
    front of the camera; ``handle`` is the measurement's."""

    place: _AskedPlace
    handle: str
    depth: float
    spread: float
    position: Float
    scale: Scale


async def _run(asked: DepthAtArguments, workspace: Workspace) -> ToolResult:
    places = list(_places(asked, workspace))
    if not places:
        raise ModelMistake("name places: points or areas of a frame, or box and mask handles")
    frames = tuple(dict.fromkeys(place.frame for place in places))
    requests = [DepthRequest(image=workspace.get(frame, FrameRecord).ref) for frame in frames]
    replies = await asyncio.gather(
        *(workspace.experts.ask("depth", request, DepthAnswer) for request in requests)
    )
    arrays = [await workspace.experts.array("depth", reply.answer.depth) for reply in replies]
    await workspace.settle()
    maps = dict(zip(frames, zip(replies, arrays, strict=True), strict=True))
    readings = [_read(place, *maps[place.frame], workspace) for place in places]
    return _told(readings, replies)


def _places(asked: DepthAtArguments, workspace: Workspace) -> Iterator[_AskedPlace]:
    if asked.frame is not None:
        for x, y in asked.points:
            yield _AskedPlace(f"point ({x:.0f}, {y:.0f})", asked.frame, (x, y), asked.frame)
        for box in asked.areas:
            edges = ", ".join(f"{edge:.0f}" for edge in box)
            yield _AskedPlace(f"area ({edges})", asked.frame, box, asked.frame)
    elif asked.points or asked.areas:
        raise ModelMistake("points and areas need the frame that they lie in")
    for handle in asked.things:
        if workspace.stands_for(handle, (MaskRecord,)):
            mask = workspace.get(handle, MaskRecord)
            yield _AskedPlace(f"{handle} {mask.category}", mask.frame, mask, handle)
        else:
            found = workspace.get(handle, BoxRecord)
            yield _AskedPlace(f"{handle} {found.category}", found.frame, found.box, handle)


def _read(
    place: _AskedPlace, reply: Reply[DepthAnswer], array: NDArray[np.generic], workspace: Workspace
) -> _Reading:
    depth, answer = np.asarray(array, np.float32), reply.answer
    image = workspace.get(place.frame, FrameRecord).image
    rows, columns = np.nonzero(_on_grid(place.shape, depth, image.width, image.height))
    if not rows.size:
        raise ModelMistake(f"no depth was measured at {place.name} of {place.frame}")
    low, middle, high = np.percentile(depth[rows, columns], (25, 50, 75)).tolist()
    camera = answer.intrinsics.resized(depth.shape[1], depth.shape[0])
    position = middle * _ray(camera, float(np.median(columns)), float(np.median(rows)))
    record = MeasureRecord(round(middle, 4), _unit(answer.scale))
    handle = workspace.add("meas", record, (place.source,))
    return _Reading(place, handle, middle, high - low, position, answer.scale)


def _on_grid(
    shape: Vec2 | Box | MaskRecord,
    depth: NDArray[np.float32],
    width: int | None,
    height: int | None,
) -> NDArray[np.bool_]:
    """The measured pixels of the depth map that show a place of an image of that size."""
    rows, columns = depth.shape
    if isinstance(shape, MaskRecord):
        mask = decode_rle(shape.mask.size, shape.mask.counts)
        return resample_mask(mask, columns, rows) & (depth > 0)
    stretch = np.array([columns / (width or columns), rows / (height or rows)])
    corners = (np.array(shape).reshape(-1, 2) + 0.5) * stretch - 0.5
    corners = np.clip(corners, -1, np.array([columns, rows]))
    if len(corners) == 2:
        x1, y1, x2, y2 = corners.ravel().tolist()
        return foreground(depth, (x1, y1, x2, y2))
    x, y = corners[0].round().astype(int).tolist()
    mask = np.zeros(depth.shape, np.bool_)
    if 0 <= x < columns and 0 <= y < rows:
        left, top = max(x - _REACH, 0), max(y - _REACH, 0)
        mask[top : y + _REACH + 1, left : x + _REACH + 1] = True
    return mask & (depth > 0)


def _ray(camera: Intrinsics, x: float, y: float) -> Float:
    """(3,) direction with z = 1 through a pixel."""
    return np.array([(x - camera.cx) / camera.fx, (y - camera.cy) / camera.fy, 1.0])


def _unit(scale: Scale) -> str:
    return "units" if scale is Scale.RELATIVE else "m"


def _told(readings: Sequence[_Reading], replies: Sequence[Reply[DepthAnswer]]) -> ToolResult:
    lines = [
        "depth along the camera axis, each in its own frame; spread is that of the middle half"
    ]
    lines += [
        f"{r.handle}: {r.place.name} of {r.place.frame}: {r.depth:.2f} {_unit(r.scale)} "
        f"({r.scale}, spread {r.spread:.2f})"
        for r in readings
    ]
    pairs = [pair for a, b in combinations(readings[:_MOST_PAIRED], 2) if (pair := _pair(a, b))]
    lines += [_say(pair) for pair in pairs]
    rows = tuple(
        DepthReading(
            handle=r.handle,
            frame=r.place.frame,
            place=r.place.name,
            depth=round(r.depth, 4),
            spread=round(r.spread, 4),
            scale=r.scale,
        )
        for r in readings
    )
    sources = dict.fromkeys(name for r in readings for name in (r.place.frame, r.place.source))
    data = DepthReadings(readings=rows, pairs=tuple(pairs))
    return ExpertUsage(replies).result(
        "\n".join(lines), data, [r.handle for r in readings], [*sources]
    )


def _pair(a: _Reading, b: _Reading) -> DepthPair | None:
    """Which of two places of one frame is nearer; ``None`` across frames, which share no camera."""
    if a.place.frame != b.place.frame:
        return None
    near, far = sorted((a, b), key=lambda reading: reading.depth)
    gap = far.depth - near.depth
    metric = a.scale is not Scale.RELATIVE
    return DepthPair(
        nearer=near.handle,
        farther=far.handle,
        gap=round(gap, 4),
        unit=_unit(a.scale),
        apart=round(float(np.linalg.norm(a.position - b.position)), 4) if metric else None,
        sure=gap > (a.spread + b.spread) / 2,
    )


def _say(pair: DepthPair) -> str:
    apart = f", {pair.apart:.2f} m apart in space" if pair.apart is not None else ""
    sure = "" if pair.sure else "; unsure, their depths overlap"
    return (
        f"{pair.nearer} is nearer to the camera than {pair.farther} by {pair.gap:.2f} {pair.unit}"
        f"{apart}{sure}"
    )


def depth_at_tool() -> Tool[DepthAtArguments]:
    """Read depth at places."""
    return Tool(
        "depth_at",
        "Read how far places are from the camera: points or areas of a frame, or things that were "
        "detected or cut out. Of each two places in one frame it says which is nearer and how far "
        "apart they are.",
        DepthAtArguments,
        Effects.EXPERT,
        _run,
        needs=("depth",),
    )
