"""What kinds of rooms hold, and where: anchors first, then satellites, then fillers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from surveyor.scenes.rooms.catalog import (
    bath,
    beds,
    decor,
    extras,
    kitchen,
    office,
    seating,
    storage,
    tables,
)
from surveyor.scenes.rooms.catalog.model import Maker
from surveyor.scenes.rooms.layout.builder import Builder, PlacedModel

Recipe = Callable[[Builder], None]
SIDES = (-1, 1)


def bedroom(b: Builder) -> None:
    """Bed with nightstands, lamps and pillows; closet, dresser, desk."""
    bed = None
    for where in ((0.35, 0.65), (0.2, 0.8), (0.0, 1.0)):
        bed = bed or b.against(beds.bed, where=where, gap=0.03)
    if bed:
        double = bed.model.size[1] > 1.2
        for y in (-0.75, 0.75) if double else (0.0,):
            b.on(bed, beds.bed_pillow, x=-0.6, y=y)
        if b.chance(0.5 * b.clutter + 0.2):
            b.on(bed, beds.throw_pillow, x=0.6, y=0.0)
        for side in SIDES:
            stand = b.beside(bed, tables.nightstand, side)
            if stand and b.chance(0.8):
                b.on(stand, decor.table_lamp, x=-0.6)
            if stand and b.chance(b.clutter):
                b.on(stand, (extras.book, kitchen.cup, office.telephone)[b.paints.variant(3)])
        if b.chance(b.clutter * 0.5):
            b.on(bed, (storage.backpack, office.laptop, extras.book)[b.paints.variant(3)], level=1)
    b.against(storage.closet, reach=0.5)
    dresser = b.against(storage.cabinet, reach=0.4)
    if dresser:
        if b.chance(0.6):
            b.on(dresser, office.tv, y=0.0, x=-0.5)
        else:
            _wall_above(b, dresser, decor.mirror, 1.5)
        b.on(dresser, (decor.vase, decor.small_plant, decor.table_lamp)[b.paints.variant(3)])
    if b.chance(0.5):
        workplace(b)


def workplace(b: Builder) -> PlacedModel | None:
    """A desk with a chair, a screen or a laptop, and what collects around them."""
    desk = b.against(tables.desk, reach=0.75)
    if desk is None:
        return None
    if b.chance(0.75):
        pair = desk.model.size[1] > 1.45 and b.chance(0.5)
        for y in (-0.45, 0.45) if pair else (b.rng.uniform(-0.2, 0.2),):
            b.on(desk, office.monitor, x=-0.75, y=y, turn=-0.25 * np.sign(y) if pair else 0.0)
        b.on(desk, office.keyboard, x=0.6, y=0.0)
        b.on(desk, office.mouse, x=0.6, y=0.42)
        if b.chance(0.7):
            b.beside(desk, office.computer_tower, SIDES[b.paints.variant(2)], gap=0.06)
    else:
        b.on(desk, office.laptop, x=0.2, y=0.0)
    _chair_at(b, desk)
    for maker in (decor.table_lamp, kitchen.cup, office.telephone, extras.book, office.printer):
        if b.chance(0.2 + 0.4 * b.clutter):
            b.on(desk, maker)
    if b.chance(0.6):
        b.beside(desk, decor.trash_bin, SIDES[b.paints.variant(2)], gap=0.08)
    return desk


def _chair_at(b: Builder, desk: PlacedModel) -> None:
    """A chair pulled up to the desk; the free zone before a desk is meant for it."""
    zone = b.space.zones.pop()
    turn = float(b.rng.normal(0, 0.25))
    if not b.before(desk, seating.office_chair, 0.04 + 0.3 * abs(turn), facing=True, turn=turn):
        b.before(desk, seating.office_chair, 0.03, facing=True)
    b.space.zones.append(zone)


def living_room(b: Builder) -> None:
    """Sofa facing a television, coffee table and rug between them, shelves and plants."""
    stand = b.against(storage.tv_stand, reach=0.9, where=(0.25, 0.75))
    couch = None
    if stand:
        b.on(stand, office.tv, y=0.0, x=-0.3)
        for side in SIDES:
            if b.chance(0.35):
                b.on(
                    stand,
                    (decor.small_plant, decor.vase, extras.book)[b.paints.variant(3)],
                    y=side * 0.95,
                )
        for gap in (2.2, 1.8, 1.5):
            couch = couch or b.before(stand, seating.sofa, gap, facing=True)
    couch = couch or b.against(seating.sofa, reach=0.4)
    if couch:
        _sofa_corner(b, couch)
    if couch is None or b.chance(0.7):
        b.against(seating.armchair, reach=0.3)
    b.against(storage.bookshelf, reach=0.3)
    if b.chance(0.45):
        b.against(storage.cabinet, reach=0.3)
    if b.chance(0.25):
        b.against(extras.fireplace, reach=0.7, where=(0.3, 0.7))
    if b.chance(0.4):
        dining_corner(b)


def _sofa_corner(b: Builder, couch: PlacedModel) -> None:
    low = b.before(couch, tables.coffee_table, 0.36, facing=False)
    if low:
        if b.chance(0.75):
            _rug_under(b, low)
        for maker in (kitchen.cup, extras.book, office.laptop, kitchen.bowl, decor.vase):
            if b.chance(0.25 + 0.35 * b.clutter):
                turn = np.pi if maker is office.laptop else 0.0
                b.on(low, maker, turn=turn)
    for y in (-0.92, 0.92):
        if b.chance(0.75):
            b.on(couch, beds.throw_pillow, x=-1.0, y=y)
    side = SIDES[b.paints.variant(2)]
    b.beside(couch, decor.floor_lamp, side, gap=0.08)
    if b.chance(0.5):
        table = b.beside(couch, tables.side_table, -side, gap=0.06)
        if table:
            b.on(table, (decor.table_lamp, kitchen.cup, decor.small_plant)[b.paints.variant(3)])


def _rug_under(b: Builder, low: PlacedModel) -> None:
    """Rugs lie under things, so they take no space; they must only fit the room."""
    model = b.make(decor.rug)
    if model is None:
        return
    taken, b.space.solids = b.space.solids, []
    zones, b.space.zones = b.space.zones, []
    b.put(model, (low.x, low.y), low.yaw, 0.0)
    b.space.solids, b.space.zones = taken, zones


def dining_corner(b: Builder) -> None:
    """A table with chairs."""
    table = b.anywhere(tables.table)
    if table is None:
        return
    b.around(table, seating.dining_chair, int(b.rng.integers(2, 7)))
    for maker in (kitchen.bowl, decor.vase, kitchen.cup, kitchen.cup, kitchen.bottle):
        if b.chance(0.25 + 0.4 * b.clutter):
            b.on(table, maker)


def dining_room(b: Builder) -> None:
    """A table with chairs in the middle, sideboards along the walls."""
    dining_corner(b)
    board = b.against(storage.cabinet, reach=0.4)
    if board:
        for maker in (decor.vase, kitchen.bowl, kitchen.kettle, kitchen.bottle):
            if b.chance(0.5):
                b.on(board, maker)
    if b.chance(0.5):
        b.against(decor.piano, reach=0.6)
    b.against(storage.cabinet, reach=0.3)


def kitchen_room(b: Builder) -> None:
    """A run of units along one wall with appliances on top, a table, stools."""
    walls = sorted(b.own_walls(2.4), key=lambda w: -w.length)[:2]
    run = b.against(kitchen.kitchen_sink, reach=0.6, walls=walls or None)
    tops: list[PlacedModel] = []
    if run:
        for maker in (
            kitchen.counter,
            kitchen.oven,
            kitchen.dishwasher,
            kitchen.counter,
            kitchen.refrigerator,
        ):
            for side in (1, -1) if b.chance(0.5) else (-1, 1):
                end = _end_of_run(b, run, side)
                unit = b.beside(end, maker, side, gap=0.012)
                if unit:
                    tops.append(unit)
                    break
    if not any(t.model.category == "refrigerator" for t in tops):
        b.against(kitchen.refrigerator, reach=0.5)
    counters = [t for t in tops if t.model.category == "counter"]
    for maker in (
        kitchen.microwave,
        kitchen.kettle,
        kitchen.bowl,
        kitchen.bottle,
        kitchen.cup,
        kitchen.cup,
    ):
        if counters and b.chance(0.5 + 0.4 * b.clutter):
            top = counters[b.paints.variant(len(counters))]
            b.on(top, maker, x=-0.5 if maker is kitchen.microwave else None)
    dining_corner(b)
    if b.chance(0.5):
        b.anywhere(seating.stool)
    b.against(decor.trash_bin)


def _end_of_run(b: Builder, first: PlacedModel, side: int) -> PlacedModel:
    """The last unit on one side of a kitchen run."""
    ahead = np.array([np.cos(first.yaw), np.sin(first.yaw)])
    row = []
    for q in b.placed:
        if q.z > 0 or q.model.size[1] < 0.5 or abs(q.yaw - first.yaw) > 1e-9:
            continue
        shift = float(np.array([q.x - first.x, q.y - first.y]) @ ahead)
        # Units of one run stand flush at the back, whatever their depth.
        if abs(shift - (q.model.size[0] - first.model.size[0]) / 2) < 0.02:
            row.append(q)
    return max(
        [first, *row],
        key=lambda q: side * float((q.y - first.y) * ahead[0] - (q.x - first.x) * ahead[1]),
    )


def office_room(b: Builder) -> None:
    """Several workplaces, shelves, a meeting table."""
    for _ in range(2 + (b.plan.regions[b.region].area > 18) + b.chance(0.4)):
        workplace(b)
    b.against(storage.bookshelf, reach=0.3)
    b.hang(office.whiteboard, 1.4, 1.55)
    b.against(storage.cabinet, reach=0.3)
    if b.chance(0.5):
        dining_corner(b)
    if b.chance(0.4):
        b.against(seating.sofa, reach=0.3)


def bathroom(b: Builder) -> None:
    """Tub, toilet, washbasin with mirror and towels, washing machine."""
    b.against(bath.bathtub, gap=0.005)
    basin = b.against(bath.washbasin, gap=0.005, reach=0.5)
    if basin:
        _wall_above(b, basin, decor.mirror, 1.55)
    b.against(bath.toilet, gap=0.005, reach=0.45)
    b.against(bath.washing_machine, reach=0.4)
    for _ in range(1 + b.paints.variant(3)):
        b.hang(bath.towel, 1.05, 1.3)
    b.against(decor.trash_bin)
    if b.chance(0.5):
        b.against(storage.basket)
    if b.chance(0.4):
        b.anywhere(seating.stool)


def _wall_above(b: Builder, base: PlacedModel, maker: Maker, middle: float) -> PlacedModel | None:
    """Hang something over a piece of furniture that stands at a wall."""
    model = b.make(maker)
    if model is None or base.wall is None:
        return None
    offset = float((np.array([base.x, base.y]) - base.wall.start) @ base.wall.along)
    z = max(middle - model.size[2] / 2, base.z + base.model.size[2] + 0.06)
    if z + model.size[2] > b.plan.height - 0.05:
        return None
    return b.put(
        model, base.wall.at(offset, model.size[0] / 2 + 0.001), base.wall.heading, z, wall=base.wall
    )


def meeting_room(b: Builder) -> None:
    """A long table with chairs, whiteboard, screen."""
    b.hang(office.whiteboard, 1.4, 1.5)
    table = b.anywhere(tables.dining_table)
    if table:
        b.around(table, seating.dining_chair, int(b.rng.integers(4, 7)))
        for maker in (office.laptop, office.laptop, kitchen.cup, office.telephone, kitchen.bottle):
            if b.chance(0.5):
                b.on(table, maker)
    stand = b.against(storage.cabinet, reach=0.3)
    if stand:
        b.on(stand, office.tv, y=0.0)
    b.against(storage.bookshelf, reach=0.3)


def studio(b: Builder) -> None:
    """One room for everything: bed, sofa, table, a little kitchen."""
    bedroom(b)
    couch = b.against(seating.sofa, reach=0.5)
    if couch:
        _sofa_corner(b, couch)
    b.against(kitchen.refrigerator, reach=0.5)
    top = b.against(kitchen.counter, reach=0.5)
    if top:
        b.on(top, kitchen.microwave, x=-0.5)
        b.on(top, kitchen.kettle)
    dining_corner(b)


def music_room(b: Builder) -> None:
    """A piano, guitars, a sofa, shelves."""
    piano = b.against(decor.piano, reach=0.7)
    if piano:
        zone = b.space.zones.pop()
        b.before(piano, seating.stool, 0.12, facing=False)
        b.space.zones.append(zone)
        b.on(piano, (decor.vase, decor.table_lamp, extras.book)[b.paints.variant(3)])
    for _ in range(1 + b.paints.variant(2)):
        b.against(extras.guitar, gap=0.03)
    couch = b.against(seating.sofa, reach=0.4)
    if couch:
        _sofa_corner(b, couch)
    b.against(storage.bookshelf, reach=0.3)


def corridor(b: Builder) -> None:
    """A corridor is nearly bare: a picture or two, a plant, something that was left there."""
    for _ in range(int(b.rng.integers(0, 3))):
        b.hang(decor.picture, 1.45, 1.7)
    if b.chance(0.4):
        b.in_corner(decor.plant)
    if b.chance(0.4):
        b.against(storage.cardboard_box, gap=0.03)


RECIPES: dict[str, tuple[Recipe, tuple[float, float]]] = {
    "bedroom": (bedroom, (10.0, 19.0)),
    "living room": (living_room, (15.0, 30.0)),
    "dining room": (dining_room, (11.0, 19.0)),
    "kitchen": (kitchen_room, (9.0, 18.0)),
    "office": (office_room, (11.0, 26.0)),
    "bathroom": (bathroom, (5.5, 10.0)),
    "meeting room": (meeting_room, (13.0, 26.0)),
    "studio": (studio, (20.0, 34.0)),
    "music room": (music_room, (13.0, 24.0)),
}
