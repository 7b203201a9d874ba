"""Lamps, plants, pictures, mirrors and other things that make a room a home."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from surveyor.scenes.rooms.catalog.model import Assembly, CatalogEntry, Model
from surveyor.scenes.rooms.shapes import (
    box,
    cylinder,
    facing_front,
    facing_up,
    lathe,
    rod,
    rotation,
    surface,
)
from surveyor.scenes.rooms.surfaces.materials import Material, Paints

SIDES = (-1, 1)
WARM = (11.0, 8.2, 5.2)


def floor_lamp(p: Paints) -> Model:
    """A standing lamp with a cloth shade."""
    return _lamp(p, p.rng.uniform(1.4, 1.65), p.rng.uniform(0.17, 0.23))


def table_lamp(p: Paints) -> Model:
    """A small lamp for tables."""
    return _lamp(p, p.rng.uniform(0.4, 0.55), p.rng.uniform(0.11, 0.15))


def _lamp(p: Paints, height: float, radius: float) -> Model:
    a = Assembly("lamp")
    shade = Material(
        "knit", "#ecdcb8", 0.5, glow=1.6, variant=p.variant(2), word="white", substance="fabric"
    )
    tall, upper = radius * p.rng.uniform(1.2, 1.7), radius * p.rng.uniform(0.6, 1.0)
    stand = p.metal("black", "silver") if p.variant(2) else p.wood()
    if height < 0.8 and p.variant(2):
        stand = p.ceramic("white", "blue", "green", "red", "yellow")
        belly = radius * 0.75
        a.add(
            lathe(
                [
                    (0, 0),
                    (belly * 0.6, 0),
                    (belly, height * 0.2),
                    (belly * 0.5, height * 0.45),
                    (0.015, height * 0.55),
                    (0, height * 0.55),
                ],
                20,
            ),
            stand,
        )
    else:
        a.add(
            lathe(
                [(0, 0), (radius * 0.75, 0), (radius * 0.72, 0.018), (0.012, 0.03), (0, 0.03)], 24
            ),
            stand,
        )
    a.add(cylinder(0.009, height - 0.06, sides=8), stand)
    low = height - tall
    outside = [(radius, 0), (upper, tall)]
    inside = [(upper - 0.004, tall), (radius - 0.004, 0), (radius, 0)]
    a.add(lathe([*outside, *inside], 28), shade, z=low)
    a.add(
        lathe([(0, -0.04), (0.03, -0.015), (0.03, 0.015), (0, 0.04)], 10),
        Material("plain", "#fff1d6", glow=6.0),
        z=low + tall * 0.45,
    )
    a.lamp(0, 0, low + tall * 0.5, radius * 0.6, WARM)
    return a.done(
        shade, symmetry=0, state="on", shape="floor lamp" if height > 0.8 else "table lamp"
    )


def plant(p: Paints) -> Model:
    """A leafy plant in a pot."""
    a, pot = Assembly("plant"), p.ceramic("white", "brown", "gray", "orange", "black")
    size = p.rng.uniform(0.75, 1.2)
    r, h = 0.11 + 0.05 * size, 0.16 + 0.12 * size
    a.add(
        lathe(
            [(0, 0), (r * 0.72, 0), (r, h), (r - 0.015, h), (r - 0.02, h - 0.03), (0, h - 0.03)], 22
        ),
        pot,
    )
    a.add(cylinder(r - 0.02, 0.004, sides=18), Material("carpet", "#2d2016", 0.2), z=h - 0.03)
    leaf = Material("leaf", ("#3f6f36", "#4f7a3c", "#365f3a")[p.variant(3)], 0.15, 0.04, 0.45)
    for k in range(int(p.rng.integers(18, 28))):
        _leaf(a, p, leaf, k * 2.3999, size * p.rng.uniform(0.4, 0.8), h - 0.03)
    return a.done(pot, symmetry=0, color="green", material="plant")


def small_plant(p: Paints) -> Model:
    """A potted plant for a table or sill."""
    a, pot = Assembly("plant"), p.ceramic("white", "brown", "gray", "orange", "blue")
    r, h = 0.065, 0.11
    a.add(
        lathe(
            [(0, 0), (r * 0.75, 0), (r, h), (r - 0.008, h), (r - 0.012, h - 0.015), (0, h - 0.015)],
            18,
        ),
        pot,
    )
    leaf = Material("leaf", ("#4f7a3c", "#5f8a4a", "#3f6f4a")[p.variant(3)], 0.1, 0.04, 0.45)
    for k in range(14):
        _leaf(a, p, leaf, k * 2.3999, p.rng.uniform(0.12, 0.2), h - 0.015, 0.4)
    return a.done(pot, symmetry=0, color="green", material="plant")


def _leaf(
    a: Assembly,
    p: Paints,
    leaf: Material,
    angle: float,
    length: float,
    base: float,
    breadth: float = 1.0,
) -> None:
    """One bent leaf on its stem, from the middle of the pot outwards."""
    rise, t = p.rng.uniform(0.6, 1.4), np.linspace(0, 1, 7)
    out = length * np.cos(rise) * t + 0.1 * length * t**2
    up = base + length * np.sin(rise) * t - 0.2 * length * t**3
    half = (0.05 * np.sin(np.pi * np.clip(1.25 * t - 0.25, 0, 1)) + 0.003) * breadth
    c, s = np.cos(angle), np.sin(angle)
    spine = np.stack([out * c, out * s, up], axis=1)
    side = np.array([-s, c, 0.0])
    fold = np.array([0, 0, 0.25]) * half[:, None]
    points = np.stack(
        [spine - half[:, None] * side + fold, spine, spine + half[:, None] * side + fold], axis=1
    )
    uv = np.stack(np.broadcast_arrays(t[:, None] * length, np.array([0.0, 0.075, 0.15])), axis=-1)
    blade = surface(points[:, ::-1], uv, 0.001)
    a.add(blade, leaf)


def picture(p: Paints) -> Model:
    """A framed picture on the wall."""
    a, frame = Assembly("picture"), p.wood() if p.variant(2) else p.paint("black", "white")
    width = p.rng.uniform(0.4, 0.9)
    height = width * (0.7, 1.0, 1.35)[p.variant(3)]
    art = Material("art", "#efe6d2", 1.0, 0.04, 0.15, variant=p.variant(24))
    a.add(box(0.025, width, height, 0.006), frame, z=height / 2)
    a.add(
        facing_front(width - 0.04, height - 0.04),
        Material("plain", "#f1efe8"),
        0.0127,
        0,
        height / 2,
    )
    inset = 0.06 + 0.06 * p.variant(2)
    a.add(facing_front(width - 2 * inset, height - 2 * inset), art, 0.0131, 0, height / 2)
    return a.done(frame)


def clock(p: Paints) -> Model:
    """A round wall clock."""
    a, rim = Assembly("clock"), p.paint("black", "white", "red", "silver", "blue")
    r = p.rng.uniform(0.14, 0.2)
    face = Material("dial", "#f3f1ea", 1.0, 0.03, 0.3, variant=p.variant(12))
    upright = rotation(y=np.pi / 2)
    a.add(
        lathe(
            [
                (0, 0),
                (r, 0),
                (r + 0.01, 0.02),
                (r, 0.04),
                (r - 0.02, 0.04),
                (r - 0.02, 0.025),
                (0, 0.025),
            ],
            32,
        ).turned(upright),
        rim,
        z=r,
    )
    t = np.linspace(0, 2 * np.pi, 33)
    disk = np.stack(
        [np.zeros((2, 33)), np.outer([0, 1], np.cos(t)), np.outer([0, 1], np.sin(t))], -1
    ) * (r - 0.02)
    uv = np.stack([0.5 + disk[..., 1] / 2 / (r - 0.02), 0.5 + disk[..., 2] / 2 / (r - 0.02)], -1)
    a.add(surface(disk, uv), face, 0.0262, 0, r)
    return a.done(rim, shape="round")


def mirror(p: Paints) -> Model:
    """A framed wall mirror."""
    a, frame = Assembly("mirror"), p.wood() if p.variant(2) else p.metal("silver", "black")
    width, height = p.rng.uniform(0.45, 0.8), p.rng.uniform(0.7, 1.3)
    a.add(box(0.02, width, height, 0.004), frame, z=height / 2)
    glass = Material("mirror", "#dfe5e6", 1.0, 0.92, 0.0)
    a.add(facing_front(width - 0.06, height - 0.06), glass, 0.0103, 0, height / 2)
    for side in SIDES:
        a.add(box(0.03, 0.03, height, 0.006), frame, 0.003, side * (width / 2 - 0.015), height / 2)
        a.add(
            box(0.03, width, 0.03, 0.006), frame, 0.003, 0, height / 2 + side * (height / 2 - 0.015)
        )
    return a.done(frame, material="glass", shape="rectangular")


def trash_bin(p: Paints) -> Model:
    """A round bin with a paper liner, or a pedal bin."""
    a = Assembly("trash bin")
    body = p.paint("gray", "black", "white", "blue") if p.variant(2) else p.metal("silver", "black")
    r, h = p.rng.uniform(0.12, 0.16), p.rng.uniform(0.32, 0.45)
    if p.variant(2):
        a.add(
            lathe([(0, 0), (r * 0.8, 0), (r, h), (r - 0.008, h), (r * 0.78, 0.02), (0, 0.02)], 26),
            body,
        )
        paper = Material("plain", "#efeeea")
        a.add(
            lathe([(0, -0.08), (r * 0.8, -0.08), (r * 0.7, 0), (r * 0.35, 0.03), (0, 0.02)], 9),
            paper,
            z=h - 0.08,
        )
    else:
        a.add(cylinder(r, h * 0.9, sides=26), body)
        a.add(
            lathe([(0, 0), (r + 0.004, 0), (r, 0.03), (r * 0.5, 0.06), (0, 0.065)], 26),
            p.paint("black"),
            z=h * 0.9,
        )
        a.add(box(0.05, 0.07, 0.015, 0.004), p.paint("black"), r + 0.015, 0, 0.02)
    return a.done(body, symmetry=0, shape="round")


def vase(p: Paints) -> Model:
    """A vase, sometimes with dry stems."""
    a, clay = Assembly("vase"), p.ceramic("white", "blue", "green", "red", "black", "yellow")
    s = p.rng.uniform(0.8, 1.3)
    belly, neck = p.rng.uniform(0.06, 0.09), p.rng.uniform(0.02, 0.04)
    t = np.linspace(0, 1, 10)
    radius = neck + (belly - neck) * np.sin(np.pi * np.clip(1.15 * t + 0.12, 0, 1)) ** 1.2
    outline = [(0.0, 0.0), *zip(radius.tolist(), (0.27 * t).tolist(), strict=True)]
    outline += [(neck + 0.008, 0.28), (neck - 0.004, 0.28), (neck - 0.006, 0.2), (0.0, 0.19)]
    a.add(lathe([(r * s, z * s) for r, z in outline], 22), clay)
    return a.done(clay, symmetry=0)


def curtain(p: Paints, width: float, height: float) -> Model:
    """A pair of drawn-back curtains on a rod, for a window of this width."""
    a, cloth = Assembly("curtain"), p.fabric("beige", "blue", "gray", "green", "white", "red")
    u, z = np.linspace(0, 1, 29), np.linspace(0, height, 3)
    for side in SIDES:
        y = side * (width / 2 + 0.08) + (u - 0.5) * 0.34
        x = 0.028 * np.sin(u * 2 * np.pi * 5 + side)
        points = np.stack(np.broadcast_arrays(x[:, None], y[:, None], z[None]), -1)
        uv = np.stack(np.broadcast_arrays(u[:, None] * 0.6, z[None]), -1)
        a.add(surface(points, uv, 0.003), cloth)
    dark = p.metal("black", "silver")
    a.add(
        rod((0, -width / 2 - 0.32, height + 0.01), (0, width / 2 + 0.32, height + 0.01), 0.012),
        dark,
    )
    for side in SIDES:
        a.add(
            lathe([(0, -0.03), (0.022, -0.01), (0.022, 0.01), (0, 0.03)], 10).turned(
                rotation(x=np.pi / 2)
            ),
            dark,
            0,
            side * (width / 2 + 0.33),
            height + 0.01,
        )
    return a.done(cloth)


def rug(p: Paints) -> Model:
    """A rug with a woven pattern; its long side runs along y."""
    a = Assembly("rug")
    words = ("red", "blue", "green", "beige", "gray")
    cloth = p.knit(*words)
    width, depth = p.rng.uniform(1.9, 2.6), p.rng.uniform(1.3, 1.7)
    figure = "#7a573c" if cloth.word == "beige" else "#d8cdb8"
    weave = replace(cloth, kind="rug", tile=1.0, variant=p.variant(6), second=figure)
    a.add(box(depth, width, 0.01, 0.003), Material("knit", cloth.colour, 0.5), z=0.005)
    top = facing_up(depth - 0.006, width - 0.006)
    a.add(top, weave, z=0.0103)
    return a.done(weave, symmetry=2)


def piano(p: Paints) -> Model:
    """An upright piano; the front is where the player sits."""
    a, body = (
        Assembly("piano"),
        p.paint("black", shine=0.06, rough=0.15) if p.variant(2) else p.wood("walnut", "mahogany"),
    )
    width, height = 1.48, p.rng.uniform(1.12, 1.25)
    a.add(box(0.36, width, height, 0.008), body, -0.12, 0, height / 2)
    a.add(box(0.3, width, 0.1, 0.01), body, 0.18, 0, 0.66)
    keys = Material("piano", "#efece4", 1.0, 0.05, 0.2, substance="ivory")
    a.add(facing_up(0.14, width - 0.12), keys, 0.25, 0, 0.7135)
    for side in SIDES:
        a.add(box(0.3, 0.06, 0.2, 0.01), body, 0.18, side * (width / 2 - 0.03), 0.68)
        a.add(box(0.06, 0.06, 0.62, 0.008), body, 0.28, side * (width / 2 - 0.05), 0.31)
        a.add(box(0.4, 0.06, 0.06, 0.008), body, 0.14, side * (width / 2 - 0.05), 0.03)
    a.add(box(0.012, width * 0.6, 0.2, 0.003).turned(rotation(y=-0.25)), body, 0.09, 0, 0.95)
    paper = Material("paper", "#f2f0e9", 1.0, variant=p.variant(8), second="#222222")
    a.add(facing_front(0.3, 0.2).turned(rotation(y=-0.25)), paper, 0.102, 0.02, 0.97)
    for y in (-0.08, 0.0, 0.08):
        a.add(box(0.1, 0.02, 0.012, 0.004), p.metal("yellow"), 0.1, y, 0.04)
    a.support(height, 0.14, width / 2 - 0.08, x=-0.12)
    return a.done(body, material="wood")


def radiator(p: Paints) -> Model:
    """A ribbed radiator on short feet."""
    a, enamel = Assembly("radiator"), p.paint("white", "white", "beige", shine=0.05, rough=0.3)
    ribs = int(p.rng.integers(9, 19))
    width, height = ribs * 0.075, p.rng.uniform(0.5, 0.65)
    for k in range(ribs):
        y = (k - (ribs - 1) / 2) * 0.075
        a.add(box(0.09, 0.042, height - 0.1, 0.016, 2), enamel, 0, y, height / 2 + 0.05)
    for z in (0.16, height - 0.06):
        a.add(box(0.035, width - 0.03, 0.04, 0.01), enamel, 0, 0, z)
    for side in SIDES:
        a.add(box(0.05, 0.03, 0.16), enamel, 0, side * (width / 2 - 0.11), 0.08)
    a.add(
        cylinder(0.02, 0.07, sides=10).turned(rotation(x=np.pi / 2)),
        p.paint("white"),
        0,
        width / 2 + 0.04,
        0.16,
    )
    return a.done(enamel, material="metal")


def ceiling_light(p: Paints) -> Model:
    """A round flush lamp; its top touches the ceiling."""
    a = Assembly("ceiling light")
    globe = Material("plain", "#fff4e2", glow=5.0, word="white", substance="glass")
    r = p.rng.uniform(0.17, 0.24)
    a.add(lathe([(0, 0), (r * 0.6, 0.008), (r * 0.9, 0.03), (r, 0.06), (r, 0.075)], 28), globe)
    a.add(
        lathe([(r, 0.075), (r + 0.015, 0.075), (r + 0.015, 0.095), (0, 0.095)], 28),
        p.metal("silver", "black"),
    )
    return a.done(globe, symmetry=0, state="on")


DECOR = {
    "lamp": CatalogEntry(floor_lamp),
    "plant": CatalogEntry(plant, aliases=("potted plant",)),
    "picture": CatalogEntry(picture, mount="wall", aliases=("painting",), countable=False),
    "clock": CatalogEntry(clock, mount="wall"),
    "mirror": CatalogEntry(mirror, mount="wall"),
    "trash bin": CatalogEntry(trash_bin, aliases=("trash can", "wastebasket")),
    "vase": CatalogEntry(vase, mount="top"),
    "rug": CatalogEntry(rug, aliases=("carpet",), countable=False),
    "piano": CatalogEntry(piano),
    "radiator": CatalogEntry(radiator, mount="wall", aliases=("heater",)),
    "ceiling light": CatalogEntry(ceiling_light, mount="ceiling", countable=False),
}
