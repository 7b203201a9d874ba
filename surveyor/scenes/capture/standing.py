"""Where a person with a camera can stand: the reachable free floor of a room."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from surveyor.scenes.rooms.layout.footprints import Footprint
from surveyor.scenes.rooms.room import Room

Float = NDArray[np.float64]
STEP = 0.1
BODY = 0.2
WALL = 0.28
HEAD = 1.9


@dataclass(frozen=True, slots=True, eq=False)
class StandableFloor:
    """The largest connected free region on a grid of ``STEP`` metres."""

    mask: NDArray[np.bool_]
    points: Float

    def clear(self, points: Float) -> NDArray[np.bool_]:
        """(N,) whether floor points (N, 2) lie on free cells."""
        cell = np.floor(points / STEP).astype(int)
        inside = ((cell >= 0) & (cell < self.mask.shape)).all(axis=1)
        clear = np.zeros(len(points), bool)
        clear[inside] = self.mask[cell[inside, 0], cell[inside, 1]]
        return clear

    def passable(self, start: Float, end: Float) -> bool:
        """Whether the straight line between two floor points stays free."""
        steps = max(2, int(np.hypot(*(end - start)) / (STEP / 2)))
        return bool(self.clear(np.linspace(start, end, steps)).all())


def free_space(room: Room) -> StandableFloor:
    """Grid cells where a person can stand, clear of walls and furniture, and get to."""
    width, depth = room.plan.extent
    nx, ny = int(np.ceil(width / STEP)), int(np.ceil(depth / STEP))
    x, y = np.meshgrid((np.arange(nx) + 0.5) * STEP, (np.arange(ny) + 0.5) * STEP, indexing="ij")
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    free = (points > WALL).all(axis=1) & (points < (width - WALL, depth - WALL)).all(axis=1)
    for r in room.plan.blocks:
        free &= ~Footprint.of(r).grown(WALL).contains(points)
    for q in room.placed:
        if q.footprint.z0 < HEAD and q.model.category != "rug":
            free &= ~q.footprint.grown(BODY).contains(points)
    labels, count = ndimage.label(free.reshape(nx, ny))
    if count == 0:
        return StandableFloor(np.zeros((nx, ny), bool), np.zeros((0, 2)))
    largest = 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
    mask = labels == largest
    return StandableFloor(mask, points[mask.ravel()])
