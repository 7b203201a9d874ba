"""Doors, windows and what belongs to them: curtains and radiators; ceiling lights."""

from __future__ import annotations

import numpy as np

from surveyor.scenes.rooms.catalog.decor import ceiling_light, curtain, radiator
from surveyor.scenes.rooms.catalog.openings import WINDOW_RECESS, door, window
from surveyor.scenes.rooms.layout.builder import Builder, PlacedModel
from surveyor.scenes.rooms.layout.floor_plan import Wall
from surveyor.scenes.rooms.layout.footprints import Footprint
from surveyor.scenes.rooms.layout.shell import Hole

WINDOW_BOTTOM, DOOR_REACH = 0.88, 0.85
WINDOW_WIDTHS = (0.65, 2.8)
"""5th and 95th percentile, about, of the windows in the scans behind VSI-Bench."""


def place_openings(b: Builder) -> tuple[list[Hole], list[tuple[int, float, float]]]:
    """Put doors and windows into a region's walls; returns window holes and door gaps."""
    gaps: list[tuple[int, float, float]] = []
    holes: list[Hole] = []
    outer = [w for w in b.own_walls(1.3) if not _is_partition(b, w)]
    if b.region == 0 or b.chance(0.4):
        gaps += _door(b, outer)
    taken = {index for index, _, _ in gaps}
    bright = [w for w in outer if w.index not in taken and w.length > 1.9]
    for wall in bright[: 1 + b.chance(0.35)]:
        hole = _window(b, wall)
        if hole:
            holes.append(hole)
    for x, y in _light_places(b):
        model = b.make(ceiling_light)
        if model:
            b.put(model, (x, y), 0.0, b.plan.height - model.size[2])
    return holes, gaps


def _is_partition(b: Builder, wall: Wall) -> bool:
    """Whether there is another room behind this wall."""
    behind = wall.at(wall.length / 2, -0.3)
    return any(
        c.x0 - 0.2 < behind[0] < c.x1 + 0.2 and c.y0 < behind[1] < c.y1 for c in b.plan.cells
    )


def _door(b: Builder, walls: list[Wall]) -> list[tuple[int, float, float]]:
    tallest = min(b.plan.height - 0.1, 2.45)
    width, height = b.rng.uniform(0.8, 1.1), b.rng.uniform(1.97, tallest)
    model = b.make(lambda p: door(p, width, height))
    if model is None:
        return []
    for wall in walls:
        low, high = width / 2 + 0.12, wall.length - width / 2 - 0.12
        for share in (0.0, 1.0, 0.5) if b.chance(0.5) else (1.0, 0.0, 0.5):
            offset = low + (high - low) * share
            spot = wall.at(offset, model.size[0] / 2 + 0.001)
            if b.put(model, spot, wall.heading, reach=DOOR_REACH, wall=wall):
                return [(wall.index, offset, width)]
    return []


def _window(b: Builder, wall: Wall) -> Hole | None:
    width = min(float(np.exp(b.rng.uniform(*np.log(WINDOW_WIDTHS)))), wall.length - 1.0)
    height = min(b.rng.uniform(0.6, 1.4), b.plan.height - WINDOW_BOTTOM - 0.3)
    model = b.make(lambda p: window(p, width, height))
    if model is None:
        return None
    spare = (wall.length - width) / 2 - 0.45
    offset = wall.length / 2 + b.rng.uniform(-1, 1) * min(spare, 0.4)
    depth = model.size[0]
    centre = wall.at(offset, -WINDOW_RECESS + depth / 2)
    spot = Footprint(
        float(centre[0]), float(centre[1]), depth / 2, model.size[1] / 2, wall.heading,
        WINDOW_BOTTOM, WINDOW_BOTTOM + model.size[2],
    )  # fmt: skip
    z = WINDOW_BOTTOM - (model.size[2] - height) / 2
    placed = PlacedModel(model, spot.x, spot.y, z, wall.heading, spot, None, wall)
    b.placed.append(placed)
    front = wall.at(offset, 0.15)
    # The view stays free: nothing taller than the sill right before the window.
    view = Footprint(float(front[0]), float(front[1]), 0.15, width / 2, wall.heading, 0.9, 2.3)
    b.space.zones.append(view)
    if b.chance(0.6):
        _radiator(b, wall, offset)
    if b.chance(0.65):
        _curtain(b, wall, offset, width)
    return Hole(wall.index, offset, width, WINDOW_BOTTOM, height)


def _radiator(b: Builder, wall: Wall, offset: float) -> None:
    model = b.make(radiator)
    if model:
        spot = wall.at(offset, model.size[0] / 2 + 0.04)
        b.put(model, spot, wall.heading, wall=wall, margin=0.0)


def _curtain(b: Builder, wall: Wall, offset: float, width: float) -> None:
    """Curtains take only the strips beside the window, so a radiator may stand between them."""
    height = min(b.plan.height - 0.12, 2.35)
    model = b.make(lambda p: curtain(p, width, height - 0.04))
    if model is None or width + 0.9 > wall.length:
        return
    strips = []
    for side in (-1, 1):
        at = wall.at(offset + side * (width / 2 + 0.14), 0.09)
        strips.append(Footprint(float(at[0]), float(at[1]), 0.05, 0.13, wall.heading, 0.0, height))
    if not all(b.space.free(strip, 0.0) for strip in strips):
        return
    b.space.solids += strips
    at = wall.at(offset, 0.09)
    body = Footprint(
        float(at[0]), float(at[1]), 0.05, model.size[1] / 2, wall.heading, 0.03, height
    )
    b.placed.append(PlacedModel(model, body.x, body.y, 0.03, wall.heading, body, None, wall))


def _light_places(b: Builder) -> list[tuple[float, float]]:
    r = b.plan.regions[b.region] if b.plan.passages else b.plan.cells[0]
    width, depth = r.x1 - r.x0, r.y1 - r.y0
    cx, cy = r.centre
    if r.area < 20:
        return [(cx, cy)]
    step = np.array([width / 4, 0.0]) if width > depth else np.array([0.0, depth / 4])
    return [(cx - step[0], cy - step[1]), (cx + step[0], cy + step[1])]
