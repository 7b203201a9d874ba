"""How objects stand to each other: signed slacks in metres, on boxes in a Z-up world.

A relation holds by as many metres as its slack says and fails by as many as it is negative, so
"holds", "does not hold" and "too close to call" follow from one number and a margin, conjunctions
are minima and disjunctions maxima. Sides (left, right, front, behind) depend on who looks and are
told by a view: a direction in the plane of the floor.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from surveyor.core.geometry import Float, OrientedBox
from surveyor.tools.geometry.boxes import box_distance

NEAR, FAR, BESIDE = 1.0, 3.0, 0.5
"""Metres between the closest points: nearer is near, farther is far, nearer and level is beside."""
RESTS = 0.12
"""Metres between a thing's underside and its support's top that still count as lying on it."""
SINKS = 0.1
"""Metres by which something above may reach down below the other's top."""
CORRIDOR = 0.75
"""Metres beside the line from one to the other that are still between them."""


@dataclass(frozen=True)
class BoxedThing:
    """A measured object: its box in metres, Z-up. ``attributes`` holds what was measured besides,
    ``weight`` how well it is supported (of several, the highest is the surest)."""

    handle: str
    category: str
    box: OrientedBox
    attributes: Mapping[str, str] = field(default_factory=dict)
    weight: float = 1.0

    @cached_property
    def center(self) -> Float:
        """(3,) metres."""
        return np.array(self.box.center)

    @cached_property
    def heights(self) -> tuple[float, float]:
        """Lowest and highest point, metres."""
        z = self.box.corners()[:, 2]
        return float(z.min()), float(z.max())

    @cached_property
    def covers(self) -> float:
        """Square metres of its box seen from above: the two edges that lie flattest."""
        flat = np.argsort(np.abs(np.array(self.box.axes)[:, 2]))[:2]
        return float(np.prod(np.array(self.box.size)[flat]))

    def within(self, point: Float) -> float:
        """By how many metres a point (3,) lies within the footprint; negative: beside it."""
        local, half = self.box.to_local(point[None])[0], np.array(self.box.size) / 2
        flat = np.argsort(np.abs(np.array(self.box.axes)[:, 2]))[:2]
        return float((half - np.abs(local))[flat].min())


def slack(relation: str, thing: BoxedThing, other: BoxedThing) -> float:
    """By how many metres ``thing`` stands in ``relation`` to ``other``; `KeyError` for a side."""
    return _SLACKS[relation](thing, other)


def _near(a: BoxedThing, b: BoxedThing) -> float:
    return NEAR - box_distance(a.box, b.box)


def _far(a: BoxedThing, b: BoxedThing) -> float:
    return box_distance(a.box, b.box) - FAR


def _beside(a: BoxedThing, b: BoxedThing) -> float:
    level = min(a.heights[1], b.heights[1]) - max(a.heights[0], b.heights[0])
    return min(BESIDE - box_distance(a.box, b.box), level)


def _on(a: BoxedThing, b: BoxedThing) -> float:
    return min(RESTS - abs(a.heights[0] - b.heights[1]), b.within(a.center))


def _above(a: BoxedThing, b: BoxedThing) -> float:
    return min(a.heights[0] - b.heights[1] + SINKS, max(b.within(a.center), a.within(b.center)))


def _inside(a: BoxedThing, b: BoxedThing) -> float:
    room = np.array(b.box.size) / 2 - np.abs(b.box.to_local(a.center[None])[0])
    smaller = float(np.cbrt(np.prod(b.box.size)) - np.cbrt(np.prod(a.box.size)))
    return min(float(room.min()), smaller)


_SLACKS = {
    "near": _near,
    "far": _far,
    "beside": _beside,
    "on": _on,
    "above": _above,
    "below": lambda a, b: _above(b, a),
    "inside": _inside,
}


def between(thing: BoxedThing, one: BoxedThing, other: BoxedThing) -> float:
    """By how many metres a thing's centre lies in the corridor between two others' centres, seen
    from above."""
    start, end, point = (t.center[:2] for t in (one, other, thing))
    length = float(np.linalg.norm(end - start))
    if length == 0:
        return -float(np.linalg.norm(point - start))
    ahead = (end - start) / length
    along = float((point - start) @ ahead)
    beside = abs(float(ahead[0] * (point - start)[1] - ahead[1] * (point - start)[0]))
    return min(along, length - along, CORRIDOR - beside)


def side(which: str, thing: BoxedThing, anchor: BoxedThing, ahead: Float) -> float:
    """By how many metres a thing's centre lies to a side of an anchor's, for somebody who looks
    along ``ahead`` (2,), a unit vector; front is where ``ahead`` points."""
    offset = (thing.center - anchor.center)[:2]
    left = float(ahead[0] * offset[1] - ahead[1] * offset[0])
    front = float(ahead @ offset)
    return {"left": left, "right": -left, "front": front, "behind": -front}[which]
