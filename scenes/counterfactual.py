"""Twins of a room that differ in one thing: an object moved, removed or recoloured.

Instance ids agree between twins: where an object is removed it is the last one of its room.
A mirrored twin changes the film, not the room: see `scenes.mirror`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from scenes.layout import Placed
from scenes.layout_space import Footprint, Space, overlap
from scenes.room import Lighting, Room, countable
from scenes.walk import Walk

Change = Literal["moved", "removed", "recoloured"]
COLOURS = {
    "red": "#b3322c",
    "blue": "#2f5fa8",
    "green": "#3f7d4f",
    "yellow": "#d9b23a",
    "black": "#1d1e20",
    "white": "#f2f1ec",
}
MIN_MOVE = 0.8
CAMERA_ROOM = 0.45
TRIES = 200


@dataclass(frozen=True, slots=True, eq=False)
class Twins:
    """Two rooms alike but for one object, ``instance_id`` in both (gone from the second when
    removed)."""

    before: Room
    after: Room
    change: Change
    instance_id: int


def make_twins(room: Room, walk: Walk, change: Change, rng: np.random.Generator) -> Twins | None:
    """Change one object that stands freely on the floor; ``None`` when none can be changed so.

    A moved object keeps clear of everything else and of the cameras of ``walk``.
    """
    loose = [p for p in room.placed if _changeable(room, p)]
    for k in rng.permutation(len(loose)):
        chosen = loose[k]
        if change == "removed":
            rest = tuple(p for p in room.placed if p is not chosen)
            before = _with(room, (*rest, chosen))
            return Twins(before, _with(room, rest), change, len(room.placed))
        changed = _recoloured(chosen, rng) if change == "recoloured" else None
        if change == "moved":
            changed = next(_elsewhere(room, walk, chosen, rng), None)
        if changed is not None:
            placed = tuple(changed if p is chosen else p for p in room.placed)
            return Twins(room, _with(room, placed), change, room.placed.index(chosen) + 1)
    return None


def relit(room: Room) -> Room:
    """The same room at night with its lamps on, or by day where it was night."""
    night = room.lighting.day > 0.3
    lighting = Lighting(day=0.04, lamps=1.0) if night else Lighting(day=1.0, lamps=0.3)
    return Room(room.spec, room.plan, room.kinds, room.placed, room.shell, lighting)


def _changeable(room: Room, placed: Placed) -> bool:
    carries = any(p.parent is placed for p in room.placed)
    return placed.z == 0 and not placed.wall and not carries and countable(placed.model.category)


def _with(room: Room, placed: tuple[Placed, ...]) -> Room:
    return Room(room.spec, room.plan, room.kinds, placed, room.shell, room.lighting)


def _elsewhere(
    room: Room, walk: Walk, placed: Placed, rng: np.random.Generator
) -> Iterator[Placed]:
    """The same object at random free places and turns, far enough from where it was."""
    space = Space(room.plan)
    space.solids = [p.footprint for p in room.placed if p is not placed]
    eyes = np.array([np.array(c.T_world_camera)[:2, 3] for c in walk.cameras])
    width, depth = room.plan.extent
    for _ in range(TRIES):
        x, y, yaw = rng.uniform(0, width), rng.uniform(0, depth), rng.uniform(-np.pi, np.pi)
        spot = replace(placed.footprint, x=float(x), y=float(y), yaw=float(yaw))
        far = np.hypot(x - placed.x, y - placed.y) >= MIN_MOVE
        if far and space.free(spot, 0.05) and _clear_of(spot, eyes):
            moved = replace(placed, x=spot.x, y=spot.y, yaw=spot.yaw, footprint=spot)
            if not any(overlap(spot, other) for other in space.solids):
                yield moved


def _clear_of(spot: Footprint, eyes: NDArray[np.float64]) -> bool:
    return not bool(spot.grown(CAMERA_ROOM).contains(eyes).any())


def _recoloured(placed: Placed, rng: np.random.Generator) -> Placed | None:
    """The object with every surface of its main colour in another one."""
    model = placed.model
    old = model.attributes.get("color")
    if old is None or not any(material.word == old for _, material in model.pieces):
        return None
    words = [word for word in COLOURS if word != old]
    word = words[int(rng.integers(len(words)))]
    pieces = tuple(
        (part, replace(m, colour=COLOURS[word], word=word) if m.word == old else m)
        for part, m in model.pieces
    )
    painted = replace(model, pieces=pieces, attributes={**model.attributes, "color": word})
    return replace(placed, model=painted)
