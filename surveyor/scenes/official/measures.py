"""VSI-Bench's published ground-truth rules: distances between boxes and the area of a room.

Source: Thinking in Space (arXiv 2412.14171) appendix B.1 and its released metadata. Lengths in
metres, areas in square metres. Directions live in `surveyor.scenes.official.directions`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import lsq_linear
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import Delaunay, cKDTree

from surveyor.core.geometry import Float, OrientedBox

GRID_STEP = 0.05
ALPHA = 5.0
MIN_ASKED_DISTANCE = 0.2
LARGE_ROOM_AREA = 40.0
NEAR_LIMIT = 0.15
DIRECTION_RANGE = (0.30, 5.0)


class BoxGrid:
    """The point set that stands for a box: a regular grid whose inner half is removed.

    ``ceil(L / step)`` samples from ``-L/2`` to ``L/2`` along each axis; a point stays when it is
    further than ``L/4`` from the centre along any axis. An edge shorter than one step has the one
    sample at ``-L/2``, as published.
    """

    def __init__(self, box: OrientedBox, step: float = GRID_STEP) -> None:
        self.box = box
        self._size = np.array(box.size, np.float64)
        self._counts = np.maximum(np.ceil(self._size / step), 1).astype(int)
        spans = np.maximum(self._counts - 1, 1)
        self._steps = np.where(self._counts > 1, self._size / spans, 1.0)

    @cached_property
    def points(self) -> Float:
        """(N, 3) world points of the set."""
        return self._world(self._local_points(surface=False))

    @cached_property
    def surface(self) -> Float:
        """(M, 3) world points of the set that lie on the box's faces."""
        return self._world(self._local_points(surface=True))

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self.points)

    def _local_points(self, *, surface: bool) -> Float:
        indices = np.indices(tuple(self._counts)).reshape(3, -1).T
        local = indices * self._steps - self._size / 2
        if surface:
            x, y, z = ((indices == 0) | (indices == self._counts - 1)).T
        else:
            x, y, z = (np.abs(local) > self._size / 4).T
        kept: Float = local[x | y | z]
        return kept

    def _world(self, local: Float) -> Float:
        world: Float = local @ np.array(self.box.axes) + np.array(self.box.center)
        return world

    def nearest(self, points: Float) -> Float:
        """(N,) distance from each world point to the nearest point of the set.

        Rounding to the grid finds it directly; only where that lands in the removed inner half is
        a search tree needed.
        """
        local = self.box.to_local(points)
        index = np.clip(np.rint((local + self._size / 2) / self._steps), 0, self._counts - 1)
        candidate = index * self._steps - self._size / 2
        distance: Float = np.linalg.norm(local - candidate, axis=1)
        x, y, z = (np.abs(candidate) <= self._size / 4).T
        removed = x & y & z
        if removed.any():
            distance[removed] = self._tree.query(points[removed])[0]
        return distance


def grid_distance(a: BoxGrid, b: BoxGrid) -> float:
    """Smallest distance between the two point sets, metres.

    Outside a box its nearest point is always on its surface, so only surface points need be asked
    unless the boxes overlap.
    """
    few, many = sorted((a, b), key=lambda grid: int(np.prod(grid.box.size)))
    distance = float(many.nearest(few.surface).min())
    reach = np.linalg.norm(few.box.size) + np.linalg.norm(many.box.size)
    near = np.linalg.norm(np.subtract(few.box.center, many.box.center)) <= reach / 2
    if distance < 2 * GRID_STEP or (near and many.box.contains(few.surface).any()):
        distance = min(distance, float(many.nearest(few.points).min()))
        distance = min(distance, float(few.nearest(many.points).min()))
    return distance


def exact_box_distance(a: OrientedBox, b: OrientedBox) -> float:
    """Distance between two solid boxes, metres; 0 when they touch or overlap.

    Minimises ``|p - q|`` over p in a and q in b: a bounded linear least-squares problem, solved by
    an active-set method, because an interior one stalls where faces are parallel.
    """
    matrix = np.hstack([np.array(a.axes).T, -np.array(b.axes).T])
    offset = np.array(b.center) - np.array(a.center)
    half = np.concatenate([np.array(a.size), np.array(b.size)]) / 2
    solution = lsq_linear(matrix, offset, (-half - 1e-12, half + 1e-12), "bvls", tol=1e-14)
    return float(np.linalg.norm(matrix @ solution.x - offset))


class BoxDistances:
    """Distances among the boxes of one scene by the official point sets, each computed once."""

    def __init__(self, boxes: Sequence[OrientedBox]) -> None:
        self._grids = [BoxGrid(box) for box in boxes]
        self._known: dict[tuple[int, int], float] = {}

    def between(self, i: int, j: int) -> float:
        """Metres between box ``i`` and box ``j`` (indices into the boxes given)."""
        key = (min(i, j), max(i, j))
        if key not in self._known:
            self._known[key] = grid_distance(self._grids[key[0]], self._grids[key[1]])
        return self._known[key]

    def closest(self, i: int, others: Sequence[int]) -> float:
        """Metres from box ``i`` to the nearest of ``others``: how a category is measured."""
        return min(self.between(i, j) for j in others)


def near_gap(room_area: float) -> float:
    """How much two candidate distances must differ to be comparable, metres."""
    return 0.30 if room_area > LARGE_ROOM_AREA else NEAR_LIMIT


@dataclass(frozen=True, slots=True)
class NearestGap:
    """Which candidate is nearest, and the smallest gap between any two candidates, metres."""

    index: int
    gap: float


def unambiguous_nearest(distances: Sequence[float], room_area: float) -> NearestGap | None:
    """The nearest candidate, or ``None`` where the official rules call the question ambiguous."""
    order = np.sort(np.asarray(distances, np.float64))
    gap = float(np.diff(order).min())
    if order[0] < NEAR_LIMIT or gap <= near_gap(room_area):
        return None
    return NearestGap(index=int(np.argmin(distances)), gap=gap)


def longest_cm(box: OrientedBox) -> int:
    """The longest edge, in whole centimetres."""
    return round(100 * max(box.size))


def alpha_shape_area(points: Float, alpha: float = ALPHA) -> float:
    """Area of the alpha shape of xy points (N, 2), square metres.

    The union of Delaunay triangles with a circumradius below ``1/alpha``; holes that the outside
    cannot reach count as inside, as in the polygon made of the shape's outer edges. Returns 0 for
    fewer than three points or points on one line.
    """
    if len(points) < 3 or np.linalg.matrix_rank(points - points.mean(axis=0)) < 2:
        return 0.0
    triangulation = Delaunay(points)
    corners = points[triangulation.simplices]
    sides = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
    u, v = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    area = np.abs(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]) / 2
    solid = sides.prod(axis=1) < 4 * area / alpha
    return float(area[~_outside(triangulation.neighbors, solid)].sum())


def _outside(neighbours: NDArray[np.int32], solid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(T,) triangles that are neither solid nor enclosed by solid ones."""
    n = len(solid)
    beyond = np.where(neighbours < 0, n, neighbours)
    source = np.repeat(np.arange(n), 3)
    target = beyond.ravel()
    open_ = np.append(~solid, True)
    passable = open_[source] & open_[target]
    edges = (np.ones(int(passable.sum())), (source[passable], target[passable]))
    _, label = connected_components(coo_matrix(edges, shape=(n + 1, n + 1)), directed=False)
    outside: NDArray[np.bool_] = (label[:n] == label[n]) & ~solid
    return outside
