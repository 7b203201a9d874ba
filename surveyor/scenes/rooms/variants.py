"""Counterfactual twins: the same room with one thing removed, moved or recoloured, or relit.

Instance ids follow the order of a room's things, so the twin of a removal numbers later things
anew; everything else keeps its id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from surveyor.core.errors import UserError
from surveyor.scenes.rooms.layout.builder import CLEAR, PlacedModel
from surveyor.scenes.rooms.layout.footprints import Footprint, Space
from surveyor.scenes.rooms.room import Lighting, Room
from surveyor.scenes.rooms.surfaces.materials import COLOURS, Material

TRIES = 300


def relit(room: Room, lighting: Lighting) -> Room:
    """The room at another time of day."""
    return Room(room.spec, room.plan, room.kinds, room.placed, room.shell, lighting)


def without(room: Room, instance_id: int) -> Room:
    """The room without a thing and without what rests on it."""
    gone = _with_load(room, instance_id)
    return _with(room, [q for q in room.placed if q not in gone])


def recoloured(room: Room, instance_id: int, colour: str) -> Room:
    """The room with the main colour of a thing changed to another colour word."""
    if colour not in COLOURS:
        raise UserError(f"there is no colour '{colour}'; choose one of {', '.join(COLOURS)}")
    old = _thing(room, instance_id)
    word = old.model.attributes.get("color")
    main = next((m for _, m in old.model.pieces if m.word == word), None)
    if main is None:
        raise UserError(f"object {instance_id} ({old.model.category}) has no colour to change")
    new = replace(main, colour=COLOURS[colour][0], word=colour)

    def repaint(material: Material) -> Material:
        same = material.colour == main.colour and material.kind == main.kind
        return replace(material, colour=new.colour, word=colour) if same else material

    model = replace(
        old.model,
        pieces=tuple((part, repaint(m)) for part, m in old.model.pieces),
        attributes={**old.model.attributes, "color": colour},
    )
    return _swapped(room, {id(old): replace(old, model=model)})


def moved(room: Room, instance_id: int, seed: int = 0) -> Room:
    """The room with a standing thing, and what rests on it, moved to another free place.

    Raises `UserError` when the thing hangs, lies on another, or fits nowhere else.
    """
    thing = _thing(room, instance_id)
    if thing.parent is not None or thing.z > 0 or thing.model.category in ("door", "window"):
        raise UserError(f"object {instance_id} ({thing.model.category}) cannot be moved by itself")
    load = _with_load(room, instance_id)
    space = Space(room.plan)
    space.solids = [q.footprint for q in room.placed if q not in load and q.model.category != "rug"]
    rng = np.random.default_rng([room.spec.seed, instance_id, seed])
    width, depth = room.plan.extent
    for _ in range(TRIES):
        x, y = rng.uniform((0, 0), (width, depth))
        turn = float(rng.integers(4)) * np.pi / 2
        far = np.hypot(x - thing.x, y - thing.y) > 0.6
        if far and space.free(_at(thing.footprint, x, y, thing.yaw + turn), 3 * CLEAR):
            return _swapped(room, _carried(load, thing, float(x), float(y), turn))
    raise UserError(f"object {instance_id} ({thing.model.category}) fits nowhere else in this room")


def _carried(
    load: Sequence[PlacedModel], thing: PlacedModel, x: float, y: float, turn: float
) -> dict[int, PlacedModel]:
    """The load at its new place, by the identity of what it replaces."""
    c, s = np.cos(turn), np.sin(turn)
    new: dict[int, PlacedModel] = {}
    for q in load:
        dx, dy = q.x - thing.x, q.y - thing.y
        at = float(x + c * dx - s * dy), float(y + s * dx + c * dy)
        spot = _at(q.footprint, *at, q.yaw + turn)
        new[id(q)] = replace(q, x=at[0], y=at[1], yaw=q.yaw + turn, footprint=spot, wall=None)
    return new


def _at(footprint: Footprint, x: float, y: float, yaw: float) -> Footprint:
    return replace(footprint, x=x, y=y, yaw=yaw)


def _thing(room: Room, instance_id: int) -> PlacedModel:
    if not 1 <= instance_id <= len(room.placed):
        raise UserError(f"this room has objects 1 to {len(room.placed)}, not {instance_id}")
    return room.placed[instance_id - 1]


def _with_load(room: Room, instance_id: int) -> list[PlacedModel]:
    """A thing and everything that rests on it, directly or not; carriers come first."""
    load = [_thing(room, instance_id)]
    for q in room.placed:
        if q.parent is not None and any(q.parent is carrier for carrier in load):
            load.append(q)
    return load


def _swapped(room: Room, new: dict[int, PlacedModel]) -> Room:
    """The room with some things replaced, and their loads resting on the replacements."""
    fresh: dict[int, PlacedModel] = {}
    placed = []
    for q in room.placed:
        changed = new.get(id(q), q)
        if changed.parent is not None and id(changed.parent) in fresh:
            changed = replace(changed, parent=fresh[id(changed.parent)])
        if changed is not q:
            fresh[id(q)] = changed
        placed.append(changed)
    return _with(room, placed)


def _with(room: Room, placed: Sequence[PlacedModel]) -> Room:
    return Room(room.spec, room.plan, room.kinds, tuple(placed), room.shell, room.lighting)
