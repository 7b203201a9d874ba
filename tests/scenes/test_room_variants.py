"""Twins differ in exactly what they say."""

from __future__ import annotations

import numpy as np
import pytest

from surveyor.core.errors import UserError
from surveyor.scenes.rooms.light.sources import lights_of
from surveyor.scenes.rooms.room import Lighting, RoomSpec, build_room
from surveyor.scenes.rooms.variants import moved, recoloured, relit, without
from tests.claims.rooms.exactness import collisions, floating

ROOM = build_room(RoomSpec(seed=1))
TABLE = next(o for o in ROOM.objects if o.category == "table")
LOAD = [o for o in ROOM.objects if o.supported_by == TABLE.instance_id]


def test_removing_takes_the_load_along() -> None:
    assert LOAD
    left = without(ROOM, TABLE.instance_id)
    assert len(left.objects) == len(ROOM.objects) - 1 - len(LOAD)
    boxes = [o.box for o in left.objects]
    assert TABLE.box not in boxes


def test_moving_keeps_everything_else_and_stays_sound() -> None:
    twin = moved(ROOM, TABLE.instance_id)
    for before, after in zip(ROOM.objects, twin.objects, strict=True):
        carried = before.instance_id == TABLE.instance_id or before in LOAD
        assert (before.box == after.box) != carried
        assert before.supported_by == after.supported_by
    assert collisions(twin) == []
    assert floating(twin) == []


def test_recolouring_changes_only_the_colour() -> None:
    chair = next(o for o in ROOM.objects if o.category == "chair")
    twin = recoloured(ROOM, chair.instance_id, "purple")
    after = twin.objects[chair.instance_id - 1]
    assert after.attributes["color"] == "purple" != chair.attributes["color"]
    assert after.box == chair.box
    assert twin.mesh().vertices.tobytes() == ROOM.mesh().vertices.tobytes()


def test_relighting_changes_the_lights_alone() -> None:
    night = relit(ROOM, Lighting(day=0.01))
    brightest = [
        max(max(q.radiance) for q in lights_of(r) if len(q.points) == 12) for r in (ROOM, night)
    ]
    assert brightest[1] < 0.1 * brightest[0]
    assert night.objects == ROOM.objects


def test_impossible_twins_end_in_one_sentence() -> None:
    door = next(o for o in ROOM.objects if o.category == "door")
    with pytest.raises(UserError, match="cannot be moved"):
        moved(ROOM, door.instance_id)
    with pytest.raises(UserError, match="no colour 'plaid'"):
        recoloured(ROOM, 1, "plaid")
    with pytest.raises(UserError, match="objects 1 to"):
        without(ROOM, 10_000)
    assert np.isfinite(ROOM.area)
