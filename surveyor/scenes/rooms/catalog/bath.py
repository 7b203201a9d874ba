"""Bathroom and laundry."""

from __future__ import annotations

import numpy as np

from surveyor.scenes.rooms.catalog.kitchen import tap
from surveyor.scenes.rooms.catalog.model import Assembly, CatalogEntry, Model
from surveyor.scenes.rooms.shapes import box, cylinder, lathe, rod, rotation, tube
from surveyor.scenes.rooms.surfaces.materials import Paints

SIDES = (-1, 1)


def toilet(p: Paints) -> Model:
    """A close-coupled toilet."""
    a, glaze = Assembly("toilet"), p.ceramic("white")
    seat = p.paint("white", "white", "black", shine=0.05, rough=0.2)
    bowl = [
        (0, 0),
        (0.12, 0),
        (0.11, 0.15),
        (0.16, 0.3),
        (0.185, 0.39),
        (0.13, 0.39),
        (0.09, 0.27),
        (0, 0.25),
    ]
    a.add(lathe(bowl, 28).scaled(1.25, 0.95, 1), glaze, 0.1)
    a.add(box(0.32, 0.2, 0.36, 0.03, 2), glaze, -0.12, 0, 0.18)
    a.add(box(0.18, 0.38, 0.36, 0.03, 3), glaze, -0.25, 0, 0.57)
    a.add(box(0.2, 0.4, 0.03, 0.012, 2), glaze, -0.25, 0, 0.765)
    a.add(cylinder(0.022, 0.012, sides=14), p.metal(), -0.25, 0, 0.78)
    if p.variant(2):
        a.add(cylinder(0.19, 0.035, sides=28).scaled(1.25, 0.97, 1), seat, 0.095, 0, 0.392)
    else:
        ring = [(0.12, 0), (0.192, 0), (0.192, 0.02), (0.12, 0.02), (0.12, 0)]
        a.add(lathe(ring, 28).scaled(1.25, 0.97, 1), seat, 0.095, 0, 0.392)
        lid = (
            cylinder(0.19, 0.02, sides=28)
            .scaled(1.2, 0.97, 1)
            .turned(rotation(y=-np.pi / 2 + 0.12))
        )
        a.add(lid, seat, -0.1, 0, 0.64)
    return a.done(glaze)


def bathtub(p: Paints) -> Model:
    """A built-in bathtub; its long side runs along y."""
    a, glaze = Assembly("bathtub"), p.ceramic("white")
    width, depth, height, rim = p.rng.uniform(1.55, 1.75), p.rng.uniform(0.7, 0.78), 0.56, 0.07
    for sx in SIDES:
        a.add(box(rim, width, height, 0.025, 3), glaze, sx * (depth - rim) / 2, 0, height / 2)
    for sy in SIDES:
        a.add(box(depth, rim, height, 0.025, 3), glaze, 0, sy * (width - rim) / 2, height / 2)
    a.add(box(depth - rim, width - rim, 0.05, 0.005), glaze, 0, 0, 0.12)
    a.add(cylinder(0.03, 0.006, sides=16), p.metal(), 0, width * 0.38, 0.145)
    metal = p.metal()
    a.add(
        rod(
            (-depth / 2 + 0.03, width / 2 - 0.03, height - 0.01),
            (-depth / 2 + 0.03, width / 2 - 0.03, height + 0.1),
            0.015,
        ),
        metal,
    )
    a.add(
        tube(
            [
                (-depth / 2 + 0.03, width / 2 - 0.03, height + 0.09),
                (-depth / 2 + 0.08, width / 2 - 0.08, height + 0.1),
                (-depth / 2 + 0.14, width / 2 - 0.14, height + 0.06),
            ],
            0.013,
        ),
        metal,
    )
    return a.done(glaze, state="empty")


def washbasin(p: Paints) -> Model:
    """A washbasin on a pedestal or a vanity; its category is sink."""
    a, glaze = Assembly("sink"), p.ceramic("white")
    height = 0.85
    if p.variant(2):
        a.add(
            lathe([(0, 0), (0.12, 0), (0.08, 0.1), (0.075, 0.6), (0.12, 0.72), (0, 0.72)], 20),
            glaze,
            -0.05,
        )
    else:
        wood = p.wood() if p.variant(2) else p.paint("white", "gray")
        a.add(box(0.42, 0.56, 0.5, 0.006), wood, -0.01, 0, 0.47)
        for side in SIDES:
            a.add(box(0.018, 0.26, 0.46, 0.004), wood, 0.208, side * 0.137, 0.47)
            a.add(box(0.02, 0.012, 0.12, 0.004), p.metal(), 0.226, side * 0.03, 0.58)
            for sx in SIDES:
                a.add(box(0.04, 0.04, 0.23, 0.004), wood, sx * 0.17, side * 0.24, 0.115)
    bowl = [
        (0, 0.72 - height),
        (0.12, 0.72 - height),
        (0.24, -0.03),
        (0.25, 0),
        (0.22, 0),
        (0.15, -0.09),
        (0, -0.11),
    ]
    a.add(lathe(bowl, 30).scaled(0.92, 1.18, 1), glaze, 0, 0, height)
    a.add(box(0.12, 0.5, 0.08, 0.02, 2), glaze, -0.18, 0, height - 0.03)
    tap(a, p.metal(), -0.17, 0, height + 0.005)
    return a.done(glaze, state="empty")


def towel(p: Paints) -> Model:
    """A towel folded over a rail on the wall."""
    a, cloth = Assembly("towel"), p.knit("white", "blue", "green", "pink", "beige", "red", "yellow")
    width, height = p.rng.uniform(0.4, 0.55), p.rng.uniform(0.5, 0.75)
    a.add(box(0.02, width, height, 0.009, 2), cloth, 0.075, 0, height / 2)
    a.add(box(0.02, width - 0.01, height * 0.8, 0.009, 2), cloth, 0.03, 0, height * 0.6)
    a.add(box(0.065, width, 0.03, 0.013, 2), cloth, 0.0525, 0, height + 0.0)
    for k in range(2):
        a.add(box(0.004, width, 0.02, 0.001), p.knit("beige"), 0.0855, 0, 0.05 + 0.04 * k)
    metal = p.metal()
    a.add(
        rod(
            (0.052, -width / 2 - 0.06, height - 0.012),
            (0.052, width / 2 + 0.06, height - 0.012),
            0.009,
        ),
        metal,
    )
    for side in SIDES:
        a.add(
            rod(
                (0.0, side * (width / 2 + 0.05), height - 0.012),
                (0.055, side * (width / 2 + 0.05), height - 0.012),
                0.009,
            ),
            metal,
        )
    return a.done(cloth)


def washing_machine(p: Paints) -> Model:
    """A front loader with a round door."""
    a, shell = Assembly("washing machine"), p.paint("white", "white", "silver", rough=0.25)
    width, depth, height = 0.6, p.rng.uniform(0.54, 0.6), 0.85
    a.add(box(depth, width, height, 0.012, 2), shell, z=height / 2)
    front, upright = depth / 2, rotation(y=np.pi / 2)
    rim = p.metal("silver", "gray") if p.variant(2) else p.paint("gray")
    a.add(
        lathe([(0, 0), (0.2, 0), (0.19, 0.03), (0.15, 0.035), (0, 0.03)], 32).turned(upright),
        rim,
        front - 0.002,
        0,
        0.42,
    )
    a.add(
        lathe([(0, 0), (0.145, 0), (0.12, 0.03), (0.06, 0.045), (0, 0.048)], 28).turned(upright),
        p.glass(),
        front + 0.03,
        0,
        0.42,
    )
    a.add(box(0.008, width - 0.03, 0.11, 0.003), p.paint("gray"), front + 0.002, 0, 0.77)
    a.add(cylinder(0.03, 0.025, 0.026, 18).turned(upright), p.metal(), front, 0.05, 0.77)
    a.add(box(0.012, 0.16, 0.07, 0.003), shell, front + 0.003, -0.19, 0.77)
    a.support(height, depth / 2 - 0.04, width / 2 - 0.04)
    return a.done(shell, material="metal", state="closed")


BATH = {
    "toilet": CatalogEntry(toilet),
    "bathtub": CatalogEntry(bathtub, aliases=("bath",)),
    "towel": CatalogEntry(towel, mount="wall"),
    "washing machine": CatalogEntry(washing_machine, aliases=("washer",)),
}
