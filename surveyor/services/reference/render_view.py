"""Reference `render_view`: the reconstruction of some views, seen from somewhere else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surveyor.core.geometry import Intrinsics, Pose
from surveyor.services.contract import ErrorCode, RenderViewAnswer, RenderViewRequest
from surveyor.services.errors import ExpertError
from surveyor.services.expert import ArtifactWriter, Images
from surveyor.services.images import Pixels
from surveyor.services.reference.reconstruct import Reconstructing, Reconstruction, ReconstructItem
from surveyor.services.reference.splat import Surfels, orbit_camera, splat, surfels

_POINTS = 1_500_000
_MAX_SIDE = 4096
_DEFAULT_ELEVATION = 45.0


@dataclass(frozen=True, slots=True, eq=False)
class _RenderItem:
    asked: ReconstructItem
    pictures: list[Pixels]


@dataclass(frozen=True, slots=True, eq=False)
class _RenderedView:
    pixels: Pixels
    pose: Pose
    intrinsics: Intrinsics
    made_from: Reconstruction


class ReferenceRenderView(Reconstructing):
    """Colours come from the pixels that were sent, geometry from the reconstruction's model."""

    name = "render_view"

    def probe(self) -> RenderViewRequest:
        return RenderViewRequest(images=(self.probe_image(),), azimuth=0)

    def preprocess(
        self, request: RenderViewRequest, images: Images
    ) -> tuple[_RenderItem, RenderViewRequest]:
        _check(request)
        loaded = [images(reference) for reference in request.images]  # sizes before pixels
        pictures = [image.pixels for image in loaded]
        return _RenderItem(self.asked(request.images, images), pictures), request

    def forward_batch(
        self, batch: Sequence[tuple[_RenderItem, RenderViewRequest]]
    ) -> Sequence[_RenderedView]:
        return [self._render(job, request) for job, request in batch]

    def postprocess(
        self,
        request: RenderViewRequest,
        item: tuple[_RenderItem, RenderViewRequest],
        raw: _RenderedView,
        artifacts: ArtifactWriter,
    ) -> RenderViewAnswer:
        return RenderViewAnswer(
            producer=self.producer,
            image=artifacts.image(raw.pixels),
            T_world_camera=tuple(map(tuple, raw.pose.tolist())),
            intrinsics=raw.intrinsics,
            scale=raw.made_from.scale,
        )

    def _render(self, job: _RenderItem, request: RenderViewRequest) -> _RenderedView:
        made = self.reconstruct(job.asked)
        surface = _coloured(made, job.pictures)
        intrinsics = request.intrinsics or made.views[0].intrinsics
        if request.T_world_camera is not None:
            pose = Pose(np.array(request.T_world_camera))
        else:
            elevation = request.elevation if request.elevation is not None else _DEFAULT_ELEVATION
            azimuth = math.radians(request.azimuth or 0.0)
            pose = orbit_camera(surface.points, azimuth, math.radians(elevation), intrinsics)
        return _RenderedView(splat(surface, pose, intrinsics), pose, intrinsics, made)


def _coloured(made: Reconstruction, pictures: list[Pixels]) -> Surfels:
    """The surface that all views saw, thinned to about `_POINTS`."""
    total = sum(placed.depth.size for placed in made.views)
    step = max(1, math.ceil((total / _POINTS) ** 0.5))
    parts = [
        surfels(placed.depth, pictures[placed.index], placed.pose, placed.intrinsics, step)
        for placed in made.views
    ]
    return Surfels(
        np.concatenate([part.points for part in parts]),
        np.concatenate([part.normals for part in parts]),
        np.concatenate([part.colours for part in parts]),
    )


def _check(request: RenderViewRequest) -> None:
    """`ExpertError` for a camera that is none."""
    size = request.intrinsics
    if size is not None and max(size.width, size.height) > _MAX_SIDE:
        message = f"a rendered view has at most {_MAX_SIDE} pixels a side"
        raise ExpertError(ErrorCode.TOO_LARGE, message, field="intrinsics")
    if request.T_world_camera is not None:
        try:
            Pose(np.array(request.T_world_camera))
        except ValueError as error:
            raise ExpertError(ErrorCode.BAD_INPUT, str(error), field="T_world_camera") from error
