"""`reconstruct` and `align`: many views in one frame, then in metres."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from surveyor.core.blobs import sha256_of
from surveyor.core.errors import ModelMistake
from surveyor.core.geometry import Float, Intrinsics, PointCloud, Pose, Scale, World
from surveyor.services.contract import ReconstructAnswer, ReconstructedView, ReconstructRequest
from surveyor.tools.geometry.kept import keep_geometry
from surveyor.tools.geometry.scale import metric_ratio
from surveyor.tools.geometry.upright import upright
from surveyor.tools.memoize import Memo
from surveyor.tools.records import DepthRecord, FrameRecord, ReconstructionRecord, ViewRecord
from surveyor.tools.schemas import ReconstructionData
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.usage import ExpertUsage, dump
from surveyor.tools.workspace import Workspace


class ReconstructArguments(Arguments):
    """Which views to join."""

    frames: Annotated[tuple[str, ...], Field(min_length=1, description="frame handles or groups")]


class AlignArguments(Arguments):
    """A relative reconstruction, and metric depth of some of its frames."""

    reconstruction: str
    depths: Annotated[tuple[str, ...], Field(min_length=1, description="depth handles or groups")]


async def _reconstruct(
    memo: Memo[ReconstructionRecord], asked: ReconstructArguments, workspace: Workspace
) -> ToolResult:
    frames = workspace.expand(asked.frames, FrameRecord)
    request = ReconstructRequest(images=tuple(frame.ref for _, frame in frames))
    reply = await workspace.experts.ask("reconstruct", request, ReconstructAnswer)
    answer = reply.answer
    refs = [ref for view in answer.views for ref in (view.depth, view.confidence)]
    arrays = await asyncio.gather(
        *(workspace.experts.array("reconstruct", ref) for ref in (answer.cloud, *refs))
    )
    originals = tuple(frame.original for _, frame in frames)
    record = memo.get((answer, originals), lambda: _record(answer, arrays, originals))
    await workspace.settle()
    handle = workspace.add("recon", record, asked.frames)
    text = (
        f"{handle}: {len(record.views)} of {len(frames)} frames registered in one frame (+Z up), "
        f"scale {record.scale}"
    )
    if record.scale is Scale.RELATIVE:
        text += "; align it to metric depth before measuring lengths"
    if record.missing:
        text += f"; not registered: {', '.join(record.missing)}"
    return ExpertUsage([reply]).result(
        text, _data(handle, record, workspace), [handle], asked.frames
    )


def _record(
    answer: ReconstructAnswer, arrays: Sequence[NDArray[np.generic]], originals: tuple[str, ...]
) -> ReconstructionRecord:
    """The answer with its arrays (the cloud's, then depth and confidence of each view), upright."""
    cloud = np.asarray(arrays[0], np.float64).reshape(-1, 3)
    views = [
        _view(view, depth, confidence, originals[view.index])
        for view, depth, confidence in zip(answer.views, arrays[1::2], arrays[2::2], strict=True)
    ]
    up = np.eye(3) if answer.gravity else upright([view.pose for view in views])
    return ReconstructionRecord(
        {view.frame: _turned(view, up) for view in views},
        PointCloud(cloud @ up.T, answer.scale),
        tuple(originals[index] for index in answer.missing),
        answer.world if answer.gravity else World.OWN,  # turned upright: no longer its axes
    )


def _view(
    view: ReconstructedView,
    depth: NDArray[np.generic],
    confidence: NDArray[np.generic],
    frame: str,
) -> ViewRecord:
    height, width = depth.shape
    intrinsics: Intrinsics = view.intrinsics
    if (intrinsics.height, intrinsics.width) != (height, width):
        intrinsics = intrinsics.resized(width, height)
    return ViewRecord(
        frame,
        view.depth.sha256,
        Pose(np.array(view.T_world_camera)),
        intrinsics,
        np.asarray(depth, np.float32),
        np.asarray(confidence, np.float32),
    )


def _turned(view: ViewRecord, up: Float) -> ViewRecord:
    T = view.pose.T_world_camera.copy()
    T[:3] = up @ T[:3]
    T.setflags(write=False)  # what cannot change is hashed once
    key = sha256_of(view.key.encode() + T.tobytes() + view.intrinsics.model_dump_json().encode())
    return ViewRecord(view.frame, key, Pose(T), view.intrinsics, view.depth, view.confidence)


async def _align(asked: AlignArguments, workspace: Workspace) -> ToolResult:
    record = workspace.get(asked.reconstruction, ReconstructionRecord)
    pairs = []
    for handle, depth in workspace.expand(asked.depths, DepthRecord):
        if depth.depth.scale is Scale.RELATIVE:
            raise ModelMistake(f"{handle} is relative; align needs metric depth")
        view = record.views.get(workspace.get(depth.frame, FrameRecord).original)
        if view is not None:
            pairs.append((depth.depth.values, view.depth))
    if not pairs:
        raise ModelMistake(
            f"none of those depths is of a frame in {asked.reconstruction}; "
            f"choose from {', '.join(list(record.views)[:8])}"
        )
    ratio, spread = metric_ratio([metric for metric, _ in pairs], [units for _, units in pairs])
    aligned = _scaled(record, ratio)
    sources = (asked.reconstruction, *asked.depths)
    await workspace.settle()
    handle = workspace.add("recon", aligned, sources)
    text = (
        f"{handle}: {asked.reconstruction} in metres, {ratio:.4g} m per unit from {len(pairs)} "
        f"frames (spread {spread:.1%})"
    )
    return ToolResult(
        text=text,
        data=dump(_data(handle, aligned, workspace)),
        handles=(handle,),
        sources=sources,
    )


def _scaled(record: ReconstructionRecord, ratio: float) -> ReconstructionRecord:
    views = {}
    for frame, view in record.views.items():
        T = view.pose.T_world_camera.copy()
        T[:3, 3] *= ratio
        depth = (view.depth * ratio).astype(np.float32)
        key = f"{view.key} x {ratio!r}"
        views[frame] = ViewRecord(frame, key, Pose(T), view.intrinsics, depth, view.confidence)
    cloud = PointCloud(record.cloud.points * ratio, Scale.ALIGNED)
    return ReconstructionRecord(views, cloud, record.missing)


def _data(handle: str, record: ReconstructionRecord, workspace: Workspace) -> ReconstructionData:
    return ReconstructionData(
        handle=handle,
        scale=record.scale,
        registered=tuple(record.views),
        missing=record.missing,
        world=record.world,
        geometry=keep_geometry(record, workspace.kept) if workspace.kept else None,
    )


def reconstruct_tool() -> Tool[ReconstructArguments]:
    """Reconstruct a place from several views."""
    return Tool(
        "reconstruct",
        "Reconstruct the place from several frames: where each camera stood, depth of every view "
        "and a point cloud, all in one frame with +Z up. Says whether lengths are metres.",
        ReconstructArguments,
        Effects.EXPERT,
        partial(_reconstruct, Memo(8)),
        needs=("reconstruct",),
    )


def align_tool() -> Tool[AlignArguments]:
    """Scale a relative reconstruction to metres."""
    return Tool(
        "align",
        "Scale a relative reconstruction to metres by metric depth of some of its frames.",
        AlignArguments,
        Effects.PURE,
        _align,
        needs=("reconstruct", "depth"),
    )
