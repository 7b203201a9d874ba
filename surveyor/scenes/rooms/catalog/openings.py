"""Doors and windows, made to the size of their place in a wall."""

from __future__ import annotations

from surveyor.scenes.rooms.catalog.fronts import handle
from surveyor.scenes.rooms.catalog.model import Assembly, Model
from surveyor.scenes.rooms.shapes import box, facing_front
from surveyor.scenes.rooms.surfaces.materials import Material, Paints

SIDES = (-1, 1)
WINDOW_RECESS = 0.14


def door(p: Paints, width: float, height: float) -> Model:
    """A closed door in its casing, standing against the wall (its back at x = min)."""
    a = Assembly("door")
    leaf = (
        p.wood("oak", "birch", "walnut", "pine")
        if p.variant(2)
        else p.paint("white", "white", "gray")
    )
    trim = p.paint("white") if p.variant(3) else leaf
    w, h, edge = width - 0.14, height - 0.07, 0.07
    a.add(box(0.03, w, h, 0.004), leaf, 0.015, 0, h / 2)
    for side in SIDES:
        a.add(box(0.05, edge, height, 0.006), trim, 0.025, side * (w + edge) / 2, height / 2)
    a.add(box(0.05, width, edge, 0.006), trim, 0.025, 0, height - edge / 2)
    style = p.variant(3)
    fields = {0: ((0.2, 0.75), (1.08, 0.8)), 1: ((0.2, 0.4), (0.75, 0.4), (1.3, 0.55)), 2: ()}[
        style
    ]
    for low, tall in fields:
        for side in SIDES:
            a.add(
                box(0.016, w / 2 - 0.16, tall, 0.006), leaf, 0.03, side * w * 0.24, low + tall / 2
            )
    metal = p.metal("silver", "yellow", "black")
    y = (w / 2 - 0.07) * SIDES[p.variant(2)]
    a.add(box(0.01, 0.04, 0.2, 0.003), metal, 0.035, y, 1.03)
    handle(a, metal, 0.034, y * 0.86, 1.06, 0.12, upright=False)
    return a.done(leaf, material="wood", state="closed")


def window(p: Paints, width: float, height: float) -> Model:
    """A window with a view, to stand in its recess: the pane at the back, a sill into the room."""
    a, frame = Assembly("window"), p.paint("white", "white", "brown", "gray", shine=0.05, rough=0.3)
    view = Material("outdoors", "#8fb4dd", 1.0, 0.0, 1.0, glow=1.0, variant=p.variant(4))
    a.add(facing_front(width + 0.04, height + 0.04), view, 0, 0, height / 2)
    bar = 0.055
    columns = 2 if width < 1.5 else 3
    for k in range(columns + 1):
        y = -width / 2 + k * width / columns
        y = min(max(y, -width / 2 + bar / 2), width / 2 - bar / 2)
        a.add(box(0.05, bar, height, 0.006), frame, 0.04, y, height / 2)
    levels = (
        (bar / 2, height - bar / 2) if p.variant(2) else (bar / 2, height * 0.68, height - bar / 2)
    )
    for z in levels:
        a.add(box(0.046, width, bar, 0.006), frame, 0.04, 0, z)
    handle(
        a, p.metal(), 0.06, (width / 2 - width / columns) * 0.98, height * 0.42, 0.1, upright=True
    )
    return a.done(frame, material="glass", state="closed")


def sill(width: float) -> Model:
    """The board under a window; it belongs to the wall."""
    a = Assembly("wall")
    white = Material("plain", "#f3f2ee", 1.0, 0.05, 0.3)
    a.add(box(WINDOW_RECESS + 0.1, width + 0.16, 0.035, 0.008), white)
    return a.done(white)
