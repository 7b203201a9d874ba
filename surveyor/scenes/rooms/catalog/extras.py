"""Leisure things that stand or hang about."""

from __future__ import annotations

import numpy as np

from surveyor.scenes.rooms.catalog.model import Assembly, CatalogEntry, Model
from surveyor.scenes.rooms.shapes import (
    Float,
    Part,
    box,
    cylinder,
    hoop,
    joined,
    lathe,
    rod,
    rotation,
    surface,
    tube,
)
from surveyor.scenes.rooms.surfaces.materials import Material, Paints

SIDES = (-1, 1)


def guitar(p: Paints) -> Model:
    """An acoustic guitar leaning back on a small stand; its front faces +x."""
    a, top = Assembly("guitar"), p.wood("pine", "oak", "mahogany")
    dark = p.wood("walnut")
    lean = rotation(y=-0.22)
    t = np.linspace(0, 2 * np.pi, 41)
    radius = 0.165 + 0.035 * np.cos(2 * (t - np.pi / 2)) - 0.02 * np.sin(t)
    y, z = radius * np.cos(t) * 1.05, 0.25 + radius * np.sin(t) * 1.22
    a.add(_slab(y, z, 0.1).turned(lean), top)
    a.add(
        cylinder(0.045, 0.004, sides=20)
        .turned(rotation(y=np.pi / 2))
        .moved(0.05, 0, 0.33)
        .turned(lean),
        p.glass(),
    )
    a.add(box(0.022, 0.055, 0.5, 0.005).moved(0.05, 0, 0.68).turned(lean), dark)
    a.add(box(0.02, 0.075, 0.14, 0.005).moved(0.045, 0, 0.98).turned(lean), dark)
    a.add(box(0.012, 0.12, 0.025, 0.004).moved(0.054, 0, 0.16).turned(lean), dark)
    for k in range(6):
        a.add(
            rod(
                (0.066, (k - 2.5) * 0.008, 0.16), (0.066, (k - 2.5) * 0.007, 0.96), 0.0012, 4
            ).turned(lean),
            p.metal(),
        )
    metal = p.metal("black")
    for side in SIDES:
        a.add(rod((0.16, side * 0.14, 0), (-0.1, side * 0.06, 0.3), 0.009), metal)
        a.add(rod((0.12, side * 0.1, 0.075), (-0.04, side * 0.1, 0.055), 0.009), metal)
    a.add(rod((-0.3, 0, 0), (-0.12, 0, 0.34), 0.009), metal)
    return a.done(top)


def _slab(y: Float, z: Float, thick: float) -> Part:
    """A closed outline in the y-z plane, given thickness along x and two lids."""
    outline = np.stack([np.zeros_like(y), y, z], axis=1)
    half = np.array([thick / 2, 0, 0])
    back, front = outline - half, outline + half
    centre = np.array([0, y[:-1].mean(), z[:-1].mean()])
    uv = np.stack([outline[:, 2], outline[:, 1]], axis=1)
    wall = surface(np.stack([back, front]), np.stack([uv, uv]))
    lids = []
    for sign, rim in ((1, front), (-1, back)):
        hub = np.broadcast_to(centre + sign * half, rim.shape)
        lids.append(surface(np.stack([hub, rim][::sign]), np.stack([uv * 0, uv][::sign])))
    return joined([wall, *lids])


def bicycle(p: Paints) -> Model:
    """A bicycle on its kickstand, riding towards +x."""
    words = ("red", "blue", "green", "black", "orange", "white")
    a, paint = Assembly("bicycle"), p.paint(*words, shine=0.05, rough=0.2)
    rubber, metal = p.paint("black", shine=0.02, rough=0.8), p.metal()
    rear, front, crank = (-0.52, 0, 0.34), (0.52, 0, 0.34), (-0.08, 0, 0.3)
    for x, _, z in (rear, front):
        _wheel(a, rubber, metal, x, z)
    seat, head, neck = (-0.2, 0, 0.8), (0.36, 0, 0.82), (0.39, 0, 0.68)
    for start, end in ((crank, seat), (crank, neck), ((-0.17, 0, 0.7), head)):
        a.add(rod(start, end, 0.017), paint)
    for y in (-0.05, 0.05):
        a.add(rod((rear[0], y, rear[2]), (crank[0], 0.6 * y, crank[2]), 0.009), paint)
        a.add(rod((rear[0], y, rear[2]), (-0.17, 0.4 * y, 0.7), 0.008), paint)
        a.add(rod((front[0], y, front[2]), (0.4, y, 0.66), 0.011), paint)
    _handlebar_and_saddle(a, rubber, metal, seat)
    _pedals(a, rubber, metal, crank)
    a.add(rod((0.0, 0.06, 0.3), (0.03, 0.24, 0.0), 0.008), metal)
    a.add(rod(crank, (0.0, 0.06, 0.3), 0.01), metal)
    return a.done(paint, material="metal")


def _wheel(a: Assembly, rubber: Material, metal: Material, x: float, z: float) -> None:
    upright, r = rotation(x=np.pi / 2), 0.33
    a.add(hoop(r, 0.019).turned(upright), rubber, x, 0, z)
    a.add(hoop(r - 0.025, 0.009, sides=6).turned(upright), metal, x, 0, z)
    angles = np.arange(14) * np.pi / 7
    spokes = [
        rod((0, 0, 0), (0.3 * np.cos(t), 0, 0.3 * np.sin(t)), 0.002, 4).moved(x, 0, z)
        for t in angles
    ]
    a.add(joined(spokes), metal)
    a.add(cylinder(0.025, 0.1, sides=12).turned(upright), metal, x, 0.05, z)


def _handlebar_and_saddle(
    a: Assembly, rubber: Material, metal: Material, seat: tuple[float, float, float]
) -> None:
    a.add(rod((0.4, 0, 0.64), (0.34, 0, 0.95), 0.018), metal)
    for side in SIDES:
        a.add(rod((0.34, 0, 0.93), (0.3, side * 0.28, 0.97), 0.011), metal)
        a.add(rod((0.3, side * 0.2, 0.967), (0.22, side * 0.3, 0.96), 0.016), rubber)
    a.add(rod(seat, (-0.22, 0, 0.9), 0.012), metal)
    a.add(box(0.26, 0.13, 0.06, 0.028, 3), rubber, -0.21, 0, 0.92)


def _pedals(
    a: Assembly, rubber: Material, metal: Material, crank: tuple[float, float, float]
) -> None:
    x, _, z = crank
    for side in SIDES:
        foot = x + side * 0.15, z - side * 0.08
        a.add(box(0.1, 0.07, 0.02, 0.006), rubber, foot[0], side * 0.12, foot[1])
        a.add(rod((x, side * 0.07, z), (foot[0], side * 0.09, foot[1]), 0.009), metal)
    ring = [(0.075, 0), (0.095, 0.0), (0.095, 0.006), (0.075, 0.006), (0.075, 0)]
    a.add(lathe(ring, 24).turned(rotation(x=np.pi / 2)), metal, x, -0.055, z)


def fireplace(p: Paints) -> Model:
    """A fireplace surround with logs and embers."""
    a = Assembly("fireplace")
    stone = Material(
        "marble",
        ("#d8d2c6", "#8f8a84")[p.variant(2)],
        0.8,
        0.04,
        0.35,
        variant=p.variant(3),
        word="white",
        substance="stone",
    )
    soot = Material("carpet", "#1b1918", 0.3)
    width, height, depth = p.rng.uniform(1.15, 1.4), p.rng.uniform(1.0, 1.15), 0.32
    for side in SIDES:
        a.add(
            box(depth, 0.22, height - 0.05, 0.01),
            stone,
            0,
            side * (width / 2 - 0.11),
            (height - 0.05) / 2,
        )
    a.add(box(depth, width, 0.24, 0.01), stone, 0, 0, height - 0.17)
    a.add(box(depth + 0.08, width + 0.12, 0.06, 0.012, 2), stone, 0.02, 0, height - 0.03)
    a.add(box(0.02, width - 0.4, height - 0.2, 0), soot, -depth / 2 + 0.02, 0, (height - 0.2) / 2)
    a.add(box(depth, width - 0.4, 0.04, 0.004), soot, 0, 0, 0.02)
    ember = Material("bristle", "#e0561c", 0.2, glow=1.6)
    a.add(box(0.12, 0.4, 0.05, 0.02, 2), ember, -0.02, 0, 0.06)
    for k in range(3):
        log = (
            cylinder(0.045, 0.42, sides=12)
            .turned(rotation(x=np.pi / 2))
            .moved(y=0.21)
            .turned(rotation(z=0.3 * (k - 1)))
        )
        a.add(log, p.wood("walnut"), -0.06 + 0.06 * k, 0, 0.12 + 0.05 * (k == 1))
    a.support(height, depth / 2 - 0.06, width / 2 - 0.08)
    return a.done(stone)


def coat_rack(p: Paints) -> Model:
    """A free-standing coat rack."""
    a, wood = Assembly("coat rack"), p.wood()
    height = p.rng.uniform(1.65, 1.8)
    a.add(cylinder(0.022, height, 0.016, 12), wood)
    for k in range(4):
        c, s = np.cos(k * np.pi / 2 + 0.4), np.sin(k * np.pi / 2 + 0.4)
        a.add(
            tube([(0, 0, 0.12), (0.18 * c, 0.18 * s, 0.06), (0.24 * c, 0.24 * s, 0.016)], 0.015),
            wood,
        )
        a.add(
            tube(
                [
                    (0, 0, height - 0.12),
                    (0.09 * c, 0.09 * s, height - 0.1),
                    (0.13 * c, 0.13 * s, height - 0.02),
                ],
                0.01,
            ),
            wood,
        )
    return a.done(wood, symmetry=4)


def book(p: Paints) -> Model:
    """One or two books lying flat."""
    a = Assembly("book")
    z, cover = (
        0.0,
        p.paint("red", "blue", "green", "orange", "black", "purple", shine=0.03, rough=0.5),
    )
    x, y = p.rng.uniform(0.13, 0.17), p.rng.uniform(0.19, 0.25)
    for k in range(1 + p.variant(2)):
        thick = p.rng.uniform(0.02, 0.04)
        binding = cover if k == 0 else p.paint("red", "blue", "green", "white")
        turn = rotation(z=p.rng.uniform(-0.15, 0.15) if k else 0.0)
        pages = Material("bristle", "#e9e3d2", 0.05)
        a.add(
            box(x - 0.006, y - 0.012, thick - 0.006, 0).turned(turn), pages, 0.002, 0, z + thick / 2
        )
        for at in (z + 0.0015, z + thick - 0.0015):
            a.add(box(x, y, 0.003, 0).turned(turn), binding, 0, 0, at)
        a.add(box(0.003, y, thick, 0).moved(x=-x / 2).turned(turn), binding, 0, 0, z + thick / 2)
        z += thick
    return a.done(cover, material="paper")


EXTRAS = {
    "guitar": CatalogEntry(guitar),
    "bicycle": CatalogEntry(bicycle, aliases=("bike",)),
    "fireplace": CatalogEntry(fireplace),
    "coat rack": CatalogEntry(coat_rack),
    "book": CatalogEntry(book, mount="top"),
}
