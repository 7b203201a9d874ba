"""Geometry tokens keep metric scale; spoken actions and the expression that they are decoded by."""

from __future__ import annotations

import json
import math
import random
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.core.anchor_actions import AnchorAction, faults, read_action
from surveyor.core.blobs import BlobStore
from surveyor.core.cameras import Camera
from surveyor.core.errors import UserError
from surveyor.core.geometry import Intrinsics, Pose
from surveyor.core.geometry_tokens import BINS, WIDTH, vectors, view_geometry
from surveyor.scenes.formats.posed_images import camera_of
from surveyor.training.geometry.records import kept_views, read_records
from surveyor.training.geometry.spoken import pattern, spoken
from tests.support.box_room import CAMERA, BoxRoom


def cameras(room: BoxRoom) -> list[Camera]:
    return [camera_of(pose.T_world_camera, CAMERA) for pose in room.poses]


@pytest.fixture
def room(tmp_path: Path) -> BoxRoom:
    return BoxRoom(BlobStore(tmp_path / "frames"))


def test_a_view_comes_back_from_its_token(room: BoxRoom) -> None:
    for camera, (depth, _) in zip(cameras(room), room.views, strict=True):
        told = view_geometry(camera, depth)
        R = np.array(told.R).reshape(3, 3)
        assert np.abs(R @ R.T - np.eye(3)).max() < 1e-9
        T = np.array(camera.T_world_camera)
        assert np.array_equal(R, T[:3, :3])
        assert np.array_equal(told.t, T[:3, 3])
        fx, fy, cx, cy = told.K
        back = Intrinsics(
            fx=fx * 128, fy=fy * 96, cx=cx * 128 - 0.5, cy=cy * 96 - 0.5, width=128, height=96
        )
        assert np.allclose(back.matrix(), CAMERA.matrix())
        assert sum(told.depth_hist) == pytest.approx(1)
        assert told.depth_range == (depth.min(), depth.max())


def test_resampling_the_picture_changes_nothing_of_its_intrinsics() -> None:
    pose = Pose.look_at(np.array([0.0, 0, 1.5]), np.array([2.0, 1, 1])).T_world_camera
    half = view_geometry(camera_of(pose, CAMERA.resized(64, 48)), None)
    assert pytest.approx(view_geometry(camera_of(pose, CAMERA), None).K) == half.K


@given(st.floats(1.3, 4.0))
def test_a_larger_room_gives_other_numbers(scale: float) -> None:
    pose = Pose.look_at(np.array([0.0, 0, 1.5]), np.array([2.0, 1, 1])).T_world_camera
    camera = camera_of(pose, CAMERA)
    depth = np.linspace(0.6, 2.6, 128 * 96, dtype=np.float32).reshape(96, 128)
    small, large = view_geometry(camera, depth), view_geometry(camera, depth * np.float32(scale))
    assert np.abs(np.subtract(small.depth_hist, large.depth_hist)).sum() > 0.2
    assert large.depth_range[1] == pytest.approx(small.depth_range[1] * scale, rel=1e-5)


def test_what_is_not_known_is_masked_and_not_guessed(room: BoxRoom) -> None:
    known = view_geometry(cameras(room)[0], room.views[0][0])
    values, mask = vectors([None, known])
    assert values.shape == (2, WIDTH)
    assert mask.tolist() == [0, 1]
    assert not values[0].any()
    unmeasured = view_geometry(cameras(room)[0], np.zeros((4, 4), np.float32))
    assert unmeasured.depth_hist == (0.0,) * BINS
    assert unmeasured.depth_range == (0.0, 0.0)


@given(
    st.tuples(*[st.floats(-90, 90)] * 3),
    st.floats(-math.pi, math.pi),
    st.lists(st.floats(0.002, 90), min_size=2, max_size=3),
)
def test_a_spoken_action_is_whole_and_fits_its_form(
    center: tuple[float, float, float], yaw: float, extent: list[float]
) -> None:
    normal = (math.cos(yaw), math.sin(yaw), 0.0)
    text = spoken(AnchorAction('room "1"', center, normal, tuple(extent)))
    assert re.fullmatch(pattern('room "1"', len(extent)), text)
    read = read_action(text, 'room "1"', len(extent))
    assert np.abs(np.subtract(read.center, center)).max() <= 0.0051
    assert np.dot(read.normal, normal) >= math.cos(math.radians(2.6))


def test_whatever_fits_the_form_is_a_whole_action() -> None:
    dice = random.Random(1)
    form = re.compile(pattern("r"))
    for _ in range(200):
        said = spoken(
            AnchorAction(
                "r",
                tuple(dice.uniform(-9, 9) for _ in range(3)),
                dice.choice([(0.0, 0.0, 1.0), (0.6, 0.8, 0.0), (0.0, 0.0, -1.0)]),
                tuple(dice.uniform(0.01, 3) for _ in range(3)),
            )
        )
        assert form.fullmatch(said)
        assert not faults(json.loads(said), 3)
    assert not form.fullmatch(said.replace("[0, 0, 1]", "[0, 0, 2]") + " ")


@given(st.integers(1, 12), st.floats(0, 0.99), st.integers(0, 99))
def test_some_view_is_always_shown(views: int, dropout: float, seed: int) -> None:
    kept = kept_views(views, dropout, random.Random(seed))
    assert kept
    assert set(kept) <= set(range(views))
    assert kept_views(views, 0.0, random.Random(seed)) == list(range(views))


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"images": ["other/0.jpg"]}, "a picture is of another scene"),
        ({"geometry": [None, None]}, "geometry and images differ in number"),
        ({"answer": '{"action": "place_anchor"}'}, "no place_anchor action"),
        ({"question": None}, "question"),
    ],
)
def test_a_record_that_cannot_be_learnt_from_is_named(
    tmp_path: Path, changed: dict[str, Any], says: str
) -> None:
    action = AnchorAction("s", (1.0, 1.0, 1.0), (0.0, 0.0, 1.0), (1.0, 1.0, 1.0))
    row = {"images": ["s/0.jpg"], "geometry": [None], "task": "anchor", "question": "q"}
    row |= {"answer": action.text(), "scene_id": "s", "question_id": "1"}
    (tmp_path / "records.jsonl").write_text(json.dumps(row) + "\n")
    assert len(read_records(tmp_path)) == 1
    (tmp_path / "records.jsonl").write_text(json.dumps(row | changed) + "\n")
    with pytest.raises(UserError, match=rf"line 1: .*{says}"):
        read_records(tmp_path)
