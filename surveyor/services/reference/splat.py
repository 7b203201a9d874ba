"""Points with colours, seen by a new camera: nearest wins, small gaps are filled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveyor.core.geometry import Depth, Float, Intrinsics, Pose
from surveyor.services.images import Pixels

_NEAR = 0.05
_FILL = 4  # pixels over which a gap takes its nearest neighbour's colour
_SKY = 235


@dataclass(frozen=True, slots=True, eq=False)
class Surfels:
    """World points (N, 3), the unit normals (N, 3) of the side they were seen from, RGB (N, 3)."""

    points: Float
    normals: Float
    colours: Pixels


def surfels(
    depth: Depth, colours: Pixels, pose: Pose, intrinsics: Intrinsics, step: int
) -> Surfels:
    """Every ``step``-th measured pixel of a view as a small disc."""
    u = np.arange(0, intrinsics.width, step)
    v = np.arange(0, intrinsics.height, step)[:, None]
    z = depth[::step, ::step].astype(np.float64)
    x, y = (u - intrinsics.cx) / intrinsics.fx * z, (v - intrinsics.cy) / intrinsics.fy * z
    grid = np.stack([x, y, z], axis=-1)
    if min(z.shape) > 1:
        normals = np.cross(np.gradient(grid, axis=1), np.gradient(grid, axis=0))
    else:
        normals = -grid
    away = np.sum(normals * grid, axis=-1) > 0
    normals[away] *= -1
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-12)
    measured = z > 0
    turn = pose.T_world_camera[:3, :3]
    return Surfels(
        pose.to_world(grid[measured]), normals[measured] @ turn.T, colours[::step, ::step][measured]
    )


def splat(seen: Surfels, pose: Pose, intrinsics: Intrinsics) -> Pixels:
    """(H, W, 3) image of surfels. Those that face away are not drawn, so that a room seen from
    outside shows its inside through the walls and the ceiling before it."""
    from scipy import ndimage

    facing = np.sum((pose.position - seen.points) * seen.normals, axis=1) > 0
    points, colours = seen.points[facing], seen.colours[facing]
    pixels, z = intrinsics.project(pose.to_camera(points))
    front = z > _NEAR
    pixels, z, colours = pixels[front], z[front], colours[front]
    # Compared before they become integers: absurd cameras project to infinity or nowhere.
    x, y = np.rint(pixels).T
    inside = (x >= 0) & (x < intrinsics.width) & (y >= 0) & (y < intrinsics.height)
    u, v = x[inside].astype(np.int64), y[inside].astype(np.int64)
    z, colours = z[inside], colours[inside]
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
