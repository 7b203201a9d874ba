"""The floor of a place from its point cloud: main direction and area."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError

from surveyor.core.geometry import Float
from surveyor.tools.geometry.boxes import footprints
from surveyor.tools.geometry.clouds import thin

_CELL = 0.025
# Walls reach down to the floor or up to the ceiling; what is seen only in between, and sticks out
# no farther than a bay, is the recess of a window. Metres above the floor, below the ceiling.
_LOW, _HIGH, _BAY = 0.7, 0.2, 0.25
# A level top of at least so many square metres is a ceiling, not a cupboard.
_CEILING, _LEVEL = 1.0, 0.03
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


@dataclass(frozen=True, slots=True, eq=False)
class Floor:
    """What was enclosed from above: ``cells`` (X, Y) of a grid turned to the walls by ``yaw``
    radians, whose corner lies at ``corner`` (2,) metres of the turned plane."""

    cells: NDArray[np.bool_]
    yaw: float
    corner: Float

    def points(self) -> Float:
        """(N, 2) world metres of the middles of the floor's cells."""
        turned = (np.argwhere(self.cells) + 0.5) * _CELL + self.corner
        c, s = np.cos(self.yaw), np.sin(self.yaw)
        world: Float = turned @ np.array([[c, s], [-s, c]])
        return world

    @property
    def cell(self) -> float:
        """Edge of a cell, metres."""
        return _CELL

    def cells_of(self, points: Float) -> NDArray[np.int64]:
        """(N, 2) cells of world points (N, 2) seen from above; some may lie outside the grid."""
        c, s = np.cos(self.yaw), np.sin(self.yaw)
        turned = points @ np.array([[c, -s], [s, c]])
        found: NDArray[np.int64] = np.floor((turned - self.corner) / _CELL).astype(np.int64)
        return found


def floor_area(cloud: Float, close: float = 0.5) -> float:
    """Area in square metres enclosed by what was seen, from above; see `floor_of`."""
    filled = floor_of(cloud, close).cells
    if not filled.any():
        return 0.0
    # Outermost cells are cut by the walls: half of each is outside on average.
    area = float(filled.sum() - _rim(filled) / 2) * _CELL**2
    rectangle = float(np.prod(np.ptp(np.argwhere(filled), axis=0))) * _CELL**2
    return rectangle if area >= 0.88 * rectangle else area


def floor_of(cloud: Float, close: float = 0.5) -> Floor:
    """The part of the plane that what was seen encloses.

    Everything seen is drawn on a grid turned to the walls; gaps up to ``close`` metres are bridged,
    holes (behind and under furniture) filled, and recesses of windows left out. For an area, a
    footprint that fills its rectangle almost wholly is taken for a rectangular room whose corners
    were out of sight.
    """
    cloud = cloud[thin(cloud, _CELL)]
    level = _near_floor_or_ceiling(cloud[:, 2])
    yaw = room_yaw(cloud[level] if level.any() else cloud)
    c, s = np.cos(yaw), np.sin(yaw)
    turned = cloud[:, :2] @ np.array([[c, -s], [s, c]])
    margin = int(np.ceil(close / _CELL)) + 1
    corner = turned.min(axis=0) - margin * _CELL
    cells = np.floor((turned - turned.min(axis=0)) / _CELL).astype(np.int64) + margin
    shape = tuple(cells.max(axis=0) + margin + 1)
    radius = close / 2 / _CELL
    filled = _filled(_drawn(cells, shape), radius)
    if level.any():
        core = _filled(_drawn(cells[level], shape), radius)
        side = np.ones((round(_BAY / _CELL),) * 2, np.bool_)
        beyond = ndimage.binary_opening(filled & ~core, side)
        filled = ndimage.binary_fill_holes(core | beyond)
    return Floor(filled, yaw, corner)


def _near_floor_or_ceiling(z: Float) -> NDArray[np.bool_]:
    """(N,) points of thinned heights that are near the floor, or near a ceiling if one was seen."""
    bottom, top = np.quantile(z, (0.005, 0.995))
    near: NDArray[np.bool_] = z < bottom + _LOW
    if np.count_nonzero(z > top - _LEVEL) * _CELL**2 >= _CEILING:
        near |= z > top - _HIGH
    return near


def _drawn(cells: NDArray[np.int64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    grid = np.zeros(shape, np.bool_)
    grid[tuple(cells.T)] = True
    return grid


def _filled(grid: NDArray[np.bool_], radius: float) -> NDArray[np.bool_]:
    """The grid with gaps of twice the radius bridged and holes filled, its largest part."""
    # Filling comes before eroding: closing alone would not bridge gaps in walls one cell thick.
    thick = ndimage.distance_transform_edt(~grid) <= radius
    parts, count = ndimage.label(thick)
    if count > 1:
        thick = parts == np.bincount(parts.ravel())[1:].argmax() + 1
    filled: NDArray[np.bool_] = (
        ndimage.distance_transform_edt(ndimage.binary_fill_holes(thick)) > radius
    )
    return filled


def _rim(mask: NDArray[np.bool_]) -> int:
    """Length of a mask's edge in sides of cells."""
    return sum(int(np.count_nonzero(np.diff(mask.astype(np.int8), axis=k))) for k in (0, 1))
