"""Points that several cameras see: where they are, and under which angle they are seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares

from surveyor.core.geometry import Float
from surveyor.tools.geometry.bundle import CameraBundle, Sightings, slopes


@dataclass(frozen=True, slots=True, eq=False)
class ViewPose:
    """``R`` (3, 3) and ``t`` (3,) take the joined photos' coordinates to this camera's."""

    R: Float
    t: Float

    @property
    def centre(self) -> Float:
        """Where it stood."""
        centre: Float = -self.R.T @ self.t
        return centre


def triangulated(cameras: Sequence[ViewPose], rays: Float) -> Float:
    """(3,) the point that cameras see at normalised coordinates (n, 2), by least squares."""
    lines = np.empty((len(cameras), 3, 4))
    for line, camera in zip(lines, cameras, strict=True):
        line[:, :3], line[:, 3] = camera.R, camera.t
    rows = rays[:, :, None] * lines[:, 2:] - lines[:, :2]
    _, _, turned = np.linalg.svd(rows.reshape(-1, 4))
    w = turned[-1, 3] if abs(turned[-1, 3]) > 1e-12 else 1e-12
    point: Float = turned[-1, :3] / w
    return point


def refined(cameras: Sequence[ViewPose], rays: Float) -> Float:
    """The same, so that its images are as close to the rays as they can be."""

    def miss(point: Float) -> Float:
        at = np.array([camera.R @ point + camera.t for camera in cameras])
        off: Float = (at[:, :2] / np.maximum(at[:, 2:], 1e-9) - rays).ravel()
        return off

    found: Float = least_squares(miss, triangulated(cameras, rays), method="trf").x
    return found


def spread(cameras: Sequence[ViewPose], focals: Float, point: Float) -> Float:
    """(3, 3) covariance of a point in squared units for a deviation of one pixel in every image of
    it; ``focals`` (n,) in pixels. To first order, which holds where the angle is not too small."""
    rows = []
    for camera, focal in zip(cameras, focals, strict=True):
        x, y, z = camera.R @ point + camera.t
        rows.append(focal / z * np.array([[1, 0, -x / z], [0, 1, -y / z]]) @ camera.R)
    moves = np.vstack(rows)
    found: Float = np.linalg.inv(moves.T @ moves)
    return found


def drift(cameras: Sequence[ViewPose], focals: Float, point: Float) -> Float:
    """(3, 6 n + 1) how a point found from n cameras moves with their turns and shifts (as small
    rotations on the camera's side) and with the logarithm of their focal length."""
    place = np.arange(len(cameras))
    seen = Sightings(place, np.zeros_like(place), np.zeros((len(cameras), 2)), focals)
    poses = np.array([camera.R for camera in cameras]), np.array([camera.t for camera in cameras])
    now = slopes(CameraBundle(*poses, point[None]), seen)
    sides = now.point.transpose(0, 2, 1)
    inverse = np.linalg.inv((sides @ now.point).sum(axis=0))
    by_camera = np.hstack(list(sides @ now.camera))
    found: Float = -inverse @ np.hstack([by_camera, (sides @ now.zoom).sum(axis=0)])
    return found


def widest_angle(centres: Sequence[Float], point: Float) -> float:
    """The widest angle in radians under which a point is seen from two of the centres."""
    ways = point - np.array(centres)
    ways /= np.sqrt((ways**2).sum(axis=1, keepdims=True)) + 1e-12
    return float(np.arccos(np.clip((ways @ ways.T).min(), -1, 1)))


def viewing_angle(cameras: Sequence[ViewPose], point: Float) -> float:
    """Radians between the two views of a point that are farthest apart."""
    return widest_angle([camera.centre for camera in cameras], point)
