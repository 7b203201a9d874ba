"""The floor of a place from its point cloud: main direction and area."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from scenes.geometry import Float
from tools.geometry.boxes import footprints
from tools.geometry.clouds import thin

_CELL = 0.05
_ENOUGH = 8000


def room_yaw(cloud: Float) -> float:
    """Direction of the walls in radians, 0..pi/2: the turn with the smallest bounding footprint."""
    flat = cloud[:: max(1, len(cloud) // _ENOUGH), :2]
    try:
        outline = flat[ConvexHull(flat).vertices]
    except (QhullError, ValueError):
        return 0.0
    angles = np.deg2rad(np.arange(0, 90, 0.5))
    return float(angles[footprints(outline, angles).argmin()])


def floor_area(cloud: Float, close: float = 0.5) -> float:
    """Area in square metres enclosed by what was seen, from above.

    Everything seen is drawn on a 5 cm grid turned to the walls; gaps up to ``close`` metres are
    bridged and holes (behind and under furniture) filled. A footprint that fills its rectangle
    almost wholly is taken for a rectangular room whose corners were out of sight.
    """
    flat = cloud[thin(cloud, _CELL)][:, :2]
    yaw = room_yaw(cloud)
    c, s = np.cos(yaw), np.sin(yaw)
    turned = flat @ np.array([[c, -s], [s, c]])
    low, high = turned.min(axis=0), turned.max(axis=0)
    margin = int(np.ceil(close / _CELL)) + 1
    cells = np.floor((turned - low) / _CELL).astype(np.int64) + margin
    grid = np.zeros(tuple(cells.max(axis=0) + margin + 1), np.bool_)
    grid[tuple(cells.T)] = True
    filled = _filled(grid, round(close / 2 / _CELL))
    # Outermost cells are cut by the walls: points lie in them, half a cell is outside on average.
    area = float(filled.sum()) * _CELL**2
    rectangle = float(np.prod(high - low))
    return rectangle if area >= 0.88 * rectangle else area


def _filled(grid: NDArray[np.bool_], radius: int) -> NDArray[np.bool_]:
    disc = np.hypot(*np.ogrid[-radius : radius + 1, -radius : radius + 1]) <= radius
    # Filling comes before eroding: closing alone would not bridge gaps in walls one cell thick.
    thick = ndimage.binary_dilation(grid, structure=disc)
    parts, count = ndimage.label(thick)
    if count > 1:
        thick = parts == np.bincount(parts.ravel())[1:].argmax() + 1
    filled: NDArray[np.bool_] = ndimage.binary_erosion(
        ndimage.binary_fill_holes(thick), structure=disc
    )
    return filled
