"""Floor plans: rectangular, L-shaped, two rooms joined by an open doorway, rooms on a corridor.

A plan is a rectilinear, counter-clockwise outline. Every edge is a wall whose room side lies to
its left. Metres, the south-west corner of the bounding box at the origin.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
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

    shape: Shape | Literal["corridor"]
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
        return -1 if self.passages else 0


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


def on_corridor(
    south: Sequence[float],
    north: Sequence[float],
    depths: tuple[float, float, float],
    doors: Sequence[tuple[float, float]],
    height: float,
) -> FloorPlan:
    """Rooms on both sides of a corridor that runs along x, each with an open doorway to it.

    ``south`` and ``north`` are the rooms' widths: the longer side gives the corridor's length and
    the other is stretched to it. ``depths`` are those of the south rooms, the corridor and the
    north rooms. ``doors`` are a (place as a share of what is free, width) for each room, south
    first. Region 0 is the corridor.
    """
    deep, wide, far = (snap(d) for d in depths)
    y0, y1 = deep + PARTITION, deep + PARTITION + wide
    length = max(sum(map(snap, row)) + PARTITION * (len(row) - 1) for row in (south, north))
    below = _row(south, length, 0.0, deep)
    above = _row(north, length, y1 + PARTITION, y1 + PARTITION + far)
    gates = [
        _gate(room, door, *((y0 - PARTITION, y0) if k < len(below) else (y1, y1 + PARTITION)))
        for k, (room, door) in enumerate(zip((*below, *above), doors, strict=True))
    ]
    lower, upper = gates[: len(below)], gates[len(below) :]
    there = [p for room, gate in zip(below, lower, strict=True) for p in _around(room, gate, y0)]
    back = [p for room, gate in zip(above, upper, strict=True) for p in _around(room, gate, y1)]
    outline = np.array([(0.0, y0), *there, (length, y0), (length, y1), *back[::-1], (0.0, y1)])
    rooms = (Rect(0.0, y0, length, y1), *below, *above)
    blocks = [*_gaps(below), *_gaps(above)]
    blocks += [
        b for row, y in ((lower, y0 - PARTITION), (upper, y1)) for b in _wall(row, length, y)
    ]
    return FloorPlan(
        "corridor", outline, height, rooms, (*rooms, *gates), tuple(blocks), tuple(gates)
    )


def _row(widths: Sequence[float], length: float, y0: float, y1: float) -> tuple[Rect, ...]:
    """Rooms side by side, stretched to fill the length."""
    free = length - PARTITION * (len(widths) - 1)
    sides = [snap(w * free / sum(widths)) for w in widths]
    sides[-1] = free - sum(sides[:-1])
    starts = [0.0, *accumulate(w + PARTITION for w in sides[:-1])]
    return tuple(Rect(x, y0, x + w, y1) for x, w in zip(starts, sides, strict=True))


def _gate(room: Rect, door: tuple[float, float], y0: float, y1: float) -> Rect:
    x = snap(room.x0 + 0.1 + (room.x1 - room.x0 - door[1] - 0.2) * door[0])
    return Rect(x, y0, snap(x + door[1]), y1)


def _around(room: Rect, gate: Rect, corridor: float) -> list[tuple[float, float]]:
    """Corners of a room on the way along the corridor's wall, counter-clockwise south of it."""
    near, far = (room.y1, room.y0) if room.y1 < corridor else (room.y0, room.y1)
    return [
        (gate.x0, corridor), (gate.x0, near), (room.x0, near), (room.x0, far),
        (room.x1, far), (room.x1, near), (gate.x1, near), (gate.x1, corridor),
    ]  # fmt: skip


def _gaps(row: Sequence[Rect]) -> Iterator[Rect]:
    """The partitions between rooms."""
    for a, b in pairwise(row):
        yield Rect(a.x1, a.y0, b.x0, a.y1)


def _wall(gates: Sequence[Rect], length: float, y: float) -> Iterator[Rect]:
    """The corridor's wall between its doorways."""
    ends = [0.0, *(x for gate in gates for x in (gate.x0, gate.x1)), length]
    for x0, x1 in zip(ends[::2], ends[1::2], strict=True):
        yield Rect(x0, y, x1, y + PARTITION)


def _sides(area: float, aspect: float) -> tuple[float, float]:
    depth = float(np.sqrt(area / aspect))
    return snap(area / depth), snap(depth)
