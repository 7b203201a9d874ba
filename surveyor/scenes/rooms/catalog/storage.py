"""Shelves, closets, cabinets, boxes and bags."""

from __future__ import annotations

import numpy as np

from surveyor.scenes.rooms.catalog.fronts import doors, drawers
from surveyor.scenes.rooms.catalog.model import Assembly, CatalogEntry, Model
from surveyor.scenes.rooms.shapes import box, cylinder, lathe, rod, tube
from surveyor.scenes.rooms.surfaces.materials import Material, Paints

SIDES = (-1, 1)
SPINES = ("red", "blue", "beige", "green", "orange", "black", "purple", "white", "gray", "brown")


def book_row(
    a: Assembly, p: Paints, x: float, y0: float, y1: float, z: float, tall: float, deep: float
) -> None:
    """Books standing on a board from y0 towards y1, spines towards +x."""
    y = y0
    while y < y1:
        thick = p.rng.uniform(0.018, 0.05)
        height, depth = tall * p.rng.uniform(0.6, 0.92), deep * p.rng.uniform(0.65, 0.85)
        cover = p.paint(*SPINES, shine=0.03, rough=0.5)
        a.add(
            box(depth, thick - 0.002, height, 0.0),
            cover,
            x - depth / 2,
            y + thick / 2,
            z + height / 2,
        )
        y += thick


def bookshelf(p: Paints) -> Model:
    """An open bookcase with books and a few things between them."""
    a, wood = Assembly("bookshelf"), p.wood() if p.variant(4) else p.paint("white")
    width, depth, height = (
        p.rng.uniform(0.75, 1.15),
        p.rng.uniform(0.28, 0.36),
        p.rng.uniform(1.6, 2.1),
    )
    board, levels = 0.022, 4 + p.variant(2)
    for side in SIDES:
        a.add(box(depth, board, height, 0.002), wood, 0, side * (width - board) / 2, height / 2)
    a.add(box(0.01, width, height, 0.002), wood, -depth / 2 + 0.005, 0, height / 2)
    pitch = (height - board) / levels
    for k in range(levels + 1):
        a.add(box(depth - 0.01, width - 2 * board, board, 0.002), wood, 0, 0, board / 2 + k * pitch)
    inner = width / 2 - board - 0.005
    for k in range(levels):
        z = board + k * pitch
        end = inner - p.rng.uniform(0.03, inner * 1.1)
        book_row(a, p, depth / 2 - 0.03, -inner, end, z, pitch - board, depth)
        if inner - end > 0.3:
            ornament = p.ceramic("white", "blue", "green", "red", "black")
            a.add(
                lathe(
                    [(0, 0), (0.04, 0), (0.07, 0.07), (0.03, 0.14), (0.035, 0.16), (0, 0.16)], 14
                ),
                ornament,
                0,
                inner - 0.12,
                z,
            )
    return a.done(wood, material="wood", state="full")


def closet(p: Paints) -> Model:
    """A tall wardrobe with hinged doors."""
    a, wood = Assembly("closet"), p.wood() if p.variant(3) else p.paint("white", "gray")
    width, depth, height = (
        p.rng.uniform(0.95, 1.8),
        p.rng.uniform(0.55, 0.62),
        p.rng.uniform(1.9, 2.15),
    )
    a.add(box(depth, width, height - 0.07, 0.005), wood, 0, 0, 0.07 + (height - 0.07) / 2)
    a.add(box(depth - 0.06, width - 0.06, 0.07, 0), p.paint("black"), -0.01, 0, 0.035)
    doors(
        a,
        p,
        wood,
        depth / 2,
        0,
        0.09,
        width - 0.02,
        height - 0.12,
        max(2, round(width / 0.5)),
        bool(p.variant(2)),
    )
    a.support(height, depth / 2 - 0.06, width / 2 - 0.08)
    return a.done(wood, material="wood", state="closed")


def cabinet(p: Paints) -> Model:
    """A cabinet or dresser of waist height."""
    a, wood = (
        Assembly("cabinet"),
        p.wood() if p.variant(4) else p.paint("white", "gray", "blue", "green"),
    )
    width, depth, height = (
        p.rng.uniform(0.8, 1.4),
        p.rng.uniform(0.38, 0.48),
        p.rng.uniform(0.75, 1.1),
    )
    _carcass(a, p, wood, width, depth, height)
    if p.variant(2):
        drawers(
            a,
            p,
            wood,
            depth / 2,
            0,
            0.09,
            width - 0.02,
            height - 0.12,
            3 + p.variant(2),
            1 + (width > 1.0),
        )
    else:
        doors(
            a,
            p,
            wood,
            depth / 2,
            0,
            0.09,
            width - 0.02,
            height - 0.12,
            max(2, round(width / 0.45)),
            True,
        )
    a.support(height, depth / 2 - 0.04, width / 2 - 0.05)
    return a.done(wood, material="wood", state="closed")


def tv_stand(p: Paints) -> Model:
    """A long low cabinet for a television."""
    a, wood = Assembly("cabinet"), p.wood() if p.variant(4) else p.paint("white", "black")
    width, depth, height = (
        p.rng.uniform(1.35, 1.8),
        p.rng.uniform(0.38, 0.45),
        p.rng.uniform(0.42, 0.55),
    )
    _carcass(a, p, wood, width, depth, height)
    third = (width - 0.02) / 3
    for k, y in enumerate((-third, 0.0, third)):
        if k == 1:
            drawers(a, p, wood, depth / 2, y, 0.09, third, height - 0.12, 2)
        else:
            doors(a, p, wood, depth / 2, y, 0.09, third, height - 0.12, 1)
    a.support(height, depth / 2 - 0.02, width / 2 - 0.04)
    return a.done(wood, material="wood", state="closed")


def _carcass(
    a: Assembly, p: Paints, wood: Material, width: float, depth: float, height: float
) -> None:
    if p.variant(2):
        a.add(box(depth, width, height - 0.07, 0.006), wood, 0, 0, 0.07 + (height - 0.07) / 2)
        a.add(box(depth - 0.06, width - 0.06, 0.07, 0), p.paint("black"), -0.01, 0, 0.035)
        return
    a.add(box(depth, width, height - 0.1, 0.006), wood, 0, 0, 0.1 + (height - 0.1) / 2)
    for sx in SIDES:
        for sy in SIDES:
            a.add(
                cylinder(0.014, 0.11, 0.022, 8),
                wood,
                sx * (depth / 2 - 0.05),
                sy * (width / 2 - 0.06),
            )


def shelf(p: Paints) -> Model:
    """A board on the wall with books and small things."""
    a, wood = Assembly("shelf"), p.wood()
    width, depth = p.rng.uniform(0.7, 1.2), p.rng.uniform(0.2, 0.26)
    a.add(box(depth, width, 0.03, 0.004), wood, 0, 0, 0.13)
    for side in SIDES:
        bracket = p.metal("black")
        a.add(box(depth * 0.8, 0.025, 0.02), bracket, -depth * 0.1, side * width * 0.35, 0.108)
        a.add(box(0.02, 0.025, 0.12), bracket, -depth / 2 + 0.01, side * width * 0.35, 0.06)
    start = -width / 2 + p.rng.uniform(0.02, 0.2)
    book_row(
        a,
        p,
        depth / 2 - 0.02,
        start,
        start + width * p.rng.uniform(0.3, 0.6),
        0.145,
        0.28,
        depth * 0.9,
    )
    return a.done(wood)


def cardboard_box(p: Paints) -> Model:
    """A closed cardboard box with tape."""
    a = Assembly("box")
    card = Material("plaster", "#a98459", 0.4, word="brown", substance="cardboard")
    x, y, z = p.rng.uniform(0.26, 0.42), p.rng.uniform(0.32, 0.55), p.rng.uniform(0.22, 0.4)
    a.add(box(x, y, z, 0.004), card, z=z / 2)
    tape = Material("plain", "#c2a67c", 1.0, 0.05, 0.3)
    a.add(box(0.05, y + 0.002, 0.004, 0), tape, 0, 0, z)
    label = Material("paper", "#efece4", 1.0, variant=p.variant(8), second="#2a2a2c")
    a.add(box(0.002, 0.1, 0.07, 0), label, x / 2, y * 0.2, z * 0.6)
    a.support(z, x / 2 - 0.03, y / 2 - 0.03)
    return a.done(card, symmetry=2, state="closed")


def suitcase(p: Paints) -> Model:
    """An upright wheeled suitcase."""
    a, shell = (
        Assembly("suitcase"),
        p.paint("blue", "black", "red", "gray", "green", "silver", shine=0.05, rough=0.25),
    )
    black = p.paint("black")
    depth, width, height = 0.25, p.rng.uniform(0.4, 0.48), p.rng.uniform(0.55, 0.68)
    a.add(box(depth, width, height, 0.05, 3), shell, z=0.05 + height / 2)
    for k in range(5):
        a.add(
            box(0.012, 0.018, height - 0.14, 0.005),
            shell,
            depth / 2,
            (k - 2) * width * 0.17,
            0.05 + height / 2,
        )
    for sx in SIDES:
        for sy in SIDES:
            a.add(
                cylinder(0.025, 0.055, sides=10),
                black,
                sx * (depth / 2 - 0.05),
                sy * (width / 2 - 0.06),
            )
    top = 0.05 + height
    for side in SIDES:
        a.add(
            rod(
                (-depth / 2 + 0.04, side * 0.09, top - 0.02),
                (-depth / 2 + 0.04, side * 0.09, top + 0.2),
                0.007,
            ),
            p.metal(),
        )
    a.add(box(0.025, 0.22, 0.025, 0.008), black, -depth / 2 + 0.04, 0, top + 0.205)
    return a.done(shell)


def basket(p: Paints) -> Model:
    """A round wicker basket with folded cloth in it."""
    a = Assembly("basket")
    cane = Material("wicker", "#b08a58", 0.25, word="brown", substance="wicker")
    r, h = p.rng.uniform(0.17, 0.24), p.rng.uniform(0.28, 0.4)
    a.add(
        lathe([(0, 0), (r * 0.85, 0), (r, h), (r - 0.02, h), (r * 0.8, 0.03), (0, 0.03)], 24), cane
    )
    a.add(
        lathe([(0, -0.05), (r * 0.85, -0.05), (r * 0.8, 0.02), (r * 0.4, 0.05), (0, 0.055)], 16),
        p.knit(),
        z=h - 0.06,
    )
    return a.done(cane, symmetry=0, shape="round")


def backpack(p: Paints) -> Model:
    """A school backpack standing on the floor."""
    a, cloth = Assembly("backpack"), p.knit("blue", "red", "black", "green", "gray", "purple")
    width, height = p.rng.uniform(0.28, 0.34), p.rng.uniform(0.42, 0.5)
    a.add(box(0.18, width, height, 0.08, 4), cloth, z=height / 2)
    a.add(box(0.08, width * 0.75, height * 0.45, 0.035, 3), cloth, 0.1, 0, height * 0.27)
    a.add(box(0.02, width * 0.6, 0.012, 0.004), p.paint("black"), 0.142, 0, height * 0.42)
    for side in SIDES:
        t = np.linspace(0, np.pi, 9)
        strap = np.stack(
            [
                -0.08 - 0.05 * np.sin(t),
                np.full(9, side * width * 0.25),
                height * (0.52 + 0.36 * np.cos(t)),
            ],
            1,
        )
        a.add(tube(strap, 0.014, 6), cloth)
    t = np.linspace(0, np.pi, 7)
    a.add(
        tube(
            np.stack([-0.03 * np.ones(7), 0.05 * np.cos(t), height - 0.012 + 0.045 * np.sin(t)], 1),
            0.008,
            6,
        ),
        cloth,
    )
    return a.done(cloth)


STORAGE = {
    "bookshelf": CatalogEntry(bookshelf, aliases=("bookcase",)),
    "closet": CatalogEntry(closet, aliases=("wardrobe",)),
    "cabinet": CatalogEntry(cabinet, aliases=("dresser", "cupboard")),
    "shelf": CatalogEntry(shelf, mount="wall"),
    "box": CatalogEntry(cardboard_box, aliases=("cardboard box",)),
    "suitcase": CatalogEntry(suitcase, aliases=("luggage",)),
    "basket": CatalogEntry(basket),
    "backpack": CatalogEntry(backpack, aliases=("rucksack",)),
}
