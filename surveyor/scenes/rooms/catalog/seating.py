"""Chairs, sofas and stools."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from surveyor.scenes.rooms.catalog.model import Assembly, CatalogEntry, Model
from surveyor.scenes.rooms.shapes import box, cushion, cylinder, lathe, rod, rotation, tube
from surveyor.scenes.rooms.surfaces.materials import Material, Paints

SIDES = (-1, 1)


def chair(p: Paints) -> Model:
    """A wooden chair, a moulded chair, or an office chair."""
    return (_wooden_chair, _shell_chair, _office_chair)[p.variant(3)](p)


def _wooden_chair(p: Paints) -> Model:
    a, wood = Assembly("chair"), p.wood()
    width, depth, seat, height = (
        p.rng.uniform(0.42, 0.47),
        p.rng.uniform(0.44, 0.5),
        0.45,
        p.rng.uniform(0.84, 0.95),
    )
    top = p.fabric() if p.variant(2) else wood
    a.add(box(depth, width, 0.03 if top is wood else 0.055, 0.012, 2), top, z=seat)
    lean = rotation(y=-0.12)
    for side in SIDES:
        y = side * (width / 2 - 0.02)
        a.add(box(0.034, 0.034, seat), wood, depth / 2 - 0.025, y, seat / 2)
        a.add(box(0.034, 0.034, seat), wood, -depth / 2 + 0.025, y, seat / 2)
        a.add(box(depth - 0.08, 0.02, 0.03), wood, 0, y, seat * 0.45)
        post = box(0.03, 0.034, height - seat + 0.02).turned(lean)
        a.add(post, wood, -depth / 2 - 0.005, y, (height + seat) / 2 - 0.01)
    for y in (0.0,) if p.variant(2) else ():
        a.add(box(0.02, width - 0.06, 0.03), wood, 0, y, seat * 0.45)
    if p.variant(2):
        rungs = [(height - 0.08, 0.12)] + [(seat + 0.14, 0.05)] * (p.variant(2))
    else:
        rungs = [(seat + 0.13 + 0.11 * k, 0.055) for k in range(3)]
    for z, tall in rungs:
        x = -depth / 2 - 0.005 - 0.12 * (z - (height + seat) / 2)
        a.add(box(0.018, width - 0.04, tall, 0.005).turned(lean), wood, x, 0, z)
    a.support(seat + (0.015 if top is wood else 0.0275), depth / 2 - 0.08, width / 2 - 0.08)
    main = wood if top is wood else top
    return a.done(main, shape="four-legged")


def _shell_chair(p: Paints) -> Model:
    """A moulded seat and back on four slanted legs."""
    a = Assembly("chair")
    shell = (
        p.fabric()
        if p.variant(2)
        else p.paint("white", "black", "gray", "blue", "green", "red", "yellow")
    )
    leg = p.wood("oak", "walnut") if p.variant(2) else p.metal("silver", "black")
    a.add(cushion(0.46, 0.47, 0.08, 0.035, 0.012), shell, 0, 0, 0.43)
    back = cushion(0.36, 0.45, 0.07, 0.03, 0.015).turned(rotation(y=np.pi / 2 - 0.2))
    a.add(back, shell, -0.235, 0, 0.635)
    for sx in SIDES:
        for sy in SIDES:
            a.add(rod((sx * 0.22, sy * 0.22, 0), (sx * 0.14, sy * 0.15, 0.41), 0.014, 8), leg)
    return a.done(shell, shape="rounded")


def _office_chair(p: Paints) -> Model:
    a = Assembly("chair")
    cloth, black, metal = (
        p.fabric("black", "gray", "blue", "red", "green"),
        p.paint("black"),
        p.metal(),
    )
    a.add(cushion(0.48, 0.5, 0.09, 0.04, 0.02), cloth, 0, 0, 0.47)
    back = cushion(0.56, 0.46, 0.08, 0.035, 0.02).turned(rotation(y=np.pi / 2 - 0.12))
    a.add(back, cloth, -0.25, 0, 0.84)
    a.add(cylinder(0.03, 0.3, sides=12), metal, z=0.13)
    a.add(box(0.03, 0.06, 0.24, 0.008), black, -0.27, 0, 0.55)
    a.add(box(0.2, 0.06, 0.02, 0.006), black, -0.18, 0, 0.428)
    for k in range(5):
        angle = 2 * np.pi * k / 5
        c, s = np.cos(angle), np.sin(angle)
        a.add(
            box(0.29, 0.05, 0.035, 0.012).turned(rotation(z=angle)),
            black,
            0.15 * c,
            0.15 * s,
            0.105,
        )
        wheel = cylinder(0.03, 0.04, sides=10).turned(rotation(x=np.pi / 2)).moved(y=0.02)
        a.add(wheel.turned(rotation(z=angle)), black, 0.28 * c, 0.28 * s, 0.03)
        a.add(cylinder(0.01, 0.06, sides=6), black, 0.28 * c, 0.28 * s, 0.045)
    if p.variant(3):
        for side in SIDES:
            a.add(box(0.25, 0.055, 0.028, 0.012), black, 0.0, side * 0.265, 0.67)
            a.add(box(0.04, 0.025, 0.2), black, -0.04, side * 0.262, 0.56)
            a.add(box(0.04, 0.06, 0.02), black, -0.04, side * 0.24, 0.46)
    return a.done(cloth, shape="swivel")


def office_chair(p: Paints) -> Model:
    """A swivel chair for desks; its category is chair."""
    return _office_chair(p)


def dining_chair(p: Paints) -> Model:
    """A chair for tables; its category is chair."""
    return (_wooden_chair, _shell_chair)[p.variant(2)](p)


def sofa(p: Paints) -> Model:
    """A sofa of two or three seats."""
    return _sofa(p, seats=2 + p.variant(2))


def armchair(p: Paints) -> Model:
    """An upholstered armchair; its category is chair."""
    model = _sofa(p, seats=1)
    return replace(model, category="chair")


def _sofa(p: Paints, seats: int) -> Model:
    a = Assembly("sofa")
    cloth = p.leather() if p.variant(4) == 0 else p.fabric()
    feet = p.wood("walnut", "oak")
    seat = p.rng.uniform(0.6, 0.68)
    arm, depth, height = (
        p.rng.uniform(0.12, 0.2),
        p.rng.uniform(0.84, 0.95),
        p.rng.uniform(0.76, 0.86),
    )
    width = seats * seat + 2 * arm
    a.add(box(depth - 0.06, width - 0.05, 0.2, 0.03, 2), cloth, 0, 0, 0.2)
    a.add(
        box(0.18, width - 0.05, height - 0.14, 0.06, 3),
        cloth,
        -depth / 2 + 0.11,
        0,
        (height + 0.1) / 2,
    )
    for k in range(seats):
        y = -width / 2 + arm + seat * (k + 0.5)
        a.add(cushion(depth - 0.3, seat - 0.012, 0.16, 0.05, 0.025), cloth, 0.115, y, 0.375)
        back = cushion(0.42, seat - 0.02, 0.16, 0.06, 0.035).turned(rotation(y=np.pi / 2 - 0.2))
        a.add(back, cloth, -depth / 2 + 0.27, y, 0.63)
    _arms_and_feet(a, cloth, feet, width, depth, arm)
    a.support(0.455, (depth - 0.45) / 2, width / 2 - arm - 0.05, x=0.16)
    return a.done(cloth, shape=("armchair", "two-seater", "three-seater")[seats - 1])


def _arms_and_feet(
    a: Assembly, cloth: Material, feet: Material, width: float, depth: float, arm: float
) -> None:
    for side in SIDES:
        a.add(box(depth - 0.02, arm, 0.5, 0.055, 3), cloth, 0, side * (width / 2 - arm / 2), 0.34)
        for end in SIDES:
            x, y = end * (depth / 2 - 0.09), side * (width / 2 - 0.09)
            a.add(cylinder(0.018, 0.11, 0.028, 10), feet, x, y)


def stool(p: Paints) -> Model:
    """A round stool or a bar stool."""
    a, wood = Assembly("stool"), p.wood()
    height, radius = p.rng.uniform(0.44, 0.5), p.rng.uniform(0.16, 0.19)
    if p.variant(3) == 0:
        height = p.rng.uniform(0.65, 0.75)
    if p.variant(2):
        seat = p.fabric("red", "blue", "green", "gray", "yellow")
        rounded = [(0, 0), (radius, 0), (radius + 0.012, 0.03), (radius - 0.01, 0.055), (0, 0.06)]
        a.add(lathe(rounded, 24), seat, z=height - 0.06)
    else:
        seat = wood
        a.add(
            lathe(
                [
                    (0, 0),
                    (radius - 0.01, 0),
                    (radius, 0.012),
                    (radius, 0.03),
                    (radius - 0.01, 0.038),
                    (0, 0.038),
                ],
                24,
            ),
            wood,
            z=height - 0.038,
        )
    for k in range(4):
        angle = np.pi / 4 + k * np.pi / 2
        c, s = np.cos(angle), np.sin(angle)
        a.add(
            rod(
                (c * (radius + 0.02), s * (radius + 0.02), 0),
                (c * radius * 0.7, s * radius * 0.7, height - 0.03),
                0.016,
            ),
            wood,
        )
    ring = [
        (np.cos(t) * radius * 0.92, np.sin(t) * radius * 0.92, height * 0.35)
        for t in np.linspace(0, 2 * np.pi, 25)
    ]
    a.add(tube(ring, 0.009, 6), wood)
    a.support(height, radius * 0.6, radius * 0.6)
    return a.done(seat, symmetry=0, shape="round")


SEATING = {
    "chair": CatalogEntry(chair, aliases=("seat",)),
    "sofa": CatalogEntry(sofa, aliases=("couch",)),
    "stool": CatalogEntry(stool),
}
