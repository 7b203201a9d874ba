"""Fillers along walls and in corners, and clutter on tops, after a recipe has done its part."""

from __future__ import annotations

from surveyor.scenes.rooms.catalog import bath, decor, extras, kitchen, office, seating, storage
from surveyor.scenes.rooms.catalog.model import Maker
from surveyor.scenes.rooms.layout.builder import Builder, PlacedModel

CORNER, WALL, FLOOR = "corner", "wall", "floor"
FILLERS: dict[str, tuple[tuple[str, Maker], ...]] = {
    "home": (
        (CORNER, decor.plant),
        (CORNER, decor.floor_lamp),
        (CORNER, extras.coat_rack),
        (WALL, decor.picture),
        (WALL, decor.picture),
        (WALL, decor.clock),
        (WALL, decor.mirror),
        (WALL, storage.shelf),
        (FLOOR, storage.basket),
        (FLOOR, storage.cardboard_box),
        (FLOOR, storage.backpack),
        (FLOOR, storage.suitcase),
        (FLOOR, storage.bookshelf),
        (FLOOR, decor.trash_bin),
        (FLOOR, office.fan),
        (FLOOR, extras.guitar),
        (FLOOR, extras.bicycle),
        (FLOOR, seating.stool),
        (FLOOR, seating.dining_chair),
    ),
    "work": (
        (CORNER, decor.plant),
        (WALL, decor.clock),
        (WALL, decor.picture),
        (WALL, storage.shelf),
        (FLOOR, decor.trash_bin),
        (FLOOR, storage.cardboard_box),
        (FLOOR, storage.backpack),
        (FLOOR, storage.cabinet),
        (FLOOR, office.fan),
        (FLOOR, office.computer_tower),
        (FLOOR, seating.dining_chair),
    ),
    "wet": (
        (CORNER, decor.plant),
        (WALL, bath.towel),
        (WALL, decor.clock),
        (FLOOR, storage.basket),
        (FLOOR, storage.cabinet),
        (FLOOR, decor.trash_bin),
        (FLOOR, seating.stool),
    ),
}
FAMILY = {"office": "work", "meeting room": "work", "bathroom": "wet"}


def fill(b: Builder, kind: str, target: int) -> None:
    """Add fillers until the region holds ``target`` things or nothing more fits."""
    options = FILLERS[FAMILY.get(kind, "home")]
    misses = 0
    while b.count < target and misses < 2 * len(options):
        how, maker = options[int(b.rng.integers(len(options)))]
        if how == WALL:
            placed = b.hang(maker, 1.45, 1.7)
        elif how == CORNER:
            placed = b.in_corner(maker)
        else:
            placed = b.against(maker, gap=0.03, tries=6)
        misses = 0 if placed else misses + 1


def scatter(b: Builder, amount: int) -> None:
    """Clutter: small things on whatever can carry them."""
    small = (kitchen.cup, extras.book, kitchen.bottle, decor.small_plant, kitchen.bowl, decor.vase)
    for _ in range(amount):
        bases = [q for q in b.placed if _carries_clutter(q)]
        if not bases:
            return
        b.on(bases[b.paints.variant(len(bases))], small[b.paints.variant(len(small))])


def _carries_clutter(q: PlacedModel) -> bool:
    """Whether people put small things there: not on seats and beds, nor above eye level."""
    soft = q.model.category in ("chair", "sofa", "stool", "bed")
    return not soft and any(q.z + s.z < 1.35 for s in q.model.supports)
