"""Bird's-eye views: orthographic, metric, ceiling cut off, with the world-to-pixel transform.

North is up: world +x runs right, world +y runs up the image. Instance ids are the scene's own, so
an object has one number in the top view, in every frame and in the object table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveyor.core.cameras import Ids
from surveyor.core.geometry import Depth, Float

Rgb = NDArray[np.uint8]
EMPTY = np.array([245, 245, 245], np.uint8)
MARGIN = 0.15


@dataclass(frozen=True, slots=True)
class TopCamera:
    """An orthographic camera above a scene.

    ``scale`` is pixels per metre; ``left`` and ``top`` are the world x and y (metres) of the
    centre of pixel (0, 0).
    """

    scale: float
    left: float
    top: float
    width: int
    height: int

    @classmethod
    def over(cls, points: Float, longest: int = 512) -> TopCamera:
        """The camera whose longer image side of ``longest`` pixels just holds xy points (N, 2)."""
        low, high = points[:, :2].min(axis=0) - MARGIN, points[:, :2].max(axis=0) + MARGIN
        scale = (longest - 1) / float((high - low).max())
        width, height = (np.ceil((high - low) * scale - 1e-6).astype(int) + 1).tolist()
        return cls(scale, float(low[0]), float(high[1]), width, height)

    def affine(self) -> Float:
        """2x3 matrix that takes a world point (x, y, 1) to its pixel (u, v)."""
        s = self.scale
        return np.array([[s, 0, -s * self.left], [0, -s, s * self.top]], np.float64)

    def to_pixels(self, points: Float) -> Float:
        """World points (N, 2+) to pixels (N, 2)."""
        matrix = self.affine()
        pixels: Float = points[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        return pixels

    def to_world(self, pixels: Float) -> Float:
        """Pixels (N, 2) to world xy (N, 2)."""
        flip = np.array([1.0, -1.0])
        world: Float = np.array([self.left, self.top]) + pixels * flip / self.scale
        return world

    def grid(self) -> Float:
        """(H * W, 2) world xy of every pixel centre, row by row."""
        v, u = np.mgrid[: self.height, : self.width]
        return self.to_world(np.stack([u.ravel(), v.ravel()], axis=1).astype(np.float64))


@dataclass(frozen=True, slots=True, eq=False)
class TopView:
    """A top view: colours (H, W, 3), instance ids (H, W) with 0 for nothing, height z in metres."""

    camera: TopCamera
    rgb: Rgb
    ids: Ids
    z: Depth


def top_view_of_points(
    points: Float, colours: Rgb, ids: Ids, ceiling: float, longest: int = 512
) -> TopView:
    """Splats a coloured cloud: (N, 3) metres, (N, 3) uint8, (N,) ids; the highest point wins.

    Points above ``ceiling`` metres are cut off. Raises `ValueError` when none remain.
    """
    below = points[:, 2] < ceiling
    if not below.any():
        raise ValueError("no points lie below the ceiling cut")
    points, colours, ids = points[below], colours[below], ids[below]
    camera = TopCamera.over(points, longest)
    cells = np.rint(camera.to_pixels(points)).astype(np.int64)
    cells = np.clip(cells, 0, [camera.width - 1, camera.height - 1])
    order = np.argsort(points[:, 2], kind="stable")
    u, v = cells[order].T
    rgb = np.broadcast_to(EMPTY, (camera.height, camera.width, 3)).copy()
    owner = np.zeros((camera.height, camera.width), np.int32)
    z = np.zeros((camera.height, camera.width), np.float32)
    rgb[v, u], owner[v, u], z[v, u] = colours[order], ids[order], points[order, 2]
    return TopView(camera, rgb, owner, z)
