"""The mirror twin of a room: everything reflected in a vertical plane across its width.

Left and right change places, distances and counts do not: who answers both alike has not looked.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from surveyor.scenes.rooms.catalog.model import Model
from surveyor.scenes.rooms.layout.builder import PlacedModel
from surveyor.scenes.rooms.layout.floor_plan import FloorPlan, Rect, Wall
from surveyor.scenes.rooms.layout.shell import Surface
from surveyor.scenes.rooms.room import Room
from surveyor.scenes.rooms.shapes import Part, flipped

Float = NDArray[np.float64]


def mirrored(room: Room) -> Room:
    """The room with x turned into (width - x); ids stay."""
    width = room.plan.extent[0]
    plan = _mirrored_plan(room.plan, width)
    walls = plan.walls()
    twins: dict[int, PlacedModel] = {}
    for q in room.placed:
        twins[id(q)] = _mirrored_thing(q, width, walls, twins)
    placed = tuple(twins[id(q)] for q in room.placed)
    shell = tuple(_mirrored_surface(surface, width) for surface in room.shell)
    return Room(room.spec, plan, room.kinds, placed, shell, room.lighting)


def _mirrored_plan(plan: FloorPlan, width: float) -> FloorPlan:
    def across(rects: tuple[Rect, ...]) -> tuple[Rect, ...]:
        return tuple(Rect(width - r.x1, r.y0, width - r.x0, r.y1) for r in rects)

    # Reversed, because a reflection turns a counter-clockwise outline clockwise.
    outline = plan.outline[::-1] * np.array([-1.0, 1.0]) + np.array([width, 0.0])
    return replace(
        plan,
        outline=outline,
        regions=across(plan.regions),
        cells=across(plan.cells),
        blocks=across(plan.blocks),
        passages=across(plan.passages),
    )


def _mirrored_thing(
    q: PlacedModel, width: float, walls: tuple[Wall, ...], twins: dict[int, PlacedModel]
) -> PlacedModel:
    yaw = float(np.pi - q.yaw)
    wall = None if q.wall is None else walls[(len(walls) - 2 - q.wall.index) % len(walls)]
    return replace(
        q,
        model=_mirrored_model(q.model),
        x=width - q.x,
        yaw=yaw,
        footprint=replace(q.footprint, x=width - q.footprint.x, yaw=yaw),
        parent=twins[id(q.parent)] if q.parent else None,
        wall=wall,
    )


def _mirrored_model(model: Model) -> Model:
    """A model with its left and right exchanged."""
    sides = np.array([1.0, -1.0, 1.0])
    return replace(
        model,
        pieces=tuple((_reflected(part, sides), m) for part, m in model.pieces),
        supports=tuple(replace(s, y=-s.y) for s in model.supports),
        lamps=tuple(replace(q, y=-q.y) for q in model.lamps),
    )


def _mirrored_surface(surface: Surface, width: float) -> Surface:
    sides = np.array([-1.0, 1.0, 1.0])
    pieces = tuple((_reflected(part, sides).moved(x=width), m) for part, m in surface.pieces)
    return replace(surface, pieces=pieces)


def _reflected(part: Part, sides: Float) -> Part:
    return Part(part.vertices * sides, part.normals * sides, part.uv, flipped(part.faces))
