"""Reference `reconstruct`: true poses, intrinsics and depth of the views, in the room's frame."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from scenes.geometry import DepthMap, Scale
from services.contract import ReconstructAnswer, ReconstructedView, ReconstructRequest
from services.expert import Images, Outbox
from services.reference.base import ReferenceExpert
from services.reference.world import View

_CLOUD_POINTS = 50_000


class ReferenceReconstruct(ReferenceExpert):
    """Views of another scene than most cannot be registered and are reported missing."""

    name = "reconstruct"

    def probe(self) -> ReconstructRequest:
        return ReconstructRequest(images=(self.probe_image(),))

    def preprocess(self, request: ReconstructRequest, images: Images) -> list[View]:
        return [self.world.view(images(reference), images) for reference in request.images]

    def forward_batch(self, batch: Sequence[list[View]]) -> Sequence[list[int]]:
        return [_same_scene(views) for views in batch]

    def postprocess(
        self, request: ReconstructRequest, item: list[View], raw: list[int], outbox: Outbox
    ) -> ReconstructAnswer:
        views = tuple(self._view(item[index], index, outbox) for index in raw)
        missing = tuple(index for index in range(len(item)) if index not in set(raw))
        cloud = _cloud([item[index] for index in raw])
        return ReconstructAnswer(
            producer=self.producer,
            scale=Scale.METRIC,
            gravity=True,
            views=views,
            cloud=outbox.array(cloud),
            missing=missing,
        )

    def _view(self, view: View, index: int, outbox: Outbox) -> ReconstructedView:
        depth = view.maps.depth
        return ReconstructedView(
            index=index,
            T_world_camera=view.camera.T_world_camera,
            intrinsics=view.intrinsics,
            depth=outbox.array(depth),
            confidence=outbox.array((depth > 0).astype(np.float32)),
        )


def _same_scene(views: list[View]) -> list[int]:
    """Indices of the views of the scene that most of them show (the first, when equal)."""
    scenes = [(view.key.suite, view.key.scene_id) for view in views]
    most = max(dict.fromkeys(scenes), key=scenes.count)
    return [index for index, scene in enumerate(scenes) if scene == most]


def _cloud(views: list[View]) -> NDArray[np.float32]:
    """(N, 3) world points of all views, thinned evenly to about `_CLOUD_POINTS`."""
    total = sum(view.width * view.height for view in views)
    step = max(1, round((total / _CLOUD_POINTS) ** 0.5))
    parts = []
    for view in views:
        points, measured = DepthMap(view.maps.depth, Scale.METRIC).unproject(view.intrinsics)
        kept = measured[::step, ::step]
        parts.append(view.pose.to_world(points[::step, ::step][kept]))
    return np.concatenate(parts).astype(np.float32)
