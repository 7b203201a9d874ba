"""Neural `reconstruct`: poses, intrinsics and depth of several views in one frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveyor.core.geometry import DepthMap, Intrinsics, Pose, Scale
from surveyor.services.contract import (
    ErrorCode,
    ImageRef,
    ReconstructAnswer,
    ReconstructedView,
    ReconstructRequest,
)
from surveyor.services.errors import ExpertError
from surveyor.services.expert import ArtifactWriter, Images
from surveyor.services.neural.base import NeuralExpert, probe_image
from surveyor.services.neural.multi_view import Geometry, GridView, ViewsNet, on_one_grid, planes
from surveyor.services.neural.multi_view_nets import NETS
from surveyor.services.neural.preprocessing import Planes, clean_depth

_CLOUD_POINTS = 50_000
_CLOUD_LEAST = 0.3  # the least confident share of the measured points stays out of the cloud
_MOST_VIEWS = 64
_TURN_ERROR = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class ReconstructInput:
    """Views on one grid, and the same as (N, 3, h, w)."""

    views: list[GridView]
    stacked: Planes


@dataclass(frozen=True, slots=True, eq=False)
class NeuralView:
    """One registered view; depth and confidence on the grid of its whole image."""

    index: int
    pose: Pose
    intrinsics: Intrinsics
    depth: Planes
    confidence: Planes


class ViewsExpert(NeuralExpert):
    """What the experts share that look at several views of one place.

    Options: ``size``, the longest side at which a model sees an image, and ``views``, the most
    views in one request, because memory grows with them.
    """

    max_batch = 1  # views of one request already fill the device
    longest = 504
    net: ViewsNet

    def open(self) -> None:
        self._longest = self.number("size", self.longest, 14, 2016)
        self._most = self.number("views", _MOST_VIEWS, 1, 256)
        self.net = NETS[self.route](self.weights, self.runtime)

    def limits(self) -> dict[str, float]:
        return {"views": self._most}

    def asked(self, references: Sequence[ImageRef], images: Images) -> ReconstructInput:
        """The views on one grid; `ExpertError` for too many."""
        if len(references) > self._most:
            message = f"{len(references)} views in one request; this service takes {self._most}"
            raise ExpertError(ErrorCode.TOO_LARGE, message, field="images")
        loaded = [images(reference) for reference in references]  # sizes before pixels
        views = on_one_grid([image.pixels for image in loaded], self._longest)
        return ReconstructInput(views, np.stack([planes(view.pixels) for view in views]))

    def placed(self, asked: ReconstructInput, raw: Geometry) -> list[NeuralView]:
        """The views with a proper pose and lens; `ExpertError` when there is none."""
        placed = []
        for index, view in enumerate(asked.views):
            pose = _pose(raw.T_world_camera[index])
            if pose is None or not _is_lens(raw.K[index]):
                continue
            trust = np.nan_to_num(raw.confidence[index]).clip(0, 1).astype(np.float32)
            depth = view.spread(clean_depth(raw.depth[index]))
            lens = view.pinhole(raw.K[index])
            placed.append(NeuralView(index, pose, lens, depth, view.spread(trust)))
        if not placed:
            message = "none of these views could be registered; send views that overlap"
            raise ExpertError(ErrorCode.BAD_INPUT, message, field="images")
        return placed


class NeuralReconstruct(ViewsExpert):
    """Depth Anything 3 any-view by default (routes ``da3``, ``da3-base``); ``pi3x``, ``vggt`` and
    ``mapanything`` where the operator has installed them.

    Depth and confidence cover each whole image at the model's resolution. No model knows where up
    is, so ``gravity`` is false.
    """

    name = "reconstruct"

    def probe(self) -> ReconstructRequest:
        return ReconstructRequest(images=(probe_image(), probe_image(64, 96)))

    def preprocess(self, request: ReconstructRequest, images: Images) -> ReconstructInput:
        return self.asked(request.images, images)

    def bare(self, batch: Sequence[ReconstructInput]) -> Callable[[], object]:
        return self.net.bare(batch[0].stacked)

    def forward_batch(self, batch: Sequence[ReconstructInput]) -> Sequence[Geometry]:
        return [self.net.geometry(asked.stacked) for asked in batch]

    def postprocess(
        self,
        request: ReconstructRequest,
        item: ReconstructInput,
        raw: Geometry,
        artifacts: ArtifactWriter,
    ) -> ReconstructAnswer:
        placed = self.placed(item, raw)
        found = {one.index for one in placed}
        return ReconstructAnswer(
            producer=self.producer,
            scale=raw.scale,
            gravity=False,
            views=tuple(_view(one, artifacts) for one in placed),
            cloud=artifacts.array(_cloud(placed, raw.scale)),
            missing=tuple(index for index in range(len(item.views)) if index not in found),
        )


def _view(placed: NeuralView, artifacts: ArtifactWriter) -> ReconstructedView:
    return ReconstructedView(
        index=placed.index,
        T_world_camera=tuple(map(tuple, placed.pose.tolist())),
        intrinsics=placed.intrinsics,
        depth=artifacts.array(placed.depth),
        confidence=artifacts.array(placed.confidence),
    )


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


def _cloud(placed: list[NeuralView], scale: Scale) -> NDArray[np.float32]:
    """(N, 3) points of all views, without the least confident, thinned to `_CLOUD_POINTS`."""
    points, trust = [], []
    for one in placed:
        local, measured = DepthMap(one.depth, scale).unproject(one.intrinsics)
        points.append(one.pose.to_world(local[measured]))
        trust.append(one.confidence[measured])
    cloud, certain = np.concatenate(points), np.concatenate(trust)
    if certain.size:
        cloud = cloud[certain >= np.quantile(certain, _CLOUD_LEAST)]
    step = max(1, round(len(cloud) / _CLOUD_POINTS))
    return cloud[::step].astype(np.float32)
