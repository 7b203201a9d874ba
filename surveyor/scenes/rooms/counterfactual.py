"""Which one thing to change in a room, so that it can be filmed before and after.

`surveyor.scenes.rooms.variants` makes the change; here an object is chosen that can bear it, ids
are made to agree between twins (a removed object is the last one of its room) and cameras are kept
clear.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from surveyor.core.errors import UserError
from surveyor.scenes.capture.trajectory import CameraTrajectory
from surveyor.scenes.rooms.room import Room, countable
from surveyor.scenes.rooms.surfaces.materials import COLOURS
from surveyor.scenes.rooms.variants import moved, recoloured, without

Change = Literal["moved", "removed", "recoloured"]
CAMERA_ROOM = 0.45
PLACES = 8


@dataclass(frozen=True, slots=True, eq=False)
class Twins:
    """Two rooms alike but for one object, ``instance_id`` in both (gone from the second when
    removed)."""

    before: Room
    after: Room
    change: Change
    instance_id: int


def make_twins(
    room: Room, trajectory: CameraTrajectory, change: Change, rng: np.random.Generator
) -> Twins | None:
    """Change one object that stands freely on the floor and carries nothing; ``None`` when none
    can be changed so. A moved object keeps clear of the cameras of ``trajectory``."""
    loose = [k + 1 for k in range(len(room.placed)) if _changeable(room, k)]
    order = [loose[k] for k in rng.permutation(len(loose))]
    # Questions ask about what there is one of, so changing that changes most answers.
    order.sort(key=lambda instance_id: not _only_one(room, instance_id))
    for chosen in order:
        if change == "removed":
            before = _last(room, chosen)
            instance_id = len(before.placed)
            return Twins(before, without(before, instance_id), change, instance_id)
        after = _recoloured(room, chosen, rng) if change == "recoloured" else None
        if change == "moved":
            after = _moved(room, trajectory, chosen)
        if after is not None:
            return Twins(room, after, change, chosen)
    return None


def _changeable(room: Room, index: int) -> bool:
    placed = room.placed[index]
    carries = any(other.parent is placed for other in room.placed)
    category = placed.model.category
    standing = placed.z == 0 and placed.parent is None and category not in ("door", "window")
    return standing and not carries and countable(category)


def _only_one(room: Room, instance_id: int) -> bool:
    categories = [item.category for item in room.objects]
    return categories.count(categories[instance_id - 1]) == 1


def _last(room: Room, instance_id: int) -> Room:
    """The same room with one object numbered last."""
    chosen = room.placed[instance_id - 1]
    rest = tuple(placed for placed in room.placed if placed is not chosen)
    return Room(room.spec, room.plan, room.kinds, (*rest, chosen), room.shell, room.lighting)


def _moved(room: Room, trajectory: CameraTrajectory, instance_id: int) -> Room | None:
    eyes = np.array([np.array(camera.T_world_camera)[:2, 3] for camera in trajectory.cameras])
    for seed in range(PLACES):
        try:
            after = moved(room, instance_id, seed)
        except UserError:
            return None
        spot = after.placed[instance_id - 1].footprint
        if not spot.grown(CAMERA_ROOM).contains(eyes).any():
            return after
    return None


def _recoloured(room: Room, instance_id: int, rng: np.random.Generator) -> Room | None:
    old = room.objects[instance_id - 1].attributes.get("color")
    words = [word for word in COLOURS if word != old]
    try:
        return recoloured(room, instance_id, words[int(rng.integers(len(words)))])
    except UserError:
        return None
