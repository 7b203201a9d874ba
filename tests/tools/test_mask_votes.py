"""Masks of many views become one in space: exact, spoilt, hidden, and seen once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveyor.core.geometry import Pose
from surveyor.tools.geometry.kept_masks import keep_mask, points_within, read_mask
from surveyor.tools.geometry.mask_votes import ViewMask, vote
from surveyor.tools.geometry.region_words import RegionWords, read_region
from surveyor.tools.geometry.rooms import outline_of, rooms_of
from surveyor.tools.geometry.surface import superpoints, surface_of
from surveyor.tools.geometry.viewing import FusingRule, RegisteredView, look_finely
from tests.support.box_room import CAMERA
from tests.support.mask_room import NAMES, MaskRoom, room, room_about


@pytest.fixture(scope="module")
def seen() -> MaskRoom:
    return room(12)


@pytest.mark.parametrize("thing", range(len(NAMES)))
def test_exact_masks_are_the_thing(seen: MaskRoom, thing: int) -> None:
    masks = seen.masks(thing)
    found = vote(seen.surface, seen.views, masks)
    assert seen.iou(found.points, thing) >= 0.95
    assert len(found.agreed) == len(masks)
    assert found.confidence > 0.8
    assert not {row.tobytes() for row in found.points} & {row.tobytes() for row in found.around}


@cache
def spoilt_ious() -> tuple[tuple[float, float], ...]:
    """(vote, union) of every thing, two masks hallucinated and two missing of twelve."""
    ious = []
    for thing in range(len(NAMES)):
        about = room_about(thing)
        masks = about.spoilt(thing, np.random.default_rng(thing))
        found = vote(about.surface, about.views, masks)
        union = about.union(masks)
        ious.append((about.iou(found.points, thing), about.iou(union, thing)))
    return tuple(ious)


def test_a_vote_beats_the_union_on_every_thing_that_two_views_hallucinate() -> None:
    ious = spoilt_ious()
    assert all(voted > union for voted, union in ious)
    assert np.mean([voted for voted, _ in ious]) >= 0.85


def test_a_thing_in_one_mask_of_many_views_is_told_and_doubted(seen: MaskRoom) -> None:
    (one, *_) = seen.masks(3)
    found = vote(seen.surface, seen.views, [one])
    assert len(found.points) >= 6
    assert found.agreed == (one.view,)
    assert found.visible > 1
    assert found.confidence < 0.2
    alone = vote(seen.surface, [seen.views[one.view]], [ViewMask(0, one.mask, one.score)])
    assert found.confidence < alone.confidence <= 0.2


def test_a_view_that_shows_too_little_for_a_mask_does_not_speak_against_one() -> None:
    """A thing of eight pixels has no mask: silence there is no opinion, near by it is one."""
    depth = np.full((60, 80), 2.0, np.float32)
    mask = np.zeros((60, 80), np.bool_)
    mask[20:40, 30:50] = True
    here = RegisteredView(Pose(np.eye(4)), CAMERA.resized(80, 60), depth)
    masks = [ViewMask(0, mask, 0.9), ViewMask(1, mask, 0.9)]
    small = CAMERA.resized(8, 6)
    far = RegisteredView(Pose(np.eye(4)), small, np.full((6, 8), 2.0, np.float32))
    surface = surface_of([here])
    least = vote(surface, [here, here, *[far] * 6], masks)
    silent = vote(surface, [here] * 8, masks)
    assert least.visible == 2
    assert least.confidence > 2 * silent.confidence


@settings(max_examples=30, deadline=None)
@given(st.floats(-0.4, 0.4), st.floats(1.0, 3.0), st.integers(0, 99))
def test_what_lies_just_behind_a_surface_is_told_from_it(
    slope: float, far: float, seed: int
) -> None:
    """A plane that recedes: its own points between pixels are seen, those 4 cm behind are not."""
    camera = CAMERA.resized(80, 60)
    u = np.arange(80)[None]
    across = (u - camera.cx) / camera.fx
    depth = np.repeat(far / (1 - slope * across), 60, axis=0).astype(np.float32)
    at = np.random.default_rng(seed).uniform([1, 1], [78, 58], (50, 2))
    x, y = (at[:, 0] - camera.cx) / camera.fx, (at[:, 1] - camera.cy) / camera.fy
    z = far / (1 - slope * x)
    points = np.column_stack([x * z, y * z, z])
    view = RegisteredView(Pose(np.eye(4)), camera, depth)
    rule = FusingRule(slack=0.02, slope=0.01)
    assert look_finely(points, view, rule).seen.all()
    behind = points * ((z + 0.04) / z)[:, None]
    assert not look_finely(behind, view, rule).seen.any()


def test_a_far_views_pixels_do_not_widen_what_a_near_view_outlines() -> None:
    depth = np.full((60, 80), 2.0, np.float32)
    near, coarse = np.zeros((60, 80), np.bool_), np.zeros((6, 8), np.bool_)
    near[20:40, 30:50], coarse[1:5, 2:6] = True, True
    here = RegisteredView(Pose(np.eye(4)), CAMERA.resized(80, 60), depth)
    far = RegisteredView(Pose(np.eye(4)), CAMERA.resized(8, 6), depth[::10, ::10])
    surface = surface_of([here])
    alone = vote(surface, [here], [ViewMask(0, near, 0.9)])
    masks = [ViewMask(0, near, 0.9), *(ViewMask(k, coarse, 0.9) for k in (1, 2))]
    both = vote(surface, [here, far, far], masks)
    assert {row.tobytes() for row in both.points} == {row.tobytes() for row in alone.points}


def test_without_the_depth_test_what_is_behind_is_taken_too(seen: MaskRoom) -> None:
    through = FusingRule(slack=1e6)

    def mean(looking: FusingRule) -> float:
        votes = [vote(seen.surface, seen.views, seen.masks(k), looking) for k in range(len(NAMES))]
        return float(np.mean([seen.iou(one.points, k) for k, one in enumerate(votes)]))

    assert mean(FusingRule()) - mean(through) >= 0.1


def inverted(pose: Pose) -> Pose:
    return Pose(np.linalg.inv(pose.T_world_camera).astype(np.float64))


def upside_down(pose: Pose) -> Pose:
    return Pose(pose.T_world_camera @ np.diag([1.0, -1.0, -1.0, 1.0]))


@pytest.mark.parametrize("wrong", [inverted, upside_down])
def test_poses_of_another_convention_link_nothing(
    seen: MaskRoom, wrong: Callable[[Pose], Pose]
) -> None:
    turned = [type(v)(wrong(v.pose), v.intrinsics, v.depth) for v in seen.views]
    ious = [
        seen.iou(vote(seen.surface, turned, seen.masks(thing)).points, thing)
        for thing in range(len(NAMES))
    ]
    assert max(ious) < 0.3


def test_nothing_in_gives_nothing_out(seen: MaskRoom) -> None:
    found = vote(seen.surface, seen.views, [])
    assert (len(found.points), found.confidence) == (0, 0.0)
    blank = ViewMask(0, np.zeros_like(seen.masks(0)[0].mask), 1.0)
    assert len(vote(seen.surface, seen.views, [blank]).points) == 0


def test_patches_do_not_turn_around_an_edge_and_are_small() -> None:
    flat = np.stack(np.meshgrid(np.arange(0, 1, 0.03), np.arange(0, 1, 0.03)), -1).reshape(-1, 2)
    floor, wall = np.insert(flat, 2, 0.0, axis=1), np.insert(flat, 0, 1.05, axis=1)
    patch = superpoints(np.concatenate([floor, wall]), 0.03)
    assert not set(patch[: len(floor)]) & set(patch[len(floor) :])
    for number in set(patch[: len(floor)]):
        assert np.ptp(floor[patch[: len(floor)] == number], axis=0).max() <= 0.21


def test_a_kept_mask_says_of_other_points_whether_they_are_in_it(tmp_path: object) -> None:
    from pathlib import Path

    from surveyor.core.blobs import BlobStore

    store = BlobStore(Path(str(tmp_path)) / "blobs")
    inside = np.array([[0.0, 0, 0], [0.03, 0, 0]])
    around = np.array([[0.06, 0, 0], [0.09, 0, 0]])
    mask, near = read_mask(store.get(keep_mask(inside, around, store).sha256))
    asked = np.array([[0.031, 0.01, 0], [0.055, 0, 0], [-0.05, 0, 0], [-0.2, 0, 0]])
    assert points_within(asked, mask, near).tolist() == [True, False, True, False]


@settings(max_examples=12)
@given(st.floats(3.0, 6.0), st.floats(2.5, 5.0), st.floats(0.8, 1.2))
def test_two_rooms_are_told_apart_by_their_wall(width: float, depth: float, door: float) -> None:
    """Two boxes side by side with a doorway of full height in the wall between them."""
    parts = []
    for x0, x1 in ((0.0, width), (width + 0.12, width + 3.2)):
        xs, ys = np.arange(x0, x1 + 1e-9, 0.05), np.arange(0, depth + 1e-9, 0.05)
        zs = np.arange(0, 2.5, 0.05)
        parts.append(grid(xs, ys, np.array([0.0])))
        parts += [grid(xs, np.array([y]), zs) for y in (0.0, depth)]
        for x in (x0, x1):
            inner = x in (width, width + 0.12)
            free = ys if not inner else ys[np.abs(ys - depth / 2) > door / 2]
            parts.append(grid(np.array([x]), free, zs))
    doorway = np.arange(depth / 2 - door / 2, depth / 2 + door / 2, 0.05)
    parts.append(grid(np.arange(width, width + 0.12, 0.05), doorway, np.array([0.0])))
    rooms = rooms_of(np.concatenate(parts))
    assert rooms.count == 2
    left, right = np.array([[width / 2, depth / 2, 1.0]]), np.array([[width + 1.6, 1.0, 0.5]])
    assert rooms.at(left)[0] != rooms.at(right)[0]
    assert min(rooms.at(left)[0], rooms.at(right)[0]) > 0
    assert rooms.at(np.array([[-5.0, 0, 0]]))[0] == 0


def grid(xs: np.ndarray, ys: np.ndarray, zs: np.ndarray) -> np.ndarray:
    return np.stack(np.meshgrid(xs, ys, zs, indexing="ij"), -1).reshape(-1, 3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("the room with the bed", RegionWords(("bed",))),
        ("the larger room of the two rooms", RegionWords(larger=True)),
        ("smallest room", RegionWords(larger=False)),
        ("The room where the washing machine is", RegionWords(("washing machine",))),
        ("Bedroom", RegionWords(("bed",))),
        ("the sleeping area (the floor within 1 m of the bed)", RegionWords(("bed",), 1.0)),
        ("the area around the sofa", RegionWords(("sofa",), 1.0)),
        ("sofa", RegionWords(("sofa",))),
        ("  ", RegionWords()),
    ],
)
def test_words_for_regions(text: str, words: RegionWords) -> None:
    assert read_region(text) == words


@given(st.text(max_size=80))
def test_any_words_are_read_as_something(text: str) -> None:
    found = read_region(text)
    assert found.reach is None or 0 < found.reach <= 10


def test_outlines_of_almost_nothing_are_empty() -> None:
    assert outline_of(np.zeros((2, 2))) == ()
    assert outline_of(np.zeros((9, 2))) == ()
