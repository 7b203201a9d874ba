"""Views of one thing that do not agree: laid onto each other, and voted on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from surveyor.core.geometry import Intrinsics, OrientedBox, Pose
from surveyor.tools.geometry.lifting import lift, steady
from surveyor.tools.geometry.refining import confirmed_points, settle
from surveyor.tools.geometry.viewing import FusingRule, RegisteredView, Sighting, disagreement, look

RULE = FusingRule()
CAMERA = Intrinsics.from_hfov(1.2, 64, 48)


def surface(seed: int, count: int = 900) -> np.ndarray:
    """Points on the faces of a box of 1.0 x 0.6 x 0.8 m."""
    rng = np.random.default_rng(seed)
    points = rng.uniform(-0.5, 0.5, (count, 3))
    axis = rng.integers(0, 3, count)
    points[np.arange(count), axis] = np.sign(points[np.arange(count), axis]) * 0.5
    return points * [1.0, 0.6, 0.8]


@settings(max_examples=15, deadline=None)
@example((0.0, 0.09375, 0.0), 13)  # the faces that tell of it are less than a third of the points
@given(st.tuples(*[st.floats(-0.1, 0.1)] * 3), st.integers(0, 99))
def test_shifted_views_are_laid_onto_each_other(offset: tuple[float, ...], seed: int) -> None:
    clouds = {0: surface(seed), 1: surface(seed + 100) + np.array(offset)}
    shifts = settle(clouds, RULE.loosened(0.05))
    assert np.mean(list(shifts.values()), axis=0) == pytest.approx([0, 0, 0], abs=1e-9)
    left = np.linalg.norm(offset + shifts[1] - shifts[0])
    assert left <= max(0.03, 0.6 * float(np.linalg.norm(offset)))


def test_views_that_agree_are_left_alone_and_strangers_are_not_dragged() -> None:
    agreeing = settle({0: surface(0), 1: surface(1) + 0.05}, RULE)
    assert all((shift == 0).all() for shift in agreeing.values())
    apart = settle({0: surface(0), 1: surface(1) + np.array([3.0, 0, 0])}, RULE.loosened(0.05))
    assert all((shift == 0).all() for shift in apart.values())


def wall(z: float) -> RegisteredView:
    return RegisteredView(Pose(np.eye(4)), CAMERA, np.full((48, 64), z, np.float32))


def test_a_view_tells_seen_from_floating_from_hidden() -> None:
    points = np.array([[0, 0, 2.0], [0, 0, 1.0], [0, 0, 3.0], [0, 0, -1.0], [9, 0, 2.0]])
    sight = look(points, wall(2.0), RULE)
    assert sight.seen.tolist() == [True, False, False, False, False]
    assert sight.floating.tolist() == [False, True, False, False, False]


def test_points_that_other_views_contradict_are_dropped() -> None:
    """Two views see a wall at 2 m; the third's outline spilled onto something nearer."""
    mask = np.zeros((48, 64), np.bool_)
    mask[16:32, 20:44] = True
    good = [wall(2.0), wall(2.0)]
    depth = np.full((48, 64), 2.0, np.float32)
    depth[16:20, 20:44] = 1.2
    views = [*good, RegisteredView(Pose(np.eye(4)), CAMERA, depth)]
    sightings = []
    for number, view in enumerate(views):
        points, pixels = lift(mask, view.depth, CAMERA)
        sightings.append(Sighting(number, 1.0, points, pixels))
    kept = confirmed_points(sightings, views, RULE)
    assert kept[:, 2] == pytest.approx(np.full(len(kept), 2.0), abs=0.2)
    assert np.ptp(kept[:, 0]) == pytest.approx(np.ptp(sightings[0].points[:, 0]), abs=0.02)


def test_the_smear_between_a_thing_and_its_background_is_no_surface() -> None:
    depth = np.full((48, 64), 4.0, np.float32)
    depth[10:30, 10:30] = 2.0
    depth[10:30, 30] = 2.7
    depth[10:30, 31] = 3.4
    mask = np.zeros(depth.shape, np.bool_)
    mask[10:30, 10:33] = True
    kept = steady(mask, depth)
    assert kept[10:30, 10:29].all()
    assert not kept[:, 30:32].any()
    thin = np.zeros(depth.shape, np.bool_)
    thin[10:30, 29:31] = True
    assert (steady(thin, depth) == thin).all(), "a thing that is all edges is kept"


def test_neighbouring_views_say_how_far_they_disagree() -> None:
    here, moved = wall(2.0), np.eye(4)
    moved[2, 3] = 0.1
    assert disagreement([here, here]) == pytest.approx(0, abs=1e-6)
    off = RegisteredView(Pose(moved), CAMERA, here.depth)
    assert disagreement([here, off]) == pytest.approx(0.1, abs=0.01)
    assert RULE.loosened(0.1).slack == pytest.approx(RULE.slack + 0.2)


def test_a_box_is_measured_by_one_views_width_when_views_drift() -> None:
    """A plain box seen whole from the front by three views that drift sideways."""
    rng = np.random.default_rng(0)
    box = OrientedBox.upright((0, 0, 0), (0.3, 0.2, 0.4), 0.0)
    views, sightings = [], []
    for number, slip in enumerate((-0.09, 0.0, 0.09)):
        eye = np.array([slip, -2.0, 0.0])
        true = Pose.look_at(np.array([0.0, -2.0, 0.0]), np.zeros(3))
        T = true.T_world_camera.copy()
        T[:3, 3] = eye
        pose = Pose(T)
        front = rng.uniform(-0.5, 0.5, (4000, 3)) * box.size
        front[:, 1] = -0.1
        flat, z = CAMERA.project(true.to_camera(front))
        depth = np.full((48, 64), 4.0, np.float32)
        pixels = np.unique(np.rint(flat).astype(np.int32), axis=0)
        depth[pixels[:, 1], pixels[:, 0]] = float(z.mean())
        views.append(RegisteredView(pose, CAMERA, depth))
        mask = depth < 3
        points, pixels = lift(mask, depth, CAMERA)
        sightings.append(Sighting(number, 1.0, pose.to_world(points), pixels))
    union = np.ptp(np.concatenate([s.points for s in sightings])[:, 0])
    assert union > 0.42
    kept = confirmed_points(sightings, views, RULE.loosened(0.05))
    assert np.ptp(kept[:, 0]) == pytest.approx(0.3, abs=0.05)
