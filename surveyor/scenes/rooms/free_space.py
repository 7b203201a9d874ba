"""Where a person or a robot can stand and walk in a room: an occupancy grid from exact boxes."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt

from surveyor.core.geometry import Float, OrientedBox, Vec2
from surveyor.scenes.records import SceneTruth

CELL = 0.05
BODY_RADIUS = 0.2
HEADROOM = 1.6
STEP_OVER = 0.05
REACH = 1.0

Mask = NDArray[np.bool_]


def inside_polygon(points: Float, polygon: tuple[Vec2, ...]) -> Mask:
    """(N,) whether xy points (N, 2) lie inside a simple polygon (even-odd rule)."""
    corners = np.array(polygon, np.float64)
    inside = np.zeros(len(points), bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        crosses = (y0 > points[:, 1]) != (y1 > points[:, 1])
        with np.errstate(divide="ignore", invalid="ignore"):
            x = x0 + (points[:, 1] - y0) * (x1 - x0) / (y1 - y0)
        inside ^= crosses & (points[:, 0] < x)
    return inside


def polygon_area(polygon: tuple[Vec2, ...]) -> float:
    """Signed area in square metres, positive when counter-clockwise."""
    x, y = np.array(polygon, np.float64).T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


class FreeSpace:
    """Cells of 5 cm where a body of 20 cm radius fits, in rooms with known floor polygons."""

    def __init__(self, truth: SceneTruth) -> None:
        corners = np.array([p for room in truth.rooms for p in room], np.float64)
        self._low = corners.min(axis=0) - CELL
        shape = np.ceil((corners.max(axis=0) - self._low) / CELL).astype(int) + 2
        self._shape = (int(shape[0]), int(shape[1]))
        floor = np.zeros(self._shape, bool)
        for room in truth.rooms:
            floor |= inside_polygon(self._centres, room).reshape(self._shape)
        for item in truth.objects:
            if self._blocks(item.box):
                floor &= ~self._footprint(item.box)
        self.free: Mask = distance_transform_edt(floor) * CELL > BODY_RADIUS

    @cached_property
    def _centres(self) -> Float:
        indices = np.indices(self._shape).reshape(2, -1).T
        centres: Float = self._low + (indices + 0.5) * CELL
        return centres

    @staticmethod
    def _blocks(box: OrientedBox) -> bool:
        z = box.corners()[:, 2]
        return bool(z.max() > STEP_OVER and z.min() < HEADROOM)

    def _footprint(self, box: OrientedBox) -> Mask:
        columns = np.column_stack([self._centres, np.full(len(self._centres), box.center[2])])
        return box.contains(columns, margin=CELL / 2).reshape(self._shape)

    def cell(self, point: Float) -> tuple[int, int]:
        """Grid cell of an xy point."""
        i, j = np.floor((np.asarray(point)[:2] - self._low) / CELL).astype(int)
        return int(i), int(j)

    def stand_point(self, box: OrientedBox) -> Float | None:
        """The free xy point nearest to a box, or ``None`` when none lies within reach (1 m)."""
        free = self._centres[self.free.ravel()]
        if not len(free):
            return None
        columns = np.column_stack([free, np.full(len(free), box.center[2])])
        beyond = np.maximum(np.abs(box.to_local(columns)) - np.array(box.size) / 2, 0)
        distance = np.linalg.norm(beyond, axis=1)
        best = int(distance.argmin())
        if distance[best] > REACH:
            return None
        point: Float = free[best]
        return point

    def walkable(self, start: Float, end: Float) -> bool:
        """Whether the straight line between two xy points stays in free cells."""
        steps = max(2, int(np.ceil(np.linalg.norm(end - start) / (CELL / 2))))
        along = start + np.linspace(0, 1, steps)[:, None] * (end - start)
        cells = np.floor((along - self._low) / CELL).astype(int)
        inside = (cells >= 0).all(axis=1) & (cells < self._shape).all(axis=1)
        return bool(inside.all() and self.free[cells[:, 0], cells[:, 1]].all())
