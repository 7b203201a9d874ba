"""Parts of a floor that people name: around a thing, or the larger and smaller of two."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from surveyor.core.geometry import Float, OrientedBox
from surveyor.tools.geometry.floor import Floor
from surveyor.tools.geometry.rooms import rooms_of

_CLEAR = 0.9
"""Share of an L's missing corner that must be free, and of the rest that must be floor."""
_COARSE = 4
_GRID = 0.05


def around(floor: Floor, box: OrientedBox, reach: float) -> Float:
    """(N, 2) floor points within ``reach`` metres of an upright box's footprint."""
    points = floor.points()
    columns = np.column_stack([points, np.full(len(points), box.center[2])])
    beyond = np.maximum(np.abs(box.to_local(columns)) - np.array(box.size) / 2, 0)
    near: Float = points[np.linalg.norm(beyond[:, :2], axis=1) <= reach]
    return near


def around_within(cloud: Float, yaw: float, box: OrientedBox, reach: float) -> Float:
    """The same where no floor was seen: what lies within the walls' rectangle, which is taken to
    bound all (N, 3) points that were seen."""
    c, s = np.cos(yaw), np.sin(yaw)
    turn = np.array([[c, -s], [s, c]])
    low, high = np.quantile(cloud[:, :2] @ turn, (0.002, 0.998), axis=0)
    corners = box.corners()[:, :2]
    axes = [
        np.arange(a - reach, b + reach, _GRID)
        for a, b in zip(corners.min(axis=0), corners.max(axis=0), strict=True)
    ]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    columns = np.column_stack([points, np.full(len(points), box.center[2])])
    beyond = np.maximum(np.abs(box.to_local(columns)) - np.array(box.size) / 2, 0)
    turned = points @ turn
    inside = ((turned >= low) & (turned <= high)).all(axis=1)
    near: Float = points[inside & (np.linalg.norm(beyond[:, :2], axis=1) <= reach)]
    return near


def larger_or_smaller(floor: Floor, cloud: Float, *, larger: bool) -> Float | None:
    """(N, 2) points of an arm of a floor that is an L, else of the largest or smallest room of the
    place whose points (N, 3) were seen; ``None`` where it is one room."""
    if (parts := two_parts(floor)) is not None:
        return parts[0 if larger else 1]
    rooms = rooms_of(cloud)
    return rooms.points(1 if larger else rooms.count) if rooms.count > 1 else None


def two_parts(floor: Floor) -> tuple[Float, Float] | None:
    """The larger and the smaller part (N, 2) of a floor that has two: the arms of an L without
    their common corner. ``None`` where it is no L."""
    rows, columns = np.nonzero(floor.cells)
    if not rows.size:
        return None
    low, high = (rows.min(), columns.min()), (rows.max() + 1, columns.max() + 1)
    whole = floor.cells[low[0] : high[0], low[1] : high[1]]
    best: tuple[float, NDArray[np.bool_], NDArray[np.bool_]] | None = None
    for flip in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        found = _missing_corner(whole[:: flip[0], :: flip[1]])
        if found is not None and (best is None or found[0] > best[0]):
            share, x, y = found
            first, second = np.zeros_like(whole), np.zeros_like(whole)
            first[:: flip[0], :: flip[1]][:x, y:] = True
            second[:: flip[0], :: flip[1]][x:, :y] = True
            best = share, first & whole, second & whole
    if best is None:
        return None
    parts = sorted(best[1:], key=lambda part: -int(part.sum()))
    made = []
    for part in parts:
        cells = np.zeros_like(floor.cells)
        cells[low[0] : high[0], low[1] : high[1]] = part
        made.append(replace(floor, cells=cells).points())
    return made[0], made[1]


def _missing_corner(whole: NDArray[np.bool_]) -> tuple[float, int, int] | None:
    """Where a rectangle at the grid's origin is missing: agreement with an L, and its far corner
    (x, y) in cells."""
    sums = np.pad(whole.astype(np.int64).cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    total, size = int(sums[-1, -1]), whole.size
    best: tuple[float, int, int] | None = None
    width, length = whole.shape
    for x in range(width // 6, 5 * width // 6, _COARSE):
        for y in range(length // 6, 5 * length // 6, _COARSE):
            inside = int(sums[x, y])
            if inside > (1 - _CLEAR) * x * y:
                continue
            wrong = inside + (size - x * y) - (total - inside)
            agreement = 1 - wrong / size
            if agreement >= _CLEAR and (best is None or agreement > best[0]):
                best = agreement, x, y
    return best
