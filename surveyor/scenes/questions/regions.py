"""Regions of a place that people name: parts of the floor, and the floor around one thing.

A region is a set of floor points 5 cm apart, so its middle and the share of it that lies in some
direction are exact to the grid. Parts follow from the outline alone: the two arms of an L-shaped
room, the two rooms on either side of a doorway. The others are all floor within a metre of an
object, and their names say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from surveyor.core.geometry import Float, OrientedBox, Vec2
from surveyor.scenes.records import SceneTruth
from surveyor.scenes.rooms.free_space import inside_polygon, polygon_area

STEP = 0.05
AROUND = 1.0
CLEARLY_LARGER = 1.2
Polygon = tuple[Vec2, ...]

AROUND_WHAT: Mapping[str, str] = {
    "bathtub": "bathing area",
    "bed": "sleeping area",
    "bookshelf": "reading corner",
    "door": "entrance",
    "fireplace": "fireside",
    "piano": "music corner",
    "refrigerator": "kitchen area",
    "sofa": "sitting area",
    "washing machine": "laundry area",
    "whiteboard": "presentation area",
    "window": "window area",
}


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """A named part of the floor.

    ``text`` is how a question speaks of it, ``points`` (N, 2) its floor in world metres.
    ``anchor`` is the category of the one object that it lies around, or ``None``.
    """

    name: str
    text: str
    points: Float
    anchor: str | None = None

    @property
    def middle(self) -> Float:
        """(2,) mean of the floor points."""
        mean: Float = self.points.mean(axis=0)
        return mean


def regions_of(truth: SceneTruth, unique: Mapping[str, int]) -> Iterator[Region]:
    """Every region of a scene with floor polygons.

    ``unique`` maps categories of which there is one to indices of the truth's objects; regions
    around other things would be ambiguous.
    """
    if not truth.rooms:
        return
    floor = _grid(truth.rooms)
    for name, text, polygon in _parts(truth.rooms):
        yield Region(name, text, floor[inside_polygon(floor, polygon)])
    for category, name in AROUND_WHAT.items():
        if category in unique:
            near = floor[_distance(truth.objects[unique[category]].box, floor) <= AROUND]
            text = f"the {name} (the floor within {AROUND:g} m of the {category})"
            if len(near):
                yield Region(name, text, near, category)


def _grid(rooms: tuple[Polygon, ...]) -> Float:
    """(N, 2) floor points at the middles of 5 cm cells."""
    corners = np.array([point for room in rooms for point in room], np.float64)
    low, high = corners.min(axis=0), corners.max(axis=0)
    axes = [np.arange(a + STEP / 2, b, STEP) for a, b in zip(low, high, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)
    inside = np.zeros(len(points), bool)
    for room in rooms:
        inside |= inside_polygon(points, room)
    kept: Float = points[inside]
    return kept


def _distance(box: OrientedBox, points: Float) -> Float:
    """(N,) metres from floor points to the footprint of an upright box."""
    columns = np.column_stack([points, np.full(len(points), box.center[2])])
    beyond = np.maximum(np.abs(box.to_local(columns)) - np.array(box.size) / 2, 0)
    metres: Float = np.linalg.norm(beyond, axis=1)
    return metres


def _parts(rooms: tuple[Polygon, ...]) -> Iterator[tuple[str, str, Polygon]]:
    """The larger and the smaller part where a place clearly has two."""
    if len(rooms) != 1:
        return
    found = arms(rooms[0]) or chambers(rooms[0])
    if found is None:
        return
    noun = ("arm", " of this L-shaped room") if arms(rooms[0]) else ("room", " of the two rooms")
    small, large = sorted(found, key=lambda part: abs(polygon_area(part)))
    if abs(polygon_area(large)) < CLEARLY_LARGER * abs(polygon_area(small)):
        return
    for word, part in (("larger", large), ("smaller", small)):
        name = f"{word} {noun[0]}"
        yield name, f"the {word} {noun[0]}{noun[1]}" if noun[0] == "arm" else f"the {name}", part


def arms(outline: Polygon) -> tuple[Polygon, Polygon] | None:
    """What an L-shaped outline has on either side of its inner corner, without what they share."""
    inner = _reflex(outline)
    if len(outline) != 6 or len(inner) != 1:
        return None
    (x, y), (low, high) = inner[0], _extent(outline)
    missing = next(
        (a, b) for a in (low[0], high[0]) for b in (low[1], high[1]) if (a, b) not in outline
    )
    across = high[0] if missing[0] == low[0] else low[0]
    along = high[1] if missing[1] == low[1] else low[1]
    return _rectangle((missing[0], along), (x, y)), _rectangle((across, missing[1]), (x, y))


def chambers(outline: Polygon) -> tuple[Polygon, Polygon] | None:
    """The two rooms of an outline that are joined by one doorway along x."""
    inner = _reflex(outline)
    if len(outline) != 12 or len(inner) != 4:
        return None
    (x0, y0), (x1, y1) = _extent(tuple(inner))
    low, high = _extent(outline)
    west, east = _rectangle(low, (x0, high[1])), _rectangle((x1, low[1]), high)
    doorway = (x1 - x0) * (y1 - y0)
    whole = abs(polygon_area(west)) + abs(polygon_area(east)) + doorway
    return (west, east) if np.isclose(whole, abs(polygon_area(outline))) else None


def _reflex(outline: Polygon) -> list[Vec2]:
    """Corners at which a counter-clockwise outline turns right."""
    corners = np.array(outline, np.float64)
    before, after = corners - np.roll(corners, 1, axis=0), np.roll(corners, -1, axis=0) - corners
    turn = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    return [point for point, t in zip(outline, turn, strict=True) if t < 0]


def _extent(outline: Polygon) -> tuple[Vec2, Vec2]:
    x, y = zip(*outline, strict=True)
    return (min(x), min(y)), (max(x), max(y))


def _rectangle(a: Vec2, b: Vec2) -> Polygon:
    (x0, x1), (y0, y1) = sorted((a[0], b[0])), sorted((a[1], b[1]))
    return (x0, y0), (x1, y0), (x1, y1), (x0, y1)
