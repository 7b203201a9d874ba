"""`lift`: from outlines in images to points in space."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from surveyor.core.errors import ModelMistake
from surveyor.core.geometry import Float, Intrinsics, PointCloud, Pose, Scale
from surveyor.core.masks import decode_rle
from surveyor.tools.evidence_store import Arrays, StoredEvidence
from surveyor.tools.geometry.clouds import main_part
from surveyor.tools.geometry.lifting import (
    LEVEL,
    foreground,
    invert_affine,
    lift,
    resample_mask,
    steady,
)
from surveyor.tools.memoize import Memo, fingerprint
from surveyor.tools.records import (
    BoxRecord,
    CloudRecord,
    DepthRecord,
    FrameRecord,
    MaskRecord,
    ReconstructionRecord,
)
from surveyor.tools.schemas import CloudRow
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.usage import dump
from surveyor.tools.workspace import Workspace

_LEAST_POINTS = 6
_REMEMBERED = 512


class LiftArguments(Arguments):
    """Outlines, and the geometry that gives them depth."""

    masks: Annotated[tuple[str, ...], Field(description="mask handles or groups")] = ()
    boxes: Annotated[tuple[str, ...], Field(description="box handles or groups")] = ()
    reconstruction: Annotated[
        str | None, Field(description="a reconstruction: all clouds in its one frame")
    ] = None
    depths: Annotated[
        tuple[str, ...],
        Field(description="depths instead of a reconstruction: each view in its own frame"),
    ] = ()


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    key: str
    depth: NDArray[np.float32]
    intrinsics: Intrinsics
    pose: Pose | None


@dataclass(frozen=True, slots=True, eq=False)
class Lifted:
    """World points (N, 3), their (column, row) pixels (N, 2), whether the outline is cut."""

    points: Float
    pixels: NDArray[np.int32]
    cut: bool

    def __post_init__(self) -> None:
        # Shared by everyone who lifts the same; and what cannot change is hashed once.
        self.points.setflags(write=False)
        self.pixels.setflags(write=False)


class _Geometry:
    """Depth, intrinsics and pose by captured frame."""

    def __init__(self, asked: LiftArguments, workspace: Workspace) -> None:
        if (asked.reconstruction is None) == (not asked.depths):
            raise ModelMistake("lift takes either a reconstruction or depths")
        self.views: dict[str, _View] = {}
        if asked.reconstruction is not None:
            record = workspace.get(asked.reconstruction, ReconstructionRecord)
            self.space, self.scale = asked.reconstruction, record.scale
            for frame, view in record.views.items():
                self.views[frame] = _View(view.key, view.depth, view.intrinsics, view.pose)
            return
        self.space, self.scale = "", Scale.METRIC
        for _, depth in workspace.expand(asked.depths, DepthRecord):
            original = workspace.get(depth.frame, FrameRecord).original
            self.views[original] = _View(depth.key, depth.depth.values, depth.intrinsics, None)
            self.scale = depth.depth.scale


async def _run(memo: Memo[Lifted], asked: LiftArguments, workspace: Workspace) -> ToolResult:
    if bool(asked.masks) == bool(asked.boxes):
        raise ModelMistake("lift takes either masks or boxes")
    geometry = _Geometry(asked, workspace)
    rows, lost = [], []
    for handle, outline in _outlines(asked, workspace):
        record = _lift_one(memo, outline, geometry, workspace)
        if record is None:
            lost.append(handle)
            continue
        rows.append(
            CloudRow(
                handle=workspace.add("cloud", record, (handle,)),
                outline=handle,
                frame=record.frame,
                space=record.space,
                category=record.category,
                points=len(record.cloud.points),
                cut=record.cut,
                score=record.score,
            )
        )
    group = workspace.group("clouds", [row.handle for row in rows])
    sources = [*(asked.masks or asked.boxes), *asked.depths]
    if asked.reconstruction is not None:
        sources.append(asked.reconstruction)
    text = f"{group}: {len(rows)} clouds, {'metres' if geometry.scale != 'relative' else 'units'}"
    if lost:
        text += f"; without depth or not registered: {', '.join(lost[:12])}"
    handles = (*(row.handle for row in rows), group)
    return ToolResult(text=text, data=dump(rows), handles=handles, sources=tuple(sources))


def _outlines(
    asked: LiftArguments, workspace: Workspace
) -> list[tuple[str, MaskRecord | BoxRecord]]:
    if asked.masks:
        return list(workspace.expand(asked.masks, MaskRecord))
    return list(workspace.expand(asked.boxes, BoxRecord))


def _lift_one(
    memo: Memo[Lifted],
    outline: MaskRecord | BoxRecord,
    geometry: _Geometry,
    workspace: Workspace,
) -> CloudRecord | None:
    frame = workspace.get(outline.frame, FrameRecord)
    view = geometry.views.get(frame.original)
    if view is None:
        return None
    if frame.to_original is None:
        raise ModelMistake("a view from a new camera has no depth of its own to lift with")
    shape = outline.mask if isinstance(outline, MaskRecord) else outline.box
    key = (
        view.key,
        fingerprint(view.depth),
        None if view.pose is None else fingerprint(view.pose.T_world_camera),
        view.intrinsics,
        frame.image.sha256,
        frame.to_original,
        shape,
    )
    kept = StoredEvidence(workspace.experts.evidence, "lifted", _packed, _unpacked)
    lifted = memo.get(key, lambda: kept.get(key, lambda: _lifted(outline, frame, view)))
    if len(lifted.points) < _LEAST_POINTS:
        return None
    return CloudRecord(
        frame.original,
        key,
        geometry.space or frame.original,
        outline.category,
        outline.score,
        PointCloud(lifted.points, geometry.scale),
        lifted.pixels,
        lifted.cut,
    )


def _lifted(outline: MaskRecord | BoxRecord, frame: FrameRecord, view: _View) -> Lifted:
    mask, cut = on_grid(outline, frame, view.depth)
    points, pixels = lift(steady(mask, view.depth), view.depth, view.intrinsics)
    kept = main_part(points)
    points, pixels = points[kept], pixels[kept]
    world = view.pose.to_world(points) if view.pose is not None else points @ LEVEL.T
    return Lifted(world, pixels, cut)


def _packed(lifted: Lifted) -> Arrays:
    return {"points": lifted.points, "pixels": lifted.pixels, "cut": np.array(lifted.cut)}


def _unpacked(arrays: Arrays) -> Lifted:
    return Lifted(arrays["points"], arrays["pixels"], bool(arrays["cut"]))


def on_grid(
    outline: MaskRecord | BoxRecord, frame: FrameRecord, depth: NDArray[np.float32]
) -> tuple[NDArray[np.bool_], bool]:
    """The outline as a mask on the depth grid, and whether it touches the image border."""
    height, width = depth.shape
    if isinstance(outline, MaskRecord):
        mask = decode_rle(outline.mask.size, outline.mask.counts)
    else:
        mask = np.zeros((frame.image.height or height, frame.image.width or width), np.bool_)
        x1, y1, x2, y2 = (max(round(edge), 0) for edge in outline.box)
        mask[y1 : y2 + 1, x1 : x2 + 1] = True
    mask = resample_mask(mask, width, height, _grid_to_image(frame, (height, width)))
    if isinstance(outline, BoxRecord):
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        if rows.size:
            box = (float(columns[0]), float(rows[0]), float(columns[-1]), float(rows[-1]))
            mask = foreground(depth, box)
    border = mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any()
    return mask, bool(border)


def _grid_to_image(frame: FrameRecord, grid: tuple[int, int]) -> Float | None:
    """(2, 3) from depth-grid pixels to pixels of a derived image.

    ``None`` for a captured frame, which shows what the grid shows: stretching is enough.
    """
    if frame.derivation is None or frame.original_size is None or frame.to_original is None:
        return None
    sy, sx = frame.original_size[0] / grid[0], frame.original_size[1] / grid[1]
    stretch = np.array([[sx, 0, (sx - 1) / 2], [0, sy, (sy - 1) / 2], [0, 0, 1]])
    combined: Float = invert_affine(frame.to_original) @ stretch
    return combined


def lift_tool() -> Tool[LiftArguments]:
    """Lift outlines to 3D."""
    memo: Memo[Lifted] = Memo(_REMEMBERED)
    return Tool(
        "lift",
        "Lift masks (or boxes) to 3D points, with a reconstruction (one common frame) or with "
        "depths (each view in its own frame). Gives a cloud for every outline.",
        LiftArguments,
        Effects.PURE,
        partial(_run, memo),
    )
