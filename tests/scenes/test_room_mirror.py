"""A mirrored room is the mirror image of the room, in truth and in pixels."""

from __future__ import annotations

import numpy as np
import pytest

from surveyor.core.geometry import Pose
from surveyor.scenes.capture.rendering import Renderer, camera_at
from surveyor.scenes.rooms.mirror_twin import mirrored
from surveyor.scenes.rooms.room import RoomSpec, build_room
from tests.claims.rooms.exactness import THUMB, collisions, floating, inside_cameras

ROOM = build_room(RoomSpec(seed=2))
TWIN = mirrored(ROOM)


def test_frames_are_flipped() -> None:
    width = ROOM.plan.extent[0]
    across = np.diag([-1.0, 1.0, 1.0])
    films = Renderer(ROOM), Renderer(TWIN)
    for camera in inside_cameras(ROOM, 2):
        T = np.array(camera.T_world_camera)
        reflected = np.eye(4)
        reflected[:3, :3] = across @ T[:3, :3] @ across
        reflected[:3, 3] = across @ T[:3, 3] + (width, 0, 0)
        first = films[0].render(camera, rgb=False)
        second = films[1].render(camera_at(Pose(reflected), THUMB), rgb=False)
        same = first.ids == second.ids[:, ::-1]
        assert same.mean() > 0.999
        assert np.abs(first.depth - second.depth[:, ::-1])[same].max() < 1e-3


def test_distances_stay_and_fronts_turn() -> None:
    for a, b in zip(ROOM.objects, TWIN.objects, strict=True):
        assert a.box.size == pytest.approx(b.box.size)
        assert a.box.center[0] + b.box.center[0] == pytest.approx(ROOM.plan.extent[0])
        assert a.box.center[1:] == pytest.approx(b.box.center[1:])
        if a.front is not None and b.front is not None:
            assert b.front[0] == pytest.approx(-a.front[0], abs=1e-9)
            assert b.front[1] == pytest.approx(a.front[1], abs=1e-9)


def test_the_twin_is_sound_and_twice_mirrored_is_the_room() -> None:
    assert collisions(TWIN) == []
    assert floating(TWIN) == []
    again = mirrored(TWIN)
    assert np.allclose(again.polygon, ROOM.polygon)
    assert again.area == pytest.approx(ROOM.area)
    assert np.allclose(again.mesh().vertices, ROOM.mesh().vertices, atol=1e-5)
    for first, second in zip(ROOM.plan.walls(), again.plan.walls(), strict=True):
        assert np.allclose(first.start, second.start)
        assert np.allclose(first.inward, second.inward)
