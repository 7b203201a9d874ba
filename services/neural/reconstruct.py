"""Neural `reconstruct`: poses, intrinsics and depth of several views in one frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scenes.geometry import DepthMap, Pose
from services.contract import (
    ErrorCode,
    ReconstructAnswer,
    ReconstructedView,
    ReconstructRequest,
)
from services.errors import ExpertError
from services.expert import Images, Outbox
from services.neural.base import NeuralExpert, probe_image
from services.neural.pixels import Planes, clean_depth
from services.neural.view_nets import NETS
from services.neural.views import Geometry, GridView, ViewsNet, on_one_grid, planes

_CLOUD_POINTS = 50_000
_CLOUD_LEAST = 0.3  # the least confident share of the measured points stays out of the cloud
_MOST_VIEWS = 64
_TURN_ERROR = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    views: list[GridView]
    stacked: Planes


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    """One registered view on the grid of its whole image."""

    index: int
    pose: Pose
    view: ReconstructedView
    depth: Planes
    confidence: Planes


class NeuralReconstruct(NeuralExpert):
    """Depth Anything 3 any-view by default (routes ``da3``, ``da3-base``); ``pi3x``, ``vggt`` and
    ``mapanything`` where the operator has installed them.

    Depth and confidence cover each whole image at the model's resolution (option ``size``: longest
    side). Option ``views`` caps the number of views, which is what memory grows with. No model
    knows where up is, so ``gravity`` is false.
    """

    name = "reconstruct"
    max_batch = 1  # views of one request already fill the device
    longest = 504
    net: ViewsNet

    def open(self) -> None:
        self._longest = self.number("size", self.longest, 14, 2016)
        self._most = self.number("views", _MOST_VIEWS, 1, 256)
        self.net = NETS[self.route](self.weights, self.runtime)

    def limits(self) -> dict[str, float]:
        return {"views": self._most}

    def probe(self) -> ReconstructRequest:
        return ReconstructRequest(images=(probe_image(), probe_image(64, 96)))

    def preprocess(self, request: ReconstructRequest, images: Images) -> _Asked:
        if len(request.images) > self._most:
            message = f"{len(request.images)} views in one request; this service takes {self._most}"
            raise ExpertError(ErrorCode.TOO_LARGE, message, field="images")
        pictures = [images(reference).pixels for reference in request.images]
        views = on_one_grid(pictures, self._longest)
        return _Asked(views, np.stack([planes(view.pixels) for view in views]))

    def bare(self, batch: Sequence[_Asked]) -> Callable[[], object]:
        return self.net.bare(batch[0].stacked)

    def forward_batch(self, batch: Sequence[_Asked]) -> Sequence[Geometry]:
        return [self.net.geometry(asked.stacked) for asked in batch]

    def postprocess(
        self, request: ReconstructRequest, item: _Asked, raw: Geometry, outbox: Outbox
    ) -> ReconstructAnswer:
        placed = []
        for index, view in enumerate(item.views):
            pose = _pose(raw.T_world_camera[index])
            if pose is not None and _is_lens(raw.K[index]):
                placed.append(_place(index, view, pose, raw, outbox))
        if not placed:
            message = "none of these views could be registered; send views that overlap"
            raise ExpertError(ErrorCode.BAD_INPUT, message, field="images")
        found = {one.index for one in placed}
        return ReconstructAnswer(
            producer=self.producer,
            scale=raw.scale,
            gravity=False,
            views=tuple(one.view for one in placed),
            cloud=outbox.array(_cloud(placed, raw)),
            missing=tuple(index for index in range(len(item.views)) if index not in found),
        )


def _place(index: int, view: GridView, pose: Pose, raw: Geometry, outbox: Outbox) -> _Placed:
    depth = view.spread(clean_depth(raw.depth[index]))
    confidence = view.spread(np.nan_to_num(raw.confidence[index]).clip(0, 1).astype(np.float32))
    answer = ReconstructedView(
        index=index,
        T_world_camera=tuple(map(tuple, pose.tolist())),
        intrinsics=view.pinhole(raw.K[index]),
        depth=outbox.array(depth),
        confidence=outbox.array(confidence),
    )
    return _Placed(index, pose, answer, depth, confidence)


def _pose(T: NDArray[np.float64]) -> Pose | None:
    """The pose with its rotation made exact, or None when it is none."""
    if not np.isfinite(T).all():
        return None
    left, stretch, right = np.linalg.svd(T[:3, :3])
    turn = left @ right
    if np.linalg.det(turn) < 0 or np.abs(stretch - 1).max() > _TURN_ERROR:
        return None
    exact = np.eye(4)
    exact[:3, :3], exact[:3, 3] = turn, T[:3, 3]
    return Pose(exact)


def _is_lens(K: NDArray[np.float64]) -> bool:
    return bool(np.isfinite(K).all() and K[0, 0] > 0 and K[1, 1] > 0)


def _cloud(placed: list[_Placed], raw: Geometry) -> NDArray[np.float32]:
    """(N, 3) points of all views, without the least confident, thinned to `_CLOUD_POINTS`."""
    points, trust = [], []
    for one in placed:
        local, measured = DepthMap(one.depth, raw.scale).unproject(one.view.intrinsics)
        points.append(one.pose.to_world(local[measured]))
        trust.append(one.confidence[measured])
    cloud, certain = np.concatenate(points), np.concatenate(trust)
    if certain.size:
        cloud = cloud[certain >= np.quantile(certain, _CLOUD_LEAST)]
    step = max(1, round(len(cloud) / _CLOUD_POINTS))
    return cloud[::step].astype(np.float32)
