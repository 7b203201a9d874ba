"""Beds and pillows."""

from __future__ import annotations

import numpy as np

from surveyor.scenes.rooms.catalog.model import Assembly, CatalogEntry, Model
from surveyor.scenes.rooms.shapes import box, cushion, pillow, rotation
from surveyor.scenes.rooms.surfaces.materials import Material, Paints

SIDES = (-1, 1)
MATTRESS_TOP = 0.53


def bed(p: Paints) -> Model:
    """A bed with headboard, mattress and duvet; the front is the foot end."""
    a = Assembly("bed")
    width = (0.95, 1.4, 1.6, 1.8)[p.variant(4)]
    length, height = p.rng.uniform(2.02, 2.12), p.rng.uniform(0.85, 1.15)
    frame = p.wood() if p.variant(3) else p.fabric("gray", "beige", "blue")
    sheet = p.knit("white")
    duvet = p.knit("blue", "beige", "green", "pink", "gray", "white", "purple", "red")
    a.add(box(length, width, 0.2, 0.015), frame, 0, 0, 0.2)
    if frame.kind == "fabric":
        head = cushion(height - 0.1, width + 0.06, 0.1, 0.04, 0.02).turned(rotation(y=np.pi / 2))
        a.add(head, frame, -length / 2 - 0.03, 0, (height - 0.1) / 2 + 0.1)
    else:
        a.add(box(0.05, width + 0.04, height, 0.015, 2), frame, -length / 2 - 0.02, 0, height / 2)
        a.add(
            box(0.02, width - 0.12, height * 0.35, 0.008),
            frame,
            -length / 2 + 0.01,
            0,
            height * 0.75,
        )
    a.add(box(length - 0.08, width - 0.04, 0.24, 0.06, 3), sheet, 0.02, 0, MATTRESS_TOP - 0.12)
    _duvet(a, p, duvet, length, width)
    for sx in SIDES:
        for sy in SIDES:
            a.add(
                box(0.06, 0.06, 0.11),
                frame,
                sx * (length / 2 - 0.05),
                sy * (width / 2 - 0.05),
                0.055,
            )
    # Pillows go to the head end, other things on the duvet.
    a.support(MATTRESS_TOP, 0.25, width / 2 - 0.06, x=-length / 2 + 0.36)
    a.support(MATTRESS_TOP + 0.055, length * 0.22, width / 2 - 0.1, x=length * 0.15)
    return a.done(duvet, shape="single" if width < 1.2 else "double")


def _duvet(a: Assembly, p: Paints, cloth: Material, length: float, width: float) -> None:
    """A duvet that hangs over both sides and the foot of the mattress."""
    reach = length * 0.66
    centre = length / 2 - reach / 2 + 0.03
    a.add(cushion(reach, width + 0.03, 0.1, 0.045, 0.02), cloth, centre, 0, MATTRESS_TOP - 0.015)
    drop = p.rng.uniform(0.25, 0.33)
    for side in SIDES:
        a.add(
            box(reach - 0.03, 0.035, drop, 0.015, 2),
            cloth,
            centre,
            side * (width / 2 + 0.005),
            MATTRESS_TOP - drop / 2,
        )
    a.add(box(0.035, width, drop, 0.015, 2), cloth, length / 2 + 0.012, 0, MATTRESS_TOP - drop / 2)


def bed_pillow(p: Paints) -> Model:
    """A sleeping pillow, lying."""
    a, cloth = Assembly("pillow"), p.knit("white", "white", "beige", "blue")
    a.add(
        pillow(p.rng.uniform(0.38, 0.44), p.rng.uniform(0.56, 0.68), p.rng.uniform(0.13, 0.17)),
        cloth,
    )
    return a.done(cloth, symmetry=2, shape="rectangular")


def throw_pillow(p: Paints) -> Model:
    """A square cushion that leans back against a sofa."""
    a = Assembly("pillow")
    cloth = p.fabric("red", "yellow", "blue", "green", "orange", "white", "purple", "pink")
    side = p.rng.uniform(0.38, 0.46)
    soft = pillow(side, side, 0.14).turned(rotation(y=np.pi / 2 - 0.42))
    a.add(soft, cloth)
    return a.done(cloth, shape="square")


BEDS = {
    "bed": CatalogEntry(bed),
    "pillow": CatalogEntry(throw_pillow, mount="top", aliases=("cushion",)),
}
