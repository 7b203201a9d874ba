"""Floor plans: rectangular, L-shaped, and two rooms joined by an open doorway.

A plan is a rectilinear, counter-clockwise outline. Every edge is a wall whose room side lies to
its left. Metres, the south-west corner of the bounding box at the origin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float64]
Shape = Literal["rectangle", "l_shape", "two_rooms"]
PARTITION = 18 / 128
DOORWAY_HEIGHT = 2.1


def snap(length: float) -> float:
    """The nearest multiple of 1/128 m: single precision holds it exactly, so planes are exact."""
    return round(length * 128) / 128


@dataclass(frozen=True, slots=True)
class Rect:
    """An axis-aligned rectangle on the floor."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def area(self) -> float:
        """Square metres."""
        return (self.x1 - self.x0) * (self.y1 - self.y0)

    @property
    def centre(self) -> tuple[float, float]:
        """Middle point."""
        return (self.x0 + self.x1) / 2, (self.y0 + self.y1) / 2


@dataclass(frozen=True, slots=True, eq=False)
class Wall:
    """One edge of the outline: unit vectors along it and into the room."""

    index: int
    start: Float
    along: Float
    inward: Float
    length: float
    region: int

    def at(self, offset: float, inside: float = 0.0) -> Float:
        """The floor point (2,) at ``offset`` along the wall and ``inside`` metres into the room."""
        point: Float = self.start + self.along * offset + self.inward * inside
        return point

    @property
    def heading(self) -> float:
        """Yaw of something that stands with its back to this wall, radians."""
        return float(np.arctan2(self.inward[1], self.inward[0]))


@dataclass(frozen=True, slots=True, eq=False)
class FloorPlan:
    """An outline (N, 2) with its height.

    ``regions`` are the rooms; ``cells`` are rectangles that cover the floor once; ``blocks`` cover
    the rest of the bounding box; ``passages`` are doorways with a lintel above them.
    """

    shape: Shape
    outline: Float
    height: float
    regions: tuple[Rect, ...]
    cells: tuple[Rect, ...]
    blocks: tuple[Rect, ...] = ()
    passages: tuple[Rect, ...] = ()

    @property
    def area(self) -> float:
        """Floor area in square metres."""
        return sum(cell.area for cell in self.cells)

    @property
    def extent(self) -> tuple[float, float]:
        """Size of the bounding box."""
        return float(self.outline[:, 0].max()), float(self.outline[:, 1].max())

    def walls(self) -> tuple[Wall, ...]:
        """The walls, one for each edge of the outline."""
        made = []
        for k, start in enumerate(self.outline):
            edge = self.outline[(k + 1) % len(self.outline)] - start
            length = float(np.hypot(*edge))
            along = edge / length
            inward = np.array([-along[1], along[0]])
            middle = start + edge / 2 + inward * 0.02
            made.append(Wall(k, start, along, inward, length, self._region(middle)))
        return tuple(made)

    def _region(self, point: Float) -> int:
        """The room in which a point lies, -1 for a doorway."""
        for k, r in enumerate(self.regions):
            if r.x0 <= point[0] <= r.x1 and r.y0 <= point[1] <= r.y1:
                return k
        return -1 if self.shape == "two_rooms" else 0


def rectangle(area: float, aspect: float, height: float) -> FloorPlan:
    """A rectangular room of ``area`` square metres, ``aspect`` times as long as wide."""
    width, depth = _sides(area, aspect)
    whole = Rect(0.0, 0.0, width, depth)
    outline = np.array([[0, 0], [width, 0], [width, depth], [0, depth]])
    return FloorPlan("rectangle", outline, height, (whole,), (whole,))


def l_shape(area: float, aspect: float, height: float, notch: tuple[float, float]) -> FloorPlan:
    """A room with its north-east corner cut away; ``notch`` are the cut shares of the sides."""
    width, depth = _sides(area / (1 - notch[0] * notch[1]), aspect)
    x, y = snap(width * (1 - notch[0])), snap(depth * (1 - notch[1]))
    outline = np.array([[0, 0], [width, 0], [width, y], [x, y], [x, depth], [0, depth]])
    return FloorPlan(
        "l_shape", outline, height,
        regions=(Rect(0.0, 0.0, width, depth),),
        cells=(Rect(0.0, 0.0, width, y), Rect(0.0, y, x, depth)),
        blocks=(Rect(x, y, width, depth),),
    )  # fmt: skip


def two_rooms(area: float, share: float, height: float, doorway: tuple[float, float]) -> FloorPlan:
    """Two rooms side by side with an open doorway.

    ``share`` is the first room's part of the area; ``doorway`` is (place along the partition as a
    share of what is free, width in metres).
    """
    first, second = area * share, area * (1 - share)
    depth = round(float(np.clip(np.sqrt(area / 1.9), 2.4, 6.0)), 2)
    wa, wb = snap(first / depth), snap(second / depth)
    x1, x2, width = wa, snap(wa + PARTITION), snap(wa + PARTITION + wb)
    d0 = snap(0.1 + (depth - doorway[1] - 0.2) * doorway[0])
    d1 = snap(d0 + doorway[1])
    outline = np.array([
        [0, 0], [x1, 0], [x1, d0], [x2, d0], [x2, 0], [width, 0],
        [width, depth], [x2, depth], [x2, d1], [x1, d1], [x1, depth], [0, depth],
    ])  # fmt: skip
    left, right = Rect(0.0, 0.0, x1, depth), Rect(x2, 0.0, width, depth)
    passage = Rect(x1, d0, x2, d1)
    return FloorPlan(
        "two_rooms", outline, height, (left, right), (left, right, passage),
        blocks=(Rect(x1, 0.0, x2, d0), Rect(x1, d1, x2, depth)), passages=(passage,),
    )  # fmt: skip


def _sides(area: float, aspect: float) -> tuple[float, float]:
    depth = float(np.sqrt(area / aspect))
    return snap(area / depth), snap(depth)
