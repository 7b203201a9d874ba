"""Fronts of storage furniture: doors and drawers with pulls, on the plane x = const."""

from __future__ import annotations

import numpy as np

from surveyor.scenes.rooms.catalog.model import Assembly
from surveyor.scenes.rooms.shapes import box, lathe, rotation
from surveyor.scenes.rooms.surfaces.materials import Material, Paints

KNOB = ((0.0, 0.0), (0.013, 0.005), (0.014, 0.018), (0.006, 0.026), (0.0, 0.026))


def knob(a: Assembly, material: Material, x: float, y: float, z: float) -> None:
    """A round pull that stands out in +x."""
    a.add(lathe(KNOB, 10).turned(rotation(y=np.pi / 2)), material, x, y, z)


def handle(
    a: Assembly, material: Material, x: float, y: float, z: float, length: float, upright: bool
) -> None:
    """A bar pull on two short posts that stands out in +x."""
    tall, wide = (length, 0.012) if upright else (0.012, length)
    a.add(box(0.012, wide, tall, 0.004), material, x + 0.028, y, z)
    for side in (-1, 1):
        dy, dz = (
            (0.0, side * (length / 2 - 0.012)) if upright else (side * (length / 2 - 0.012), 0.0)
        )
        a.add(box(0.028, 0.01, 0.01, 0.002), material, x + 0.014, y + dy, z + dz)


def drawers(
    a: Assembly, p: Paints, front: Material, x: float, y: float, z: float,
    width: float, height: float, rows: int, columns: int = 1, knobs: bool = False,
) -> None:  # fmt: skip
    """A block of drawer fronts, ``width`` x ``height`` from z upwards, centred on y."""
    pull = p.metal("silver", "black")
    tall, wide = height / rows, width / columns
    for row in range(rows):
        for column in range(columns):
            cy, cz = y - width / 2 + wide * (column + 0.5), z + tall * (row + 0.5)
            a.add(box(0.018, wide - 0.012, tall - 0.012, 0.004), front, x + 0.008, cy, cz)
            if knobs:
                knob(a, pull, x + 0.016, cy, cz)
            else:
                handle(
                    a, pull, x + 0.016, cy, cz + tall * 0.15, min(0.14, wide * 0.4), upright=False
                )


def doors(
    a: Assembly, p: Paints, front: Material, x: float, y: float, z: float,
    width: float, height: float, count: int, panelled: bool = False,
) -> None:  # fmt: skip
    """A row of hinged doors, ``width`` x ``height`` from z upwards, centred on y."""
    pull = p.metal("silver", "black")
    wide = width / count
    for k in range(count):
        cy, cz = y - width / 2 + wide * (k + 0.5), z + height / 2
        a.add(box(0.018, wide - 0.008, height - 0.01, 0.004), front, x + 0.008, cy, cz)
        if panelled:
            a.add(box(0.012, wide - 0.13, height - 0.15, 0.005), front, x + 0.016, cy, cz)
        side = 1 if k % 2 == 0 else -1
        at = min(max(z + height * 0.5, 0.3), 1.05)
        handle(
            a,
            pull,
            x + 0.016,
            cy + side * (wide / 2 - 0.04),
            at,
            min(0.16, height * 0.3),
            upright=True,
        )
