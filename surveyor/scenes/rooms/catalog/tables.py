"""Tables, desks and nightstands. A desk is a table in VSI-Bench's vocabulary."""

from __future__ import annotations

import numpy as np

from surveyor.scenes.rooms.catalog.fronts import drawers
from surveyor.scenes.rooms.catalog.model import Assembly, CatalogEntry, Model
from surveyor.scenes.rooms.shapes import box, cylinder, lathe, rod
from surveyor.scenes.rooms.surfaces.materials import Paints

SIDES = (-1, 1)


def table(p: Paints) -> Model:
    """A dining table: rectangular, or round on a pedestal."""
    return round_table(p) if p.variant(4) == 0 else dining_table(p)


def dining_table(p: Paints) -> Model:
    """A rectangular table for chairs on all sides; its long side runs along y."""
    a, wood = Assembly("table"), p.wood()
    width, depth, height = (
        p.rng.uniform(1.2, 1.9),
        p.rng.uniform(0.75, 0.95),
        p.rng.uniform(0.72, 0.77),
    )
    a.add(box(depth, width, 0.035, 0.008, 2), wood, z=height - 0.0175)
    leg = p.rng.uniform(0.05, 0.075)
    for sx in SIDES:
        a.add(box(0.02, width - 3 * leg, 0.08), wood, sx * (depth / 2 - leg), 0, height - 0.075)
        for sy in SIDES:
            x, y = sx * (depth / 2 - leg * 0.8), sy * (width / 2 - leg * 0.8)
            a.add(box(leg, leg, height - 0.035), wood, x, y, (height - 0.035) / 2)
    for sy in SIDES:
        a.add(box(depth - 3 * leg, 0.02, 0.08), wood, 0, sy * (width / 2 - leg), height - 0.075)
    a.support(height, depth / 2 - 0.05, width / 2 - 0.05)
    return a.done(wood, symmetry=2, shape="rectangular")


def round_table(p: Paints) -> Model:
    """A round table on one foot."""
    a, wood = Assembly("table"), p.wood() if p.variant(3) else p.paint("white")
    radius, height = p.rng.uniform(0.45, 0.62), 0.74
    a.add(
        lathe(
            [
                (0, 0),
                (radius - 0.02, 0),
                (radius, 0.012),
                (radius, 0.022),
                (radius - 0.006, 0.03),
                (0, 0.03),
            ],
            40,
        ),
        wood,
        z=height - 0.03,
    )
    foot = [
        (0, 0),
        (0.27, 0),
        (0.26, 0.02),
        (0.07, 0.05),
        (0.045, 0.2),
        (0.05, height - 0.06),
        (0.14, height - 0.03),
        (0, height - 0.03),
    ]
    a.add(lathe(foot, 24), wood)
    half = radius * 0.62
    a.support(height, half, half)
    return a.done(wood, material="wood", symmetry=0, shape="round")


def coffee_table(p: Paints) -> Model:
    """A low table in front of a sofa."""
    a, wood = Assembly("table"), p.wood()
    width, depth, height = (
        p.rng.uniform(0.9, 1.2),
        p.rng.uniform(0.5, 0.65),
        p.rng.uniform(0.38, 0.46),
    )
    a.add(box(depth, width, 0.03, 0.008, 2), wood, z=height - 0.015)
    metal = p.metal("black") if p.variant(3) == 0 else wood
    for sx in SIDES:
        for sy in SIDES:
            x, y = sx * (depth / 2 - 0.045), sy * (width / 2 - 0.045)
            a.add(box(0.04, 0.04, height - 0.03), metal, x, y, (height - 0.03) / 2)
    if p.variant(2):
        a.add(box(depth - 0.1, width - 0.1, 0.02), wood, z=height * 0.35)
    a.support(height, depth / 2 - 0.04, width / 2 - 0.04)
    return a.done(wood, symmetry=2, shape="rectangular")


def desk(p: Paints) -> Model:
    """A desk; the front is where the sitter is."""
    a, wood = Assembly("table"), p.wood() if p.variant(3) else p.paint("white", "gray")
    width, depth, height = (
        p.rng.uniform(1.15, 1.6),
        p.rng.uniform(0.6, 0.75),
        p.rng.uniform(0.72, 0.76),
    )
    a.add(box(depth, width, 0.03, 0.006), wood, z=height - 0.015)
    if p.variant(2):
        metal = p.metal("black", "silver")
        for sy in SIDES:
            y = sy * (width / 2 - 0.06)
            for sx in SIDES:
                a.add(
                    box(0.045, 0.045, height - 0.03),
                    metal,
                    sx * (depth / 2 - 0.05),
                    y,
                    (height - 0.03) / 2,
                )
            a.add(box(depth - 0.14, 0.03, 0.04), metal, 0, y, height - 0.055)
    else:
        body = p.paint("white") if p.variant(2) else wood
        y = (width / 2 - 0.22) * SIDES[p.variant(2)]
        a.add(box(depth - 0.06, 0.4, height - 0.07), body, -0.01, y, (height - 0.07) / 2 + 0.04)
        drawers(a, p, body, depth / 2 - 0.04, y, 0.06, 0.4, height - 0.11, rows=3)
        a.add(
            box(depth - 0.06, 0.03, height - 0.03),
            wood,
            -0.01,
            -np.sign(y) * (width / 2 - 0.03),
            (height - 0.03) / 2,
        )
        a.add(
            box(0.016, width - 0.5, 0.3), wood, -depth / 2 + 0.08, -np.sign(y) * 0.2, height - 0.18
        )
    a.support(height, depth / 2 - 0.03, width / 2 - 0.04)
    return a.done(wood, material="wood", shape="rectangular")


def nightstand(p: Paints) -> Model:
    """A small bedside cabinet with drawers."""
    a, wood = Assembly("nightstand"), p.wood() if p.variant(4) else p.paint("white")
    width, depth, height = (
        p.rng.uniform(0.42, 0.52),
        p.rng.uniform(0.38, 0.44),
        p.rng.uniform(0.48, 0.6),
    )
    a.add(box(depth, width, height - 0.1, 0.008), wood, z=0.1 + (height - 0.1) / 2)
    drawers(a, p, wood, depth / 2, 0, 0.11, width, height - 0.13, rows=1 + p.variant(2), knobs=True)
    for sx in SIDES:
        for sy in SIDES:
            a.add(
                cylinder(0.014, 0.11, 0.02, 8),
                wood,
                sx * (depth / 2 - 0.04),
                sy * (width / 2 - 0.04),
            )
    a.support(height, depth / 2 - 0.03, width / 2 - 0.03)
    return a.done(wood, material="wood")


def side_table(p: Paints) -> Model:
    """A small round table beside a seat."""
    a = Assembly("table")
    top, leg = p.wood(), p.metal("black", "silver")
    radius, height = p.rng.uniform(0.2, 0.26), p.rng.uniform(0.48, 0.58)
    a.add(lathe([(0, 0), (radius, 0), (radius, 0.02), (0, 0.02)], 28), top, z=height - 0.02)
    for k in range(3):
        angle = 2 * np.pi * k / 3
        c, s = np.cos(angle), np.sin(angle)
        a.add(
            rod(
                (c * radius * 0.9, s * radius * 0.9, 0),
                (c * radius * 0.5, s * radius * 0.5, height - 0.02),
                0.011,
                6,
            ),
            leg,
        )
    a.support(height, radius * 0.6, radius * 0.6)
    return a.done(top, symmetry=0, shape="round")


TABLES = {
    "table": CatalogEntry(table, aliases=("desk",)),
    "nightstand": CatalogEntry(nightstand, aliases=("bedside table", "night stand")),
}
