"""Frames: depth, ids and RGB come from the same rays and agree with plane geometry."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from surveyor.core.geometry import DepthMap, Pose, Scale
from surveyor.scenes.capture.rendering import PHONE, camera_at, encode_jpeg, renderer
from surveyor.scenes.rooms.light.baking import BakeQuality
from surveyor.scenes.rooms.room import RoomSpec, build_room

SMALL = PHONE.resized(160, 120)
ROOM = build_room(RoomSpec(seed=1))


def view(k: int) -> Pose:
    """Some camera in the middle of the first room, looking around."""
    cell = ROOM.plan.cells[0]
    eye = np.array([*cell.centre, 1.5])
    ahead = np.array([np.cos(1.3 * k), np.sin(1.3 * k), -0.3])
    return Pose.look_at(eye, eye + ahead)


def test_floor_pixels_unproject_to_the_floor() -> None:
    floor = next(k for k, c in ROOM.surfaces.items() if c == "floor")
    for k in range(5):
        pose = view(k)
        frame = renderer(ROOM).render(camera_at(pose, SMALL), rgb=False)
        points, measured = DepthMap(frame.depth, Scale.METRIC).unproject(SMALL)
        world = pose.to_world(points[measured & (frame.ids == floor)])
        assert len(world) > 100
        assert np.abs(world[:, 2]).max() < 1e-5


def test_pixels_of_an_object_lie_on_its_box() -> None:
    for k in range(4):
        pose = view(k)
        frame = renderer(ROOM).render(camera_at(pose, SMALL), rgb=False)
        points, _ = DepthMap(frame.depth, Scale.METRIC).unproject(SMALL)
        for thing in ROOM.objects:
            own = pose.to_world(points[frame.ids == thing.instance_id])
            assert thing.box.contains(own, margin=1e-4).all()


@pytest.fixture(autouse=True, scope="module")
def quick_light() -> None:
    """Few light rays: these tests look at geometry and bytes, not at beauty."""
    renderer(ROOM).shader(BakeQuality(rays=6, bounces=1))


def test_the_cheap_mode_gives_the_same_depth_and_ids() -> None:
    camera = camera_at(view(0), SMALL)
    full, cheap = renderer(ROOM).render(camera), renderer(ROOM).render(camera, rgb=False)
    assert cheap.rgb is None
    assert full.rgb is not None
    assert full.rgb.shape == (120, 160, 3)
    assert full.depth.tobytes() == cheap.depth.tobytes()
    assert full.ids.tobytes() == cheap.ids.tobytes()


def test_equal_frames_give_equal_jpegs() -> None:
    camera = camera_at(view(1), SMALL)
    first, second = (renderer(ROOM).render(camera).rgb for _ in range(2))
    assert first is not None
    assert second is not None
    assert encode_jpeg(first) == encode_jpeg(second)
    assert Image.open(io.BytesIO(encode_jpeg(first))).size == (160, 120)
