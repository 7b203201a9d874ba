"""Properties of the measuring geometry, checked against brute force."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveyor.core.geometry import Intrinsics, OrientedBox, Pose
from surveyor.tools.geometry.bearings import Sectors, bearing, direction_word
from surveyor.tools.geometry.boxes import box_distance, fit_upright_box
from surveyor.tools.geometry.clouds import main_part, thin
from surveyor.tools.geometry.discs import disc_of
from surveyor.tools.geometry.floor import floor_area, room_yaw
from surveyor.tools.geometry.lifting import invert_affine, lift, resample_mask
from surveyor.tools.geometry.scale import metric_ratio
from surveyor.tools.geometry.upright import upright
from tests.support.box_room import closest

angles = st.floats(0, 2 * np.pi)
places = st.tuples(*[st.floats(-4, 4)] * 3)
edges = st.tuples(*[st.floats(0.05, 2)] * 3)
seeds = st.integers(0, 2**32 - 1)


def rotation(seed: int) -> np.ndarray:
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    q = q * np.sign(np.diag(r))
    return q * np.sign(np.linalg.det(q))


def any_box(center: tuple[float, ...], size: tuple[float, ...], seed: int) -> OrientedBox:
    axes = tuple(tuple(map(float, row)) for row in rotation(seed))
    return OrientedBox(center=center, size=size, axes=axes)


def filled(box: OrientedBox, count: int) -> np.ndarray:
    """Points on a grid that fills the box, faces included."""
    axis = np.linspace(-0.5, 0.5, count)
    grid = np.stack(np.meshgrid(axis, axis, axis), axis=-1).reshape(-1, 3)
    return np.array(box.center) + grid * np.array(box.size) @ np.array(box.axes)


@settings(max_examples=60, deadline=None)
@given(places, edges, seeds, places, edges, seeds)
def test_box_distance_agrees_with_dense_points(p, s, a, q, t, b) -> None:  # type: ignore[no-untyped-def]
    one, other = any_box(p, s, a), any_box(q, t, b)
    exact = box_distance(one, other)
    assert exact == pytest.approx(box_distance(other, one), abs=1e-9)
    sampled = closest(filled(one, 7), filled(other, 7))
    spacing = float(np.linalg.norm(np.array(s) / 6) + np.linalg.norm(np.array(t) / 6)) / 2
    assert exact <= sampled + 1e-9
    assert sampled - exact <= spacing + 1e-9


def test_boxes_that_cross_without_a_corner_inside_touch() -> None:
    beam = OrientedBox.upright((0, 0, 0), (4, 0.2, 0.2), 0.0)
    post = OrientedBox.upright((0, 0, 0), (0.2, 0.2, 4), 0.3)
    assert box_distance(beam, post) == 0.0
    assert box_distance(beam, post.model_copy(update={"center": (0, 0.5, 0)})) > 0.2


@settings(max_examples=40, deadline=None)
@given(places, edges, angles)
def test_a_box_is_found_again_from_its_surface(center, size, yaw) -> None:  # type: ignore[no-untyped-def]
    box = OrientedBox.upright(center, size, yaw)
    found = fit_upright_box(filled(box, 6))
    assert sorted(found.size) == pytest.approx(sorted(size), rel=0.02, abs=2e-3)
    assert found.center == pytest.approx(center, abs=2e-3)


def test_a_preferred_yaw_is_taken_only_when_it_costs_little() -> None:
    square = filled(OrientedBox.upright((0, 0, 0), (1, 1, 1), 0.0), 6)
    assert fit_upright_box(square, yaw=0.1, slack=1.3).size[0] > 1.05
    assert fit_upright_box(square, yaw=0.1, slack=1.05).size[0] == pytest.approx(1.0)


@settings(max_examples=40, deadline=None)
@given(seeds, st.floats(0.02, 0.5))
def test_thinning_keeps_extremes_and_covers_all(seed: int, voxel: float) -> None:
    points = np.random.default_rng(seed).uniform(-2, 2, (300, 3))
    kept = points[thin(points, voxel)]
    assert kept.min(axis=0) == pytest.approx(points.min(axis=0), abs=voxel)
    for axis in (0, 1, 2):
        assert kept[:, axis].max() == points[:, axis].max()
    far = np.sqrt(((points[:, None] - kept[None]) ** 2).sum(-1)).min(axis=1)
    assert far.max() <= voxel * np.sqrt(3) + 1e-9


def test_strays_are_dropped_and_large_parts_kept() -> None:
    body = filled(OrientedBox.upright((0, 0, 0), (1, 1, 1), 0.0), 10)
    leg = filled(OrientedBox.upright((0, 0, 2), (0.5, 0.5, 0.5), 0.0), 8)
    stray = np.array([[5.0, 5, 5], [5.01, 5, 5]])
    kept = main_part(np.concatenate([body, leg, stray]))
    assert kept[:-2].all()
    assert not kept[-2:].any()


@settings(max_examples=60, deadline=None)
@given(angles, st.floats(0.3, 5), angles, st.floats(0.3, 5), places)
def test_bearing_is_the_turn_from_facing_to_looking(face, r, turn, q, stand) -> None:  # type: ignore[no-untyped-def]
    origin = np.array(stand)
    ahead = origin + r * np.array([np.cos(face), np.sin(face), 0])
    aim = origin + q * np.array([np.cos(face + turn), np.sin(face + turn), 0.7])
    difference = bearing(origin, ahead, aim) - turn
    assert np.cos(difference) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize(
    ("degrees", "easy", "medium", "hard"),
    [
        (30, "left", "left", "front-left"),
        (-30, "right", "right", "front-right"),
        (120, "left", "left", "back-left"),
        (-160, "right", "back", "back-right"),
        (140, "left", "back", "back-left"),
    ],
)
def test_direction_words(degrees: float, easy: str, medium: str, hard: str) -> None:
    angle = np.deg2rad(degrees)
    assert direction_word(angle, Sectors.EASY) == easy
    assert direction_word(angle, Sectors.MEDIUM) == medium
    assert direction_word(angle, Sectors.HARD) == hard


def shell(
    outline: list[tuple[float, float]], yaw: float, heights: tuple[float, ...] = (0.0, 1.0)
) -> np.ndarray:
    """Points on the walls above an outline, at a few heights."""
    corners = np.array([*outline, outline[0]])
    points = []
    for a, b in pairwise(corners):
        steps = np.linspace(0, 1, int(np.linalg.norm(b - a) / 0.03))[:, None]
        points.append(a + steps * (b - a))
    flat = np.concatenate(points)
    c, s = np.cos(yaw), np.sin(yaw)
    flat = flat @ np.array([[c, s], [-s, c]])
    return np.concatenate([np.c_[flat, np.full(len(flat), z)] for z in heights])


@pytest.mark.parametrize("yaw", [0.0, 0.4, 1.2])
def test_floor_of_a_rectangle_and_of_an_l(yaw: float) -> None:
    rectangle = shell([(0, 0), (5, 0), (5, 4), (0, 4)], yaw)
    assert floor_area(rectangle) == pytest.approx(20, rel=0.02)
    assert np.cos(4 * (room_yaw(rectangle) - yaw)) > 0.99
    angled = shell([(0, 0), (5, 0), (5, 2), (2.5, 2), (2.5, 4), (0, 4)], yaw)
    assert floor_area(angled) == pytest.approx(15, rel=0.05)


@pytest.mark.parametrize("yaw", [0.0, 0.4])
def test_recesses_of_windows_are_no_floor_and_tilt_no_room(yaw: float) -> None:
    room = [shell([(0, 0), (5, 0), (5, 4), (0, 4)], yaw, (0, 1.4, 2.5))]
    # Niches 14 cm deep, from 0.9 to 2.2 m, off the middle of three walls.
    for x0, x1, y0, y1 in ((1, 3, -0.14, 0), (5, 5.14, 0.2, 1.6), (3, 4.8, 4, 4.14)):
        niche = shell([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], yaw, (0.9, 1.4, 2.2))
        room.append(niche)
    cloud = np.concatenate(room)
    assert len(cloud) > len(room[0])
    assert floor_area(cloud) == pytest.approx(20, rel=0.02)


def test_a_corner_seen_only_at_middle_height_is_floor_all_the_same() -> None:
    room = shell([(0, 0), (5, 0), (5, 2), (2.5, 2), (2.5, 4), (0, 4)], 0.0, (0, 1.4, 2.5))
    x, y = np.meshgrid(np.arange(0, 5, 0.03), np.arange(0, 2.6, 0.03))
    floor = np.stack([x[(x < 2.5) | (y < 2)], y[(x < 2.5) | (y < 2)]], axis=1)
    room = np.concatenate([room, np.c_[floor, np.zeros(len(floor))]])
    hidden = (room[:, 1] > 2.6) & ((room[:, 2] < 0.8) | (room[:, 2] > 2.0))
    assert floor_area(room[~hidden]) == pytest.approx(15, rel=0.05)


def test_lifting_is_the_inverse_of_projecting() -> None:
    camera = Intrinsics.from_hfov(1.2, 32, 24)
    depth = np.random.default_rng(0).uniform(1, 4, (24, 32)).astype(np.float32)
    depth[3, 5] = 0
    mask = np.zeros(depth.shape, np.bool_)
    mask[2:8, 4:20] = True
    points, pixels = lift(mask, depth, camera)
    assert len(points) == mask.sum() - 1, "unmeasured pixels are left out"
    flat, z = camera.project(points)
    assert flat == pytest.approx(pixels)
    assert z == pytest.approx(depth[pixels[:, 1], pixels[:, 0]])


def test_masks_follow_their_image_through_crops_and_scales() -> None:
    mask = np.zeros((40, 60), np.bool_)
    mask[10:20, 30:50] = True
    assert resample_mask(mask, 30, 20).sum() == pytest.approx(mask.sum() / 4, rel=0.2)
    crop = mask[5:25, 20:60]
    to_crop = invert_affine((1, 0, 20, 0, 1, 5))
    assert (resample_mask(crop, 60, 40, to_crop) == mask).all()


def test_scale_ratio_survives_a_bad_frame() -> None:
    rng = np.random.default_rng(0)
    units = [rng.uniform(1, 3, (12, 16)).astype(np.float32) for _ in range(5)]
    metres = [view * np.float32(2.5) for view in units]
    metres[1] = metres[1] * 3
    metres[0][:6] = 0
    ratio, spread = metric_ratio(metres, units)
    assert ratio == pytest.approx(2.5, rel=1e-3)
    assert spread < 0.01


@settings(max_examples=20, deadline=None)
@given(seeds)
def test_up_is_found_from_level_cameras(seed: int) -> None:
    rng, turn = np.random.default_rng(seed), rotation(seed)
    poses = []
    for _ in range(6):
        eye = rng.uniform(-2, 2, 3)
        pose = Pose.look_at(eye, eye + np.array([*rng.normal(size=2), -0.3]))
        T = pose.T_world_camera.copy()
        T[:3] = turn @ T[:3]
        poses.append(Pose(T))
    assert upright(poses) @ turn @ [0, 0, 1] == pytest.approx([0, 0, 1], abs=1e-6)


@settings(max_examples=40, deadline=None)
@given(places, st.floats(0.03, 0.6), angles, st.floats(155, 360))
def test_a_round_thing_is_boxed_whole_from_the_side_that_was_seen(
    center: tuple[float, float, float], radius: float, start: float, arc: float
) -> None:
    turns = start + np.radians(np.arange(0, arc, 3.0))
    ring = np.column_stack([np.cos(turns), np.sin(turns)]) * radius + center[:2]
    points = np.concatenate([np.column_stack([ring, np.full(len(ring), z)]) for z in (0.0, 0.4)])
    found = fit_upright_box(points, yaw=0.2)
    assert found.center[:2] == pytest.approx(center[:2], abs=2e-3)
    assert found.size == pytest.approx((2 * radius, 2 * radius, 0.4), abs=4e-3)


def test_what_sticks_out_of_a_circle_or_is_less_than_half_of_one_is_no_disc() -> None:
    turns = np.radians(np.arange(0, 360, 4.0))
    ring = np.column_stack([np.cos(turns), np.sin(turns)])
    assert disc_of(ring) is not None
    assert disc_of(np.vstack([ring, [1.3, 0.0]])) is None
    assert disc_of(ring[:35]) is None
    assert disc_of(filled(OrientedBox.upright((0, 0, 0), (1, 1, 1), 0.3), 12)[:, :2]) is None
