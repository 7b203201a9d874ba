"""Camera walks: coverage within the budget, free standing places, unblocked views, three styles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.core.cameras import Camera
from surveyor.core.errors import UserError
from surveyor.scenes.capture.coverage import Outline
from surveyor.scenes.capture.depth_maps import FrameMaps
from surveyor.scenes.capture.rendering import renderer
from surveyor.scenes.capture.trajectory import LARGE_ENOUGH, STYLES, Style, plan_trajectory
from surveyor.scenes.capture.view_scores import CameraView, all_far_from
from surveyor.scenes.capture.visibility import world_points
from surveyor.scenes.rooms.room import RoomSpec, build_room, countable

QUARTER = 16


@pytest.mark.parametrize("seed", [0, 3, 8])
def test_nearly_all_askable_objects_are_large_in_two_frames_and_it_is_known_which(
    seed: int,
) -> None:
    room = build_room(RoomSpec(seed=seed))
    trajectory = plan_trajectory(room, 32)
    small = trajectory.cameras[0].intrinsics.resized(160, 120)
    large = np.zeros(len(room.objects), int)
    for camera in trajectory.cameras:
        thumb = Camera(T_world_camera=camera.T_world_camera, intrinsics=small)
        frame = renderer(room).render(thumb, rgb=False)
        assert (frame.depth < 0.75).mean() < 0.3
        seen = np.bincount(frame.ids.ravel(), minlength=len(room.objects) + 1)
        large += seen[1 : len(room.objects) + 1] * QUARTER >= LARGE_ENOUGH
    asked = np.array([countable(o.category) for o in room.objects])
    assert len(trajectory.cameras) == 32
    promised = trajectory.covered() & asked
    assert promised.sum() >= 0.94 * asked.sum()
    assert (large[promised] >= 2).mean() >= 0.97


@pytest.mark.parametrize("style", STYLES)
def test_cameras_stand_clear_of_furniture(style: Style) -> None:
    room = build_room(RoomSpec(seed=7))
    for camera in plan_trajectory(room, 24, style=style).cameras:
        eye = np.array(camera.T_world_camera)[:3, 3]
        assert 1.2 < eye[2] < 1.75
        for q in room.placed:
            if q.model.category not in ("rug", "ceiling light"):
                assert not q.footprint.grown(0.1).contains(eye[None, :2]).any()


def test_walk_throughs_jump_farther_than_orbits() -> None:
    room = build_room(RoomSpec(seed=7))

    def median_step(style: Style) -> float:
        eyes = np.array(
            [
                np.array(c.T_world_camera)[:3, 3]
                for c in plan_trajectory(room, 32, style=style).cameras
            ]
        )
        return float(np.median(np.linalg.norm(np.diff(eyes, axis=0), axis=1)))

    assert median_step("walk_through") > 1.3 * median_step("orbit")


def test_plans_repeat() -> None:
    room = build_room(RoomSpec(seed=1))
    assert plan_trajectory(room, 16).cameras == plan_trajectory(room, 16).cameras


def test_a_capture_needs_frames() -> None:
    with pytest.raises(UserError, match="at least 1 frame"):
        plan_trajectory(build_room(RoomSpec(seed=1)), 0)


def test_turning_cameras_blur_a_little_and_standing_ones_do_not() -> None:
    room = build_room(RoomSpec(seed=1))
    turning, standing = (
        plan_trajectory(room, 24, style="pan"),
        plan_trajectory(room, 24, style="walk_through"),
    )
    assert turning.motion.shape == (24, 2)
    assert 0 < np.abs(turning.motion).max() < 12
    assert not standing.motion.any()


@pytest.mark.parametrize("seed", [9304, 9308, 11])
def test_all_of_the_plan_is_filmed_so_that_the_area_can_be_told(seed: int) -> None:
    room = build_room(RoomSpec(seed=seed))
    outline = Outline.of(room.plan)
    assert len(outline.marks) == len(outline.wall) == len(outline.corner)
    assert outline.corner.sum() == len(room.plan.outline)
    above = []
    for camera in plan_trajectory(room, 32).cameras:
        small = Camera(
            T_world_camera=camera.T_world_camera, intrinsics=camera.intrinsics.resized(160, 120)
        )
        frame = renderer(room).render(small, rgb=False)
        points, _ = world_points(small, FrameMaps(frame.depth, frame.ids))
        above.append(points[:, :2])
    seen = np.zeros(len(outline.marks), bool)
    mark = outline.mark_at(np.concatenate(above))
    seen[mark[mark >= 0]] = True
    assert seen[outline.corner].all()
    assert seen.mean() > 0.98


def test_what_lies_outside_the_plan_has_no_mark() -> None:
    outline = Outline.of(build_room(RoomSpec(seed=1)).plan)
    assert (outline.mark_at(np.array([[-3.0, 1.0], [50.0, 1.0]])) == -1).all()
    assert outline.mark_at(outline.marks[outline.corner]).tolist() == [
        int(k) for k in np.flatnonzero(outline.corner)
    ]


coordinate = st.floats(-20, 20)
view = st.builds(CameraView, coordinate, coordinate, coordinate, coordinate, coordinate)


@given(st.lists(view, min_size=1, max_size=6), view)
def test_distances_from_many_views_are_those_from_each(
    views: list[CameraView], one: CameraView
) -> None:
    assert all_far_from(views, one).tolist() == [each.far_from(one) for each in views]
