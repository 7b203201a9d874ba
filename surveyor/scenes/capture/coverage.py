"""Marks on the floor plan, by which a camera trajectory can tell what of a room it has seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from surveyor.scenes.rooms.free_space import inside_polygon
from surveyor.scenes.rooms.layout.floor_plan import FloorPlan, Rect

Float = NDArray[np.float64]
WALL_STEP, WALL_REACH = 0.2, 0.11
FLOOR_STEP, FLOOR_REACH = 0.3, 0.15
CELL = 0.05
PAD = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """``marks`` (M, 2): the corners, points along the walls, and points all over the floor.

    A mark is seen when anything above it is, furniture or wall or ceiling. ``wall`` and ``corner``
    (M,) tell of what kind it is. ``grid`` holds for cells of ``CELL`` metres their mark, or -1.
    """

    marks: Float
    wall: NDArray[np.bool_]
    corner: NDArray[np.bool_]
    grid: NDArray[np.int16]

    @classmethod
    def of(cls, plan: FloorPlan) -> Outline:
        """A plan, marked."""
        edge, corner = [], []
        for wall in plan.walls():
            count = max(1, round(wall.length / WALL_STEP))
            edge += [wall.at(wall.length * k / count) for k in range(count)]
            corner += [k == 0 for k in range(count)]
        floor = np.concatenate([_inside(cell) for cell in plan.cells])
        return cls._marked(np.array(edge), np.array(corner), floor, np.array(plan.extent))

    @classmethod
    def of_rect(cls, rect: Rect, extent: tuple[float, float]) -> Outline:
        """One rectangular room of a place whose bounding box is ``extent`` metres, marked."""
        corners = np.array(
            [[rect.x0, rect.y0], [rect.x1, rect.y0], [rect.x1, rect.y1], [rect.x0, rect.y1]]
        )
        walls, corner = _along(corners)
        return cls._marked(walls, corner, _inside(rect), np.array(extent))

    @classmethod
    def of_polygon(cls, polygon: Float) -> Outline:
        """An outline (N, 2) whose smallest x and y are 0, marked."""
        walls, corner = _along(polygon)
        extent = polygon.max(axis=0)
        floor = _inside(Rect(0.0, 0.0, float(extent[0]), float(extent[1])))
        corners = tuple((float(x), float(y)) for x, y in polygon)
        apart = cKDTree(walls).query(floor)[0] if len(floor) else np.zeros(0)
        floor = floor[inside_polygon(floor, corners) & (apart > FLOOR_REACH)]
        return cls._marked(walls, corner, floor, extent)

    @classmethod
    def _marked(
        cls, walls: Float, corner: NDArray[np.bool_], floor: Float, extent: Float
    ) -> Outline:
        shape = np.ceil((extent + 2 * PAD) / CELL).astype(int)
        centres = (np.indices(tuple(shape)).reshape(2, -1).T + 0.5) * CELL - PAD
        at_wall, at_floor = _nearest(centres, walls, WALL_REACH), -np.ones(len(centres), int)
        if len(floor):
            at_floor = _nearest(centres, floor, FLOOR_REACH, square=True)
            at_floor[at_floor >= 0] += len(walls)
        found = np.where(at_wall >= 0, at_wall, at_floor).reshape(tuple(shape))
        beside = np.zeros(len(floor), bool)
        return cls(
            np.concatenate([walls, floor]),
            np.concatenate([np.ones(len(walls), bool), beside]),
            np.concatenate([corner, beside]),
            found.astype(np.int16),
        )

    def mark_at(self, points: NDArray[np.floating]) -> NDArray[np.int16]:
        """(N,) the mark near each floor point (N, 2), or -1."""
        x, y = np.floor((points + PAD) / CELL).T
        width, depth = self.grid.shape
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < depth)
        found = np.full(len(points), -1, np.int16)
        found[inside] = self.grid[x[inside].astype(np.intp), y[inside].astype(np.intp)]
        return found


def _along(polygon: Float) -> tuple[Float, NDArray[np.bool_]]:
    """Points (N, 2) along the sides of a polygon, and which of them are corners."""
    edge, corner = [], []
    for start, end in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        count = max(1, round(float(np.linalg.norm(end - start)) / WALL_STEP))
        edge += [start + (end - start) * k / count for k in range(count)]
        corner += [k == 0 for k in range(count)]
    return np.array(edge), np.array(corner)


def _inside(r: Rect) -> Float:
    """Points of a rectangle that are clear of its sides."""
    x, y = (
        np.arange(low + FLOOR_STEP, high - 0.75 * FLOOR_STEP, FLOOR_STEP)
        for low, high in ((r.x0, r.x1), (r.y0, r.y1))
    )
    return np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)


def _nearest(places: Float, marks: Float, reach: float, square: bool = False) -> NDArray[np.intp]:
    """(N,) the mark nearest to each place, -1 where none is within reach."""
    norm = np.inf if square else 2
    apart, nearest = cKDTree(marks).query(places, p=norm, distance_upper_bound=reach + 1e-9)
    found: NDArray[np.intp] = np.where(np.isfinite(apart), nearest, -1)
    return found
