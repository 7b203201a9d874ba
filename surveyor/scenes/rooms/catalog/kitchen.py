"""Kitchen furniture, appliances and tableware."""

from __future__ import annotations

import numpy as np

from surveyor.scenes.rooms.catalog.fronts import doors, drawers, handle
from surveyor.scenes.rooms.catalog.model import Assembly, CatalogEntry, Model
from surveyor.scenes.rooms.shapes import box, cylinder, facing_front, lathe, rotation, tube
from surveyor.scenes.rooms.surfaces.materials import Material, Paints

SIDES = (-1, 1)


def refrigerator(p: Paints) -> Model:
    """A fridge-freezer with two doors."""
    a, shell = (
        Assembly("refrigerator"),
        p.metal("silver") if p.variant(2) else p.paint("white", "gray", "black", rough=0.25),
    )
    dark = p.paint("black")
    width, depth, height = (
        p.rng.uniform(0.58, 0.75),
        p.rng.uniform(0.58, 0.66),
        p.rng.uniform(1.55, 1.9),
    )
    a.add(
        box(depth - 0.06, width, height - 0.03, 0.01), shell, -0.03, 0, 0.03 + (height - 0.03) / 2
    )
    a.add(box(depth - 0.12, width - 0.04, 0.04, 0), dark, -0.02, 0, 0.02)
    split = height * (0.36 if p.variant(2) else 0.68)
    bar = p.metal("silver", "black")
    for low, high in ((0.04, split), (split, height)):
        a.add(
            box(0.05, width - 0.004, high - low - 0.01, 0.012, 2),
            shell,
            depth / 2 - 0.03,
            0,
            (low + high) / 2,
        )
        at = high - 0.28 if high < height - 0.1 else low + 0.28
        handle(a, bar, depth / 2 - 0.006, width / 2 - 0.06, at, 0.34, upright=True)
    return a.done(shell, material="metal", state="closed")


def oven(p: Paints) -> Model:
    """A kitchen range: oven below, hob on top."""
    a, shell = Assembly("oven"), p.paint("white", rough=0.25) if p.variant(2) else p.metal("silver")
    glass, metal, dark = p.glass(), p.metal(), p.paint("black")
    width, depth, height = 0.6, 0.62, 0.88
    a.add(
        box(depth - 0.03, width, height - 0.05, 0.006), shell, -0.015, 0, 0.05 + (height - 0.05) / 2
    )
    a.add(box(depth - 0.1, width - 0.04, 0.06, 0), dark, -0.02, 0, 0.03)
    a.add(box(depth - 0.02, width, 0.012, 0.003), glass, -0.01, 0, height + 0.006)
    a.add(box(0.03, width - 0.02, 0.5, 0.008), shell, depth / 2 - 0.02, 0, 0.42)
    a.add(box(0.01, width - 0.14, 0.3, 0.004), glass, depth / 2 - 0.004, 0, 0.4)
    handle(a, metal, depth / 2 - 0.006, 0, 0.62, 0.45, upright=False)
    for k in range(5):
        dial = cylinder(0.02, 0.025, 0.017, 14).turned(rotation(y=np.pi / 2))
        a.add(dial, dark, depth / 2 - 0.03, -0.2 + 0.1 * k, 0.78)
    ring = [(0.085, 0.0), (0.09, 0.003), (0.075, 0.003), (0.07, 0.0)]
    for x in (-0.15, 0.13):
        for y in (-0.15, 0.15):
            a.add(lathe(ring, 22), p.paint("gray"), x, y, height + 0.012)
    a.support(height + 0.015, depth / 2 - 0.08, width / 2 - 0.08)
    return a.done(shell, material="metal", state="off")


def counter(p: Paints) -> Model:
    """A run of base cabinets under a worktop."""
    a = Assembly("counter")
    front = p.wood() if p.variant(2) else p.paint("white", "gray", "blue", "green", "beige")
    top = Material(
        "marble",
        ("#d9d5cc", "#3a3a3c", "#b7b0a4")[p.variant(3)],
        0.7,
        0.05,
        0.2,
        variant=p.variant(3),
        substance="stone",
    )
    width, depth, height = p.rng.uniform(1.0, 2.2), 0.6, 0.9
    a.add(
        box(depth - 0.05, width, height - 0.14, 0.002), front, -0.025, 0, 0.1 + (height - 0.14) / 2
    )
    a.add(box(depth - 0.1, width, 0.1, 0), p.paint("black"), -0.04, 0, 0.05)
    a.add(box(depth + 0.02, width + 0.01, 0.04, 0.006, 2), top, 0, 0, height - 0.02)
    units = max(2, round(width / 0.5))
    wide = width / units
    for k in range(units):
        y = -width / 2 + wide * (k + 0.5)
        if k % 2:
            drawers(a, p, front, depth / 2 - 0.05, y, 0.11, wide, height - 0.16, 3)
        else:
            doors(a, p, front, depth / 2 - 0.05, y, 0.11, wide, height - 0.16, 1)
    a.support(height, depth / 2 - 0.03, width / 2 - 0.04)
    return a.done(front, material="wood")


def kitchen_sink(p: Paints) -> Model:
    """A sink unit: a steel basin in a base cabinet, with a tap."""
    a, front = Assembly("sink"), p.paint("white", "gray") if p.variant(2) else p.wood()
    steel = p.metal("silver")
    width, depth, height = 0.8, 0.6, 0.9
    a.add(box(depth - 0.05, width, 0.56, 0.002), front, -0.025, 0, 0.38)
    a.add(box(depth - 0.1, width, 0.1, 0), p.paint("black"), -0.04, 0, 0.05)
    doors(a, p, front, depth / 2 - 0.05, 0, 0.11, width, height - 0.16, 2)
    a.add(box(depth - 0.06, width, 0.05, 0.002), front, -0.025, 0, 0.68)
    rim = 0.07
    for sx in SIDES:
        a.add(box(rim, width, 0.03, 0.006), steel, sx * (depth / 2 - rim / 2), 0, height - 0.015)
        a.add(
            box(0.01, width - 2 * rim, 0.18, 0.002), steel, sx * (depth / 2 - rim), 0, height - 0.1
        )
    for sy in SIDES:
        a.add(
            box(depth - 2 * rim + 0.01, rim, 0.03, 0.006),
            steel,
            0,
            sy * (width / 2 - rim / 2),
            height - 0.015,
        )
        a.add(
            box(depth - 2 * rim, 0.01, 0.18, 0.002), steel, 0, sy * (width / 2 - rim), height - 0.1
        )
    a.add(box(depth - 2 * rim, width - 2 * rim, 0.01, 0.002), steel, 0, 0, height - 0.18)
    for side in SIDES:
        a.add(
            box(depth - 0.05, 0.012, 0.2, 0.002),
            front,
            -0.025,
            side * (width / 2 - 0.006),
            height - 0.12,
        )
    tap(a, steel, -depth / 2 + 0.04, 0, height)
    return a.done(steel, state="empty")


def tap(a: Assembly, metal: Material, x: float, y: float, z: float) -> None:
    """A swan-neck tap with a lever, reaching forward."""
    t = np.linspace(0, np.pi, 9)
    neck = [
        (x, y, z),
        (x, y, z + 0.16),
        *((x + 0.07 - 0.07 * np.cos(s), y, z + 0.16 + 0.07 * np.sin(s)) for s in t[1:]),
    ]
    a.add(tube(neck, 0.012, 8), metal)
    a.add(cylinder(0.024, 0.025, sides=12), metal, x, y, z)
    a.add(box(0.02, 0.09, 0.012, 0.004), metal, x, y + 0.05, z + 0.05)


def microwave(p: Paints) -> Model:
    """A countertop microwave oven."""
    a, shell = (
        Assembly("microwave"),
        p.paint("white", "black", rough=0.3) if p.variant(2) else p.metal("silver"),
    )
    width, depth, height = p.rng.uniform(0.45, 0.52), p.rng.uniform(0.32, 0.38), 0.28
    a.add(box(depth, width, height - 0.01, 0.008), shell, z=0.01 + (height - 0.01) / 2)
    a.add(
        box(0.012, width * 0.68, height - 0.07, 0.004),
        p.glass(),
        depth / 2 + 0.002,
        -width * 0.13,
        height / 2 + 0.005,
    )
    handle(a, p.metal("black"), depth / 2 + 0.004, width * 0.24, height / 2, 0.2, upright=True)
    keys = Material("keys", "#2b2c2f", second="#d0d0d0")
    a.add(
        facing_front(width * 0.17, height * 0.45),
        keys,
        depth / 2 + 0.0005,
        width * 0.39,
        height * 0.42,
    )
    clock = Material("plain", "#1d5f4a", glow=0.6)
    a.add(facing_front(width * 0.15, 0.035), clock, depth / 2 + 0.0005, width * 0.39, height * 0.8)
    for sx in SIDES:
        for sy in SIDES:
            a.add(
                cylinder(0.012, 0.012, sides=8),
                p.paint("black"),
                sx * depth * 0.4,
                sy * width * 0.42,
            )
    a.support(height, depth / 2 - 0.04, width / 2 - 0.05)
    return a.done(shell, material="metal", state="closed")


def dishwasher(p: Paints) -> Model:
    """A built-under dishwasher."""
    a, shell = (
        Assembly("dishwasher"),
        p.paint("white", rough=0.25) if p.variant(2) else p.metal("silver"),
    )
    width, depth, height = 0.6, 0.6, 0.85
    a.add(
        box(depth - 0.03, width, height - 0.06, 0.006), shell, -0.015, 0, 0.06 + (height - 0.06) / 2
    )
    a.add(box(depth - 0.1, width, 0.07, 0), p.paint("black"), -0.03, 0, 0.035)
    a.add(
        box(0.03, width - 0.01, height - 0.23, 0.006),
        shell,
        depth / 2 - 0.015,
        0,
        0.1 + (height - 0.23) / 2,
    )
    a.add(
        box(0.03, width - 0.01, 0.11, 0.006),
        p.paint("black", "gray"),
        depth / 2 - 0.015,
        0,
        height - 0.065,
    )
    handle(a, p.metal(), depth / 2, 0, height - 0.2, 0.4, upright=False)
    a.support(height, depth / 2 - 0.04, width / 2 - 0.05)
    return a.done(shell, material="metal", state="closed")


def cup(p: Paints) -> Model:
    """A mug with a handle."""
    a, glaze = (
        Assembly("cup"),
        p.ceramic("white", "red", "blue", "green", "yellow", "black", "orange"),
    )
    r, h = p.rng.uniform(0.036, 0.045), p.rng.uniform(0.085, 0.11)
    a.add(
        lathe(
            [
                (0, 0),
                (r * 0.85, 0),
                (r, 0.012),
                (r, h),
                (r - 0.004, h),
                (r - 0.005, 0.012),
                (0, 0.012),
            ],
            18,
        ),
        glaze,
    )
    a.add(
        cylinder(r - 0.006, 0.003, sides=14),
        Material("plain", "#2a1a10", 1.0, 0.04, 0.1),
        z=h * 0.75,
    )
    t = np.linspace(0, np.pi, 8)
    a.add(
        tube(
            np.stack([np.zeros(8), r - 0.002 + 0.028 * np.sin(t), h / 2 + h * 0.3 * np.cos(t)], 1),
            0.005,
            6,
        ),
        glaze,
    )
    return a.done(glaze)


def bottle(p: Paints) -> Model:
    """A bottle with a label."""
    a = Assembly("bottle")
    glass = p.paint("green", "brown", "blue", "white", shine=0.06, rough=0.1)
    s = p.rng.uniform(0.85, 1.15)
    outline = [
        (0, 0),
        (0.034, 0),
        (0.037, 0.01),
        (0.037, 0.17),
        (0.015, 0.22),
        (0.014, 0.27),
        (0, 0.27),
    ]
    a.add(lathe([(r * s, z * s) for r, z in outline], 18), glass)
    label = Material("paper", "#efe9da", 0.12, variant=p.variant(8), second="#8a2c30")
    a.add(lathe([(0.0376 * s, 0), (0.0376 * s, 0.08 * s)], 18), label, z=0.05 * s)
    a.add(cylinder(0.016 * s, 0.025 * s, sides=12), p.paint("red", "black", "white"), z=0.265 * s)
    return a.done(glass, symmetry=0, material="glass")


def bowl(p: Paints) -> Model:
    """A bowl of fruit."""
    a, clay = Assembly("bowl"), p.ceramic("white", "blue", "brown", "green")
    r = p.rng.uniform(0.11, 0.15)
    a.add(
        lathe(
            [
                (0, 0),
                (r * 0.45, 0),
                (r * 0.8, r * 0.3),
                (r, r * 0.65),
                (r - 0.006, r * 0.65),
                (r * 0.75, r * 0.32),
                (0, 0.02),
            ],
            22,
        ),
        clay,
    )
    for k in range(4):
        fruit = p.paint("red", "orange", "yellow", "green", shine=0.04, rough=0.35)
        q = r * 0.33
        ball = lathe([(q * np.sin(t), -q * np.cos(t)) for t in np.linspace(0, np.pi, 9)], 12)
        angle = k * 2 * np.pi / 3
        spread = 0.0 if k == 3 else r * 0.4
        a.add(
            ball,
            fruit,
            spread * np.cos(angle),
            spread * np.sin(angle),
            r * (0.75 if k == 3 else 0.5),
        )
    return a.done(clay, symmetry=0)


def kettle(p: Paints) -> Model:
    """An electric kettle."""
    a, body = (
        Assembly("kettle"),
        p.metal("silver") if p.variant(2) else p.paint("black", "white", "red"),
    )
    dark = p.paint("black")
    a.add(cylinder(0.085, 0.02, sides=20), dark)
    a.add(
        lathe([(0, 0), (0.078, 0), (0.08, 0.02), (0.06, 0.18), (0.052, 0.195), (0, 0.2)], 22),
        body,
        z=0.02,
    )
    a.add(lathe([(0, 0), (0.012, 0.0), (0.014, 0.015), (0, 0.02)], 10), dark, z=0.218)
    t = np.linspace(-0.2, np.pi * 0.85, 9)
    a.add(
        tube(
            np.stack([np.zeros(9), 0.06 + 0.05 * np.sin(t), 0.12 + 0.075 * np.cos(t)], 1), 0.011, 8
        ),
        dark,
    )
    a.add(box(0.03, 0.05, 0.03, 0.008), body, 0, -0.068, 0.19)
    return a.done(body)


KITCHEN = {
    "refrigerator": CatalogEntry(refrigerator, aliases=("fridge",)),
    "oven": CatalogEntry(oven, aliases=("stove",)),
    "counter": CatalogEntry(counter, aliases=("kitchen counter",)),
    "sink": CatalogEntry(kitchen_sink),
    "microwave": CatalogEntry(microwave, mount="top"),
    "dishwasher": CatalogEntry(dishwasher),
    "cup": CatalogEntry(cup, mount="top", aliases=("mug",)),
    "bottle": CatalogEntry(bottle, mount="top"),
    "bowl": CatalogEntry(bowl, mount="top"),
    "kettle": CatalogEntry(kettle, mount="top"),
}
