"""What a view's camera and depth say, as numbers that a model can take: one vector a view.

Rotation and position of the camera (camera-to-world, metres), the intrinsics by the image's own
size, and how its depths are spread over bins that are the same metres everywhere, with the nearest
and the farthest: so that a room twice as large gives other numbers, which bins between a picture's
own extremes would not. A view of which nothing is known has none, and a mask says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from pydantic import Field

from surveyor.core.cameras import Camera
from surveyor.core.geometry import Depth, Float, Vec2, Vec3
from surveyor.core.records import FrozenRecord

EDGES: Final = (
    0.0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 8.0, 12.0, np.inf,
)  # fmt: skip
"""Bounds of the bins of depth, metres; a bin holds its lower bound."""
BINS: Final = len(EDGES) - 1
WIDTH: Final = 9 + 3 + 4 + BINS + 2
"""Numbers in a view's vector."""


class ViewGeometry(FrozenRecord):
    """One view: ``R`` (row by row) and ``t`` take camera points to the world, metres; ``K`` is
    fx/w, fy/h, (cx + 0.5)/w, (cy + 0.5)/h; ``depth_hist`` are shares of the measured pixels by
    `EDGES`, ``depth_range`` their least and greatest depth, all 0 where nothing was measured."""

    R: tuple[float, ...] = Field(min_length=9, max_length=9)
    t: Vec3
    K: tuple[float, float, float, float]
    depth_hist: tuple[float, ...] = Field(min_length=BINS, max_length=BINS)
    depth_range: Vec2


def view_geometry(camera: Camera, depth: Depth | None) -> ViewGeometry:
    """The geometry of a view from its camera and its metric z-depth (H, W), 0 where unknown."""
    T = np.array(camera.T_world_camera, np.float64)
    i = camera.intrinsics
    measured = np.zeros(0) if depth is None else depth[np.isfinite(depth) & (depth > 0)]
    counted, _ = np.histogram(measured, np.array(EDGES))
    shares = counted / max(len(measured), 1)
    spread = (float(measured.min()), float(measured.max())) if len(measured) else (0.0, 0.0)
    x, y, z = (float(v) for v in T[:3, 3])
    return ViewGeometry(
        R=tuple(float(v) for v in T[:3, :3].ravel()),
        t=(x, y, z),
        K=(i.fx / i.width, i.fy / i.height, (i.cx + 0.5) / i.width, (i.cy + 0.5) / i.height),
        depth_hist=tuple(float(v) for v in shares),
        depth_range=spread,
    )


def vectors(views: Sequence[ViewGeometry | None]) -> tuple[Float, Float]:
    """(V, WIDTH) vectors and a (V,) mask, 1 where the geometry is known; unknown rows are 0."""
    values = np.zeros((len(views), WIDTH))
    for row, view in zip(values, views, strict=True):
        if view is not None:
            row[:] = (*view.R, *view.t, *view.K, *view.depth_hist, *view.depth_range)
    return values, np.array([float(view is not None) for view in views])
