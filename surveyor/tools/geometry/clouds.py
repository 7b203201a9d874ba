"""Point clouds: thinning, dropping strays, closest points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from surveyor.core.geometry import Float

_DIRECTIONS = np.array(
    [(np.cos(a), np.sin(a), 0.0) for a in np.linspace(0, 2 * np.pi, 16, endpoint=False)]
    + [(0.0, 0.0, 1.0), (0.0, 0.0, -1.0)]
)


def thin(points: Float, voxel: float) -> NDArray[np.intp]:
    """Indices of one point per occupied voxel of ``voxel`` metres, extremes always kept.

    The farthest points in 18 directions stay, so that thinning never shortens a size.
    """
    if not len(points):
        return np.zeros(0, np.intp)
    cells = np.floor((points - points.min(axis=0)) / voxel).astype(np.int64)
    spans = cells.max(axis=0) + 1
    keys = (cells[:, 0] * spans[1] + cells[:, 1]) * spans[2] + cells[:, 2]
    _, first = np.unique(keys, return_index=True)
    return np.union1d(first, _extremes(points))


def sample(points: Float, most: int) -> NDArray[np.intp]:
    """Indices of about ``most`` points, evenly by position in the list, extremes always kept.

    For points that come row by row from an image this is even over the image, at a hundredth of
    the price of `thin`.
    """
    if len(points) <= most:
        return np.arange(len(points))
    even = np.linspace(0, len(points) - 1, most).astype(np.intp)
    return np.union1d(even, _extremes(points))


def _extremes(points: Float) -> NDArray[np.intp]:
    farthest: NDArray[np.intp] = (_DIRECTIONS @ points.T).argmax(axis=1)
    return farthest


def main_part(points: Float, gap: float = 0.12, share: float = 0.1) -> NDArray[np.bool_]:
    """(N,) which points belong to a sizeable connected part.

    Parts are separated by empty space of about ``gap`` metres; those with less than ``share`` of
    the points of the largest are strays: background through a mask's edge, or a bad depth.
    """
    if len(points) < 8:
        return np.ones(len(points), np.bool_)
    cells = np.floor((points - points.min(axis=0)) / gap).astype(np.int64)
    shape = cells.max(axis=0) + 1
    if int(np.prod(shape)) > 8_000_000:  # a single far outlier: coarsen instead of allocating
        return main_part(points, gap * 2, share)
    grid = np.zeros(shape, np.bool_)
    grid[tuple(cells.T)] = True
    labels, _ = ndimage.label(grid, structure=np.ones((3, 3, 3)))
    part = labels[tuple(cells.T)]
    counts = np.bincount(part)
    kept: NDArray[np.bool_] = counts[part] >= share * counts.max()
    return kept
