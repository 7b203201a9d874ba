"""Points with colours, seen by a new camera: nearest wins, small gaps are filled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scenes.geometry import Float, Intrinsics, Pose
from services.images import Pixels

_NEAR = 0.05
_FILL = 4  # pixels over which a gap takes its nearest neighbour's colour
_SKY = 235


def splat(points: Float, colours: Pixels, pose: Pose, intrinsics: Intrinsics) -> Pixels:
    """(H, W, 3) image of world points (N, 3) with RGB colours (N, 3)."""
    from scipy import ndimage

    pixels, z = intrinsics.project(pose.to_camera(points))
    front = z > _NEAR
    pixels, z, colours = pixels[front], z[front], colours[front]
    u, v = np.rint(pixels).astype(np.int64).T
    inside = (u >= 0) & (u < intrinsics.width) & (v >= 0) & (v < intrinsics.height)
    u, v, z, colours = u[inside], v[inside], z[inside], colours[inside]
    order = np.argsort(-z, kind="stable")  # far first: nearer points are written over them
    image = np.full((intrinsics.height, intrinsics.width, 3), _SKY, np.uint8)
    hit = np.zeros(image.shape[:2], np.bool_)
    image[v[order], u[order]] = colours[order]
    hit[v, u] = True
    if not hit.any():
        return image
    distance, (rows, columns) = ndimage.distance_transform_edt(~hit, return_indices=True)
    near = (distance <= _FILL)[..., None]
    filled: NDArray[np.uint8] = np.where(near, image[rows, columns], image)
    return filled


def orbit_camera(points: Float, azimuth: float, elevation: float, intrinsics: Intrinsics) -> Pose:
    """A camera on a sphere around the points' centre that has most of them in view.

    Radians; ``azimuth`` from +X towards +Y, ``elevation`` above the horizon.
    """
    low, high = np.percentile(points, [2, 98], axis=0)
    centre = (low + high) / 2
    half_field = np.arctan(min(intrinsics.width, intrinsics.height) / 2 / intrinsics.fx)
    radius = float(np.linalg.norm(high - low)) / 2 / np.sin(half_field)
    tilt = np.clip(elevation, -np.radians(89), np.radians(89))
    way = np.array([np.cos(tilt) * np.cos(azimuth), np.cos(tilt) * np.sin(azimuth), np.sin(tilt)])
    return Pose.look_at(centre + radius * way, centre)
