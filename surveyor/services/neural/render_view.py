"""Neural `render_view`: the reconstruction of some views, seen from somewhere else."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from surveyor.core.geometry import Float, Pose
from surveyor.services.contract import ErrorCode, RenderViewAnswer, RenderViewRequest
from surveyor.services.errors import ExpertError
from surveyor.services.expert import ArtifactWriter, Images
from surveyor.services.images import Pixels
from surveyor.services.neural.base import probe_image
from surveyor.services.neural.multi_view import Geometry
from surveyor.services.neural.preprocessing import resized
from surveyor.services.neural.reconstruct import NeuralView, ReconstructInput, ViewsExpert
from surveyor.services.reference.splat import Surfels, orbit_camera, splat, surfels

_POINTS = 1_500_000
_MAX_SIDE = 4096
_DEFAULT_ELEVATION = 45.0


@dataclass(frozen=True, slots=True, eq=False)
class _RenderInput:
    asked: ReconstructInput
    pictures: list[Pixels]


class NeuralRenderView(ViewsExpert):
    """Same models and routes as `reconstruct`.

    A camera is given in the frame that `reconstruct` returns for the same images. For azimuth and
    elevation, up is taken to be the mean up of the views' cameras, and azimuth 0 an arbitrary but
    repeatable direction.
    """

    name = "render_view"

    def probe(self) -> RenderViewRequest:
        return RenderViewRequest(images=(probe_image(),), azimuth=0)

    def preprocess(self, request: RenderViewRequest, images: Images) -> _RenderInput:
        size = request.intrinsics
        if size is not None and max(size.width, size.height) > _MAX_SIDE:
            message = f"a rendered view has at most {_MAX_SIDE} pixels a side"
            raise ExpertError(ErrorCode.TOO_LARGE, message, field="intrinsics")
        _ = _given(request)
        asked = self.asked(request.images, images)
        pictures = [
            resized(images(reference).pixels, view.width, view.height)
            for reference, view in zip(request.images, asked.views, strict=True)
        ]
        return _RenderInput(asked, pictures)

    def bare(self, batch: Sequence[_RenderInput]) -> Callable[[], object]:
        return self.net.bare(batch[0].asked.stacked)

    def forward_batch(self, batch: Sequence[_RenderInput]) -> Sequence[Geometry]:
        return [self.net.geometry(job.asked.stacked) for job in batch]

    def postprocess(
        self,
        request: RenderViewRequest,
        item: _RenderInput,
        raw: Geometry,
        artifacts: ArtifactWriter,
    ) -> RenderViewAnswer:
        placed = self.placed(item.asked, raw)
        intrinsics = request.intrinsics or placed[0].intrinsics
        surface = _surface(placed, item.pictures)
        pose = _given(request)
        if pose is None:
            level = _level([one.pose for one in placed])
            elevation = request.elevation if request.elevation is not None else _DEFAULT_ELEVATION
            azimuth = math.radians(request.azimuth or 0.0)
            points = surface.points @ level.T
            around = orbit_camera(points, azimuth, math.radians(elevation), intrinsics)
            pose = _turned(around, level.T)
        return RenderViewAnswer(
            producer=self.producer,
            image=artifacts.image(splat(surface, pose, intrinsics)),
            T_world_camera=tuple(map(tuple, pose.tolist())),
            intrinsics=intrinsics,
            scale=raw.scale,
        )


def _given(request: RenderViewRequest) -> Pose | None:
    """The camera of the request, if it names one; `ExpertError` for a camera that is none."""
    if request.T_world_camera is None:
        return None
    try:
        return Pose(np.array(request.T_world_camera))
    except ValueError as error:
        raise ExpertError(ErrorCode.BAD_INPUT, str(error), field="T_world_camera") from error


def _surface(placed: list[NeuralView], pictures: list[Pixels]) -> Surfels:
    """What all views saw, thinned to about `_POINTS`."""
    total = sum(one.depth.size for one in placed)
    step = max(1, math.ceil((total / _POINTS) ** 0.5))
    parts = [
        surfels(one.depth, pictures[one.index], one.pose, one.intrinsics, step) for one in placed
    ]
    return Surfels(
        np.concatenate([part.points for part in parts]),
        np.concatenate([part.normals for part in parts]),
        np.concatenate([part.colours for part in parts]),
    )


def _level(poses: Sequence[Pose]) -> Float:
    """(3, 3) rotation of the reconstruction's frame that brings the cameras' mean up to +Z."""
    mean = -np.mean([pose.T_world_camera[:3, 1] for pose in poses], axis=0)
    length = np.linalg.norm(mean)
    up = mean / length if length > 1e-6 else -poses[0].T_world_camera[:3, 1]
    ahead = poses[0].forward - (poses[0].forward @ up) * up
    if np.linalg.norm(ahead) < 1e-6:
        ahead = np.cross(up, poses[0].T_world_camera[:3, 0])
    ahead = ahead / np.linalg.norm(ahead)
    return np.stack([-ahead, np.cross(up, -ahead), up])


def _turned(pose: Pose, turn: Float) -> Pose:
    """The pose in a frame that is rotated by ``turn``."""
    T = pose.T_world_camera.copy()
    T[:3] = turn @ T[:3]
    return Pose(T)
