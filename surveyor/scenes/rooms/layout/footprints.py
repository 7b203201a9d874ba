"""Where things may stand: footprints with heights, tested for overlap by separating axes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveyor.scenes.rooms.layout.floor_plan import FloorPlan, Rect

Float = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Footprint:
    """An upright box: centre, half sizes and yaw on the floor, and a height interval."""

    x: float
    y: float
    half_x: float
    half_y: float
    yaw: float
    z0: float
    z1: float

    @classmethod
    def of(cls, r: Rect, z0: float = -1.0, z1: float = 10.0) -> Footprint:
        """The footprint of an axis-aligned rectangle."""
        cx, cy = r.centre
        return cls(cx, cy, (r.x1 - r.x0) / 2, (r.y1 - r.y0) / 2, 0.0, z0, z1)

    def grown(self, margin: float) -> Footprint:
        """The same footprint, larger by ``margin`` on every side of the floor plan."""
        return Footprint(
            self.x, self.y, self.half_x + margin, self.half_y + margin, self.yaw, self.z0, self.z1
        )

    def axes(self) -> Float:
        """(2, 2) unit vectors of its sides, as rows."""
        c, s = np.cos(self.yaw), np.sin(self.yaw)
        return np.array([[c, s], [-s, c]])

    def corners(self) -> Float:
        """(4, 2) corners, counter-clockwise."""
        signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]])
        corners: Float = signs * (self.half_x, self.half_y) @ self.axes() + (self.x, self.y)
        return corners

    def contains(self, points: Float) -> NDArray[np.bool_]:
        """(N,) whether floor points (N, 2) lie within it."""
        local = (points - (self.x, self.y)) @ self.axes().T
        x, y = (np.abs(local) <= (self.half_x, self.half_y)).T
        inside: NDArray[np.bool_] = x & y
        return inside


def overlap(a: Footprint, b: Footprint) -> bool:
    """Whether two footprints share volume; touching is not overlapping."""
    if a.z1 <= b.z0 + 1e-6 or b.z1 <= a.z0 + 1e-6:
        return False
    if np.hypot(a.x - b.x, a.y - b.y) >= np.hypot(a.half_x, a.half_y) + np.hypot(
        b.half_x, b.half_y
    ):
        return False
    shift = np.array([b.x - a.x, b.y - a.y])
    axes_a, axes_b = a.axes(), b.axes()
    half_a = np.array([a.half_x, a.half_y])
    half_b = np.array([b.half_x, b.half_y])
    cross = np.abs(axes_a @ axes_b.T)
    reach_a = half_a + cross @ half_b
    reach_b = half_b + cross.T @ half_a
    gap_a = bool((np.abs(axes_a @ shift) >= reach_a - 1e-6).any())
    gap_b = bool((np.abs(axes_b @ shift) >= reach_b - 1e-6).any())
    return not (gap_a or gap_b)


class Space:
    """What is taken so far in a room: solid things, and the free zones that some need."""

    def __init__(self, plan: FloorPlan) -> None:
        self.plan = plan
        self.solids: list[Footprint] = []
        self.zones: list[Footprint] = []
        self._blocks = [Footprint.of(r) for r in plan.blocks]
        # Nothing may stand in a doorway, nor right before it.
        for r in plan.passages:
            dx, dy = (0.55, 0.0) if r.x1 - r.x0 < r.y1 - r.y0 else (0.0, 0.55)
            zone = Rect(r.x0 - dx, r.y0 - dy, r.x1 + dx, r.y1 + dy)
            self.zones.append(Footprint.of(zone, 0.0, 2.1))

    def inside(self, f: Footprint) -> bool:
        """Whether a footprint lies within the outline."""
        corners = f.corners()
        width, depth = self.plan.extent
        low, high = corners.min(axis=0), corners.max(axis=0)
        if low.min() < -1e-6 or high[0] > width + 1e-6 or high[1] > depth + 1e-6:
            return False
        return not any(overlap(f, block) for block in self._blocks)

    def free(self, f: Footprint, margin: float, ignore: Footprint | None = None) -> bool:
        """Whether a solid may go there, ``margin`` metres clear of other solids."""
        if f.z1 > self.plan.height + 1e-6 or not self.inside(f):
            return False
        wide = f.grown(margin)
        if any(overlap(wide, other) for other in self.solids if other is not ignore):
            return False
        return not any(overlap(f, zone) for zone in self.zones)

    def open(self, zone: Footprint) -> bool:
        """Whether a zone that must stay free is free of solids."""
        return self.inside(zone) and not any(overlap(zone, other) for other in self.solids)
