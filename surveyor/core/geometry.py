"""Geometry with units and frames.

Conventions, used everywhere: metres and radians; the world is right-handed and Z-up; a camera is
OpenCV (x right, y down, z forward); a pose is camera-to-world and named ``T_world_camera``; the
centre of the pixel in column ``u`` and row ``v`` is at ``(u, v)``; depth is along the camera's z
axis, not along the ray, and 0 means *no measurement*.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from surveyor.core.errors import ModelMistake

Float = NDArray[np.float64]
Depth = NDArray[np.float32]
Vec2 = tuple[float, float]
Vec3 = tuple[float, float, float]


class Scale(StrEnum):
    """What a length in this data means."""

    METRIC = "metric"
    RELATIVE = "relative"
    ALIGNED = "aligned"


class World(StrEnum):
    """Whose axes and origin 3D data has.

    ``dataset``: those of the scene as it was published, as where its own poses were given;
    ``own``: somebody chose them, so that coordinates mean nothing outside of this data.
    """

    DATASET = "dataset"
    OWN = "own"

    @classmethod
    def _missing_(cls, value: object) -> World | None:
        return cls.DATASET if value == "suite" else None  # its name in earlier versions


class ScaleError(ModelMistake):
    """Metric arithmetic was asked of data whose scale is unknown."""


def require_metric(scale: Scale, what: str) -> None:
    """Raise `ScaleError` unless lengths in ``what`` are metres."""
    if scale is Scale.RELATIVE:
        raise ScaleError(
            f"{what} has relative scale: lengths in it are not metres; "
            "align it to a metric depth map first"
        )


class Intrinsics(BaseModel):
    """Pinhole intrinsics in pixels, for the image size that they belong to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fx: float = Field(gt=0)
    fy: float = Field(gt=0)
    cx: float
    cy: float
    width: int = Field(gt=0)
    height: int = Field(gt=0)

    @classmethod
    def from_hfov(cls, hfov: float, width: int, height: int) -> Intrinsics:
        """Square pixels with a horizontal field of view of ``hfov`` radians, centred."""
        focal = width / 2 / float(np.tan(hfov / 2))
        return cls(
            fx=focal, fy=focal, cx=(width - 1) / 2, cy=(height - 1) / 2, width=width, height=height
        )

    def resized(self, width: int, height: int) -> Intrinsics:
        """The same camera after the image was resampled to ``width`` x ``height``."""
        sx, sy = width / self.width, height / self.height
        return Intrinsics(
            fx=self.fx * sx,
            fy=self.fy * sy,
            cx=(self.cx + 0.5) * sx - 0.5,
            cy=(self.cy + 0.5) * sy - 0.5,
            width=width,
            height=height,
        )

    def matrix(self) -> Float:
        """3x3 K."""
        return np.array([[self.fx, 0, self.cx], [0, self.fy, self.cy], [0, 0, 1]], np.float64)

    def rays(self) -> Float:
        """(H, W, 3) camera-frame directions with z = 1 through every pixel centre."""
        rays = np.ones((self.height, self.width, 3))
        rays[..., 0] = (np.arange(self.width) - self.cx) / self.fx
        rays[..., 1] = ((np.arange(self.height) - self.cy) / self.fy)[:, None]
        return rays

    def project(self, points: Float) -> tuple[Float, Float]:
        """Camera-frame points (N, 3) to pixels (N, 2) and depths (N,); callers drop depth <= 0."""
        z = points[:, 2]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            u = self.fx * points[:, 0] / z + self.cx
            v = self.fy * points[:, 1] / z + self.cy
        return np.stack([u, v], axis=1), z


@dataclass(frozen=True, slots=True, eq=False)
class Pose:
    """Camera-to-world rigid motion, 4x4 float64, rotation part orthonormal within 1e-4."""

    T_world_camera: Float

    def __post_init__(self) -> None:
        T = np.asarray(self.T_world_camera, np.float64)
        if T.shape != (4, 4) or not np.isfinite(T).all():
            raise ValueError("a pose is a finite 4x4 camera-to-world matrix")
        R = T[:3, :3]
        # Huge entries are refused before they are multiplied, because their products overflow.
        if (
            np.abs(R).max() > 1.1
            or np.abs(R @ R.T - np.eye(3)).max() > 1e-4
            or np.linalg.det(R) < 0
        ):
            raise ValueError("the rotation part of a pose must be orthonormal and right-handed")
        object.__setattr__(self, "T_world_camera", T)

    @property
    def position(self) -> Float:
        """Camera centre in the world, metres."""
        position: Float = self.T_world_camera[:3, 3]
        return position

    @property
    def forward(self) -> Float:
        """Unit viewing direction in the world."""
        forward: Float = self.T_world_camera[:3, 2]
        return forward

    def to_world(self, points: Float) -> Float:
        """Camera-frame points (N, 3) to the world."""
        world: Float = points @ self.T_world_camera[:3, :3].T + self.T_world_camera[:3, 3]
        return world

    def to_camera(self, points: Float) -> Float:
        """World points (N, 3) to the camera frame."""
        camera: Float = (points - self.T_world_camera[:3, 3]) @ self.T_world_camera[:3, :3]
        return camera

    @classmethod
    def look_at(cls, eye: Float, target: Float) -> Pose:
        """A level camera at ``eye`` looking at ``target``; undefined when looking straight up."""
        z = np.asarray(target, np.float64) - eye
        z = z / np.linalg.norm(z)
        x = cross(z, (0.0, 0.0, 1.0))
        x = x / np.linalg.norm(x)
        T = np.eye(4)
        T[:3, :3] = np.stack([x, cross(z, x), z], axis=1)
        T[:3, 3] = eye
        return cls(T)

    def tolist(self) -> list[list[float]]:
        """Row-major nested list for JSON."""
        rows: list[list[float]] = self.T_world_camera.tolist()
        return rows


def cross(a: Sequence[float] | Float, b: Sequence[float] | Float) -> Float:
    """What `np.cross` gives for two vectors, in a tenth of its time."""
    (ax, ay, az), (bx, by, bz) = a, b
    return np.array([ay * bz - az * by, az * bx - ax * bz, ax * by - ay * bx])


class OrientedBox(BaseModel):
    """A box with free orientation. ``axes`` rows are the box's unit axes in the world.

    ``size`` are full edge lengths in metres along those axes.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    center: Vec3
    size: Vec3
    axes: tuple[Vec3, Vec3, Vec3] = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))

    @classmethod
    def upright(cls, center: Vec3, size: Vec3, yaw: float) -> OrientedBox:
        """A box standing on the floor, turned by ``yaw`` radians counter-clockwise about +Z."""
        c, s = float(np.cos(yaw)), float(np.sin(yaw))
        return cls(center=center, size=size, axes=((c, s, 0.0), (-s, c, 0.0), (0.0, 0.0, 1.0)))

    def _axes(self) -> Float:
        return np.array(self.axes, np.float64)

    def corners(self) -> Float:
        """(8, 3) world corners."""
        signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float64)
        corners: Float = np.array(self.center) + signs * (np.array(self.size) / 2) @ self._axes()
        return corners

    def to_local(self, points: Float) -> Float:
        """World points (N, 3) in the box frame, metres from its centre along its axes."""
        local: Float = (points - np.array(self.center)) @ self._axes().T
        return local

    def contains(self, points: Float, margin: float = 0.0) -> NDArray[np.bool_]:
        """(N,) whether each world point lies within the box grown by ``margin`` metres."""
        half = np.array(self.size) / 2 + margin
        x, y, z = (np.abs(self.to_local(points)) <= half).T
        inside: NDArray[np.bool_] = x & y & z
        return inside


@dataclass(frozen=True, slots=True, eq=False)
class DepthMap:
    """z-depth (H, W) float32; metres when metric, 0 where nothing was measured."""

    values: Depth
    scale: Scale

    def metres(self) -> Depth:
        """The values, refused unless they are metric (`ScaleError`)."""
        require_metric(self.scale, "this depth map")
        return self.values

    def unproject(self, intrinsics: Intrinsics) -> tuple[Float, NDArray[np.bool_]]:
        """Camera-frame points (H, W, 3) and a (H, W) mask of measured pixels."""
        if self.values.shape != (intrinsics.height, intrinsics.width):
            raise ValueError("depth map and intrinsics are of different image sizes")
        return intrinsics.rays() * self.values[..., None], self.values > 0


@dataclass(frozen=True, slots=True, eq=False)
class PointCloud:
    """Points (N, 3) float64 in the world frame of its reconstruction."""

    points: Float
    scale: Scale

    def metres(self) -> Float:
        """The points, refused unless they are metric (`ScaleError`)."""
        require_metric(self.scale, "this point cloud")
        return self.points
