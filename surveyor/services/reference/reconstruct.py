"""Reference `reconstruct`: poses, intrinsics and depth of several views in one frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveyor.core.geometry import Depth, Float, Intrinsics, Pose, Scale, World
from surveyor.services.contract import (
    ImageRef,
    ReconstructAnswer,
    ReconstructedView,
    ReconstructRequest,
)
from surveyor.services.expert import ArtifactWriter, Images
from surveyor.services.reference.base import ReferenceExpert
from surveyor.services.reference.depth_errors import poorness, smooth_field
from surveyor.services.reference.presets import ReconstructErrors
from surveyor.services.reference.registration import register
from surveyor.services.reference.restoration_discount import MeasuredImage
from surveyor.services.reference.seeding import generator
from surveyor.services.reference.world import ImageView

_CLOUD_POINTS = 50_000


@dataclass(frozen=True, slots=True, eq=False)
class PlacedView:
    """One registered view: its index in the request, pose, intrinsics and depth (H, W)."""

    index: int
    pose: Pose
    intrinsics: Intrinsics
    depth: Depth


@dataclass(frozen=True, slots=True, eq=False)
class Reconstruction:
    """Registered views in one frame; lengths are metres when ``scale`` says so."""

    views: list[PlacedView]
    scale: Scale


@dataclass(frozen=True, slots=True)
class ReconstructItem:
    """The views of one request and what their pixels are worth (None under exact presets)."""

    views: list[ImageView]
    sights: list[MeasuredImage] | None


class Reconstructing(ReferenceExpert):
    """What `reconstruct` and `render_view` have in common."""

    def asked(self, references: Sequence[ImageRef], images: Images) -> ReconstructItem:
        """Look up every view of a request."""
        loaded = [images(reference) for reference in references]
        views = [self.world.view(image, images) for image in loaded]
        if self.preset.reconstruct == ReconstructErrors():
            return ReconstructItem(views, None)
        pairs = zip(views, loaded, strict=True)
        return ReconstructItem(views, [self.sight(view, image, images) for view, image in pairs])

    def reconstruct(self, asked: ReconstructItem) -> Reconstruction:
        """Register the views of the scene that most of them show."""
        same = _same_scene(asked.views)
        views = [asked.views[index] for index in same]
        if asked.sights is None:
            placed = [
                PlacedView(index, view.pose, view.intrinsics, view.maps.depth)
                for index, view in zip(same, views, strict=True)
            ]
            return Reconstruction(placed, Scale.METRIC)
        errors, seed = self.preset.reconstruct, self.settings.seed
        sights = [asked.sights[index] for index in same]
        worth = [sight.quality.overall for sight in sights]
        joined = register(views, worth, errors, seed)
        placed = []
        for local, pose in zip(joined.indices, joined.poses, strict=True):
            view, worse = views[local], poorness(sights[local].quality, errors.quality)
            rng = generator(view.key.scene_id, view.key.index, "reconstructed depth", seed)
            wave = smooth_field(view.maps.depth.shape, rng) * errors.smooth * worse
            depth = (view.maps.depth * np.exp(wave) * joined.scale).astype(np.float32)
            placed.append(PlacedView(same[local], pose, view.intrinsics, depth))
        return Reconstruction(placed, Scale.RELATIVE if errors.free else Scale.METRIC)


class ReferenceReconstruct(Reconstructing):
    """Views that share too little with the rest, or show another scene, are reported missing."""

    name = "reconstruct"

    def probe(self) -> ReconstructRequest:
        return ReconstructRequest(images=(self.probe_image(),))

    def preprocess(self, request: ReconstructRequest, images: Images) -> ReconstructItem:
        return self.asked(request.images, images)

    def forward_batch(self, batch: Sequence[ReconstructItem]) -> Sequence[Reconstruction]:
        return [self.reconstruct(asked) for asked in batch]

    def postprocess(
        self,
        request: ReconstructRequest,
        item: ReconstructItem,
        raw: Reconstruction,
        artifacts: ArtifactWriter,
    ) -> ReconstructAnswer:
        registered = {placed.index for placed in raw.views}
        missing = tuple(i for i in range(len(item.views)) if i not in registered)
        return ReconstructAnswer(
            producer=self.producer,
            scale=raw.scale,
            gravity=True,
            # Poses start from a true one unless the answer's freedom was drawn at random.
            world=World.OWN if self.preset.reconstruct.free else World.DATASET,
            views=tuple(_told(placed, artifacts) for placed in raw.views),
            cloud=artifacts.array(cloud(raw.views)),
            missing=missing,
        )


def cloud(views: list[PlacedView]) -> NDArray[np.float32]:
    """(N, 3) points of all views in their common frame, thinned evenly to about 50,000."""
    total = sum(placed.depth.size for placed in views)
    step = max(1, round((total / _CLOUD_POINTS) ** 0.5))
    parts = [placed.pose.to_world(grid_points(placed, step)) for placed in views]
    return np.concatenate(parts).astype(np.float32)


def grid_points(placed: PlacedView, step: int) -> Float:
    """(N, 3) camera-frame points of every ``step``-th measured pixel."""
    intrinsics = placed.intrinsics
    u = np.arange(0, intrinsics.width, step)
    v = np.arange(0, intrinsics.height, step)[:, None]
    depth = placed.depth[::step, ::step].astype(np.float64)
    x, y = (u - intrinsics.cx) / intrinsics.fx * depth, (v - intrinsics.cy) / intrinsics.fy * depth
    return np.stack([x, y, depth], axis=-1)[depth > 0]


def _told(placed: PlacedView, artifacts: ArtifactWriter) -> ReconstructedView:
    rows = placed.pose.T_world_camera.tolist()
    return ReconstructedView(
        index=placed.index,
        T_world_camera=tuple(map(tuple, rows)),
        intrinsics=placed.intrinsics,
        depth=artifacts.array(placed.depth),
        confidence=artifacts.array((placed.depth > 0).astype(np.float32)),
    )


def _same_scene(views: list[ImageView]) -> list[int]:
    """Indices of the views of the scene that most of them show (the first, when equal)."""
    scenes = [(view.key.dataset, view.key.scene_id) for view in views]
    most = max(dict.fromkeys(scenes), key=scenes.count)
    return [index for index, scene in enumerate(scenes) if scene == most]
