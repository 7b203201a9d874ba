"""The published ground-truth rules, against brute force and hand-worked cases."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from surveyor.core.geometry import OrientedBox
from surveyor.scenes.official.directions import Difficulty, direction, turn_angle
from surveyor.scenes.official.measures import (
    BoxDistances,
    BoxGrid,
    alpha_shape_area,
    exact_box_distance,
    grid_distance,
    longest_cm,
    unambiguous_nearest,
)

edges = st.floats(0.02, 1.2)
places = st.floats(-1.5, 1.5)
boxes = st.builds(
    lambda x, y, z, a, b, c, yaw: OrientedBox.upright((x, y, z), (a, b, c), yaw),
    places, places, places, edges, edges, edges, st.floats(-4, 4),
)  # fmt: skip


def cube(x: float, y: float, size: float = 0.2) -> OrientedBox:
    return OrientedBox(center=(x, y, size / 2), size=(size, size, size))


def test_the_point_set_keeps_the_outer_half_of_the_grid() -> None:
    points = BoxGrid(OrientedBox(center=(1, 2, 3), size=(0.5, 0.5, 0.5))).points
    local = points - [1, 2, 3]
    assert len(points) == 10**3 - 4**3
    assert np.isclose(np.abs(local).max(), 0.25)
    assert (np.abs(local) > 0.125).any(axis=1).all()


def test_an_edge_below_one_step_is_sampled_once_at_its_low_end() -> None:
    points = BoxGrid(OrientedBox(center=(0, 0, 0), size=(0.2, 0.2, 0.04))).points
    assert set(np.round(points[:, 2], 6)) == {-0.02}


@settings(max_examples=40, deadline=None)
@given(a=boxes, b=boxes)
def test_grid_distance_is_the_brute_force_minimum(a: OrientedBox, b: OrientedBox) -> None:
    first, second = BoxGrid(a), BoxGrid(b)
    brute = cKDTree(first.points).query(second.points)[0].min()
    assert grid_distance(first, second) == pytest.approx(brute, abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(a=boxes, b=boxes)
@example(
    a=OrientedBox.upright((1, 1, 0), (1, 1, 1), 0.0),
    b=OrientedBox.upright((1, 0, 1.5), (1, 1, 1), 5e-324),
)
def test_exact_distance_bounds_every_pair_of_points(a: OrientedBox, b: OrientedBox) -> None:
    exact = exact_box_distance(a, b)
    brute = cKDTree(BoxGrid(a, 0.1).points).query(BoxGrid(b, 0.1).points)[0].min()
    assert exact <= brute + 1e-6
    assert exact == pytest.approx(exact_box_distance(b, a), abs=1e-6)


def test_exact_distance_of_known_boxes() -> None:
    assert exact_box_distance(cube(0, 0), cube(1, 0)) == pytest.approx(0.8)
    assert exact_box_distance(cube(0, 0), cube(1, 1)) == pytest.approx(0.8 * math.sqrt(2))
    assert exact_box_distance(cube(0, 0), cube(0.1, 0)) == pytest.approx(0, abs=1e-6)


def test_distance_to_a_category_is_to_its_nearest_instance() -> None:
    distances = BoxDistances([cube(0, 0), cube(3, 0), cube(1, 0)])
    assert distances.closest(0, [1, 2]) == pytest.approx(0.8)
    assert distances.between(1, 2) == distances.between(2, 1)


@pytest.mark.parametrize(
    ("distances", "area", "index"),
    [
        ([1.0, 0.5, 2.0, 3.0], 20, 1),
        ([1.0, 0.5, 0.6, 3.0], 20, None),  # two within 15 cm
        ([1.0, 0.1, 2.0, 3.0], 20, None),  # nearer than 15 cm
        ([1.0, 0.5, 1.2, 3.0], 20, 1),
        ([1.0, 0.5, 1.2, 3.0], 41, None),  # 30 cm are needed in a large room
    ],
)
def test_ambiguity_of_the_nearest(distances: list[float], area: float, index: int | None) -> None:
    found = unambiguous_nearest(distances, area)
    assert (None if found is None else found.index) == index


def test_longest_edge_in_centimetres() -> None:
    assert longest_cm(OrientedBox(center=(0, 0, 0), size=(0.4, 1.236, 0.8))) == 124


def test_alpha_shape_fills_what_it_encloses_but_not_the_gap_of_an_l() -> None:
    rng = np.random.default_rng(0)
    square = rng.uniform(0, 4, (6000, 2))
    ring = square[np.linalg.norm(square - 2, axis=1) > 1]
    corner = square[(square[:, 0] < 2) | (square[:, 1] < 2)]
    assert alpha_shape_area(ring) == pytest.approx(16, rel=0.02)
    assert alpha_shape_area(corner) == pytest.approx(12, rel=0.03)
    assert alpha_shape_area(np.zeros((2, 2))) == 0.0
    assert alpha_shape_area(np.stack([np.arange(9.0), np.arange(9.0)], axis=1)) == 0.0


@pytest.mark.parametrize(
    ("x", "y", "hard", "medium"),
    [
        (-1.0, 1.0, "front-left", "left"),
        (1.0, 1.0, "front-right", "right"),
        (-1.0, -1.0, "back-left", None),  # on the 135 degree edge
        (-0.5, -1.0, "back-left", "back"),
        (0.5, -1.0, "back-right", "back"),
        (-0.05, 1.0, None, None),  # straight ahead
        (0.12, 1.0, None, None),  # within 10 degrees of ahead, on the low edge
        (-1.0, 0.1, None, "left"),  # within 10 degrees of abeam
    ],
)
def test_directions(x: float, y: float, hard: str | None, medium: str | None) -> None:
    scene = cube(0, 0), cube(0, 1), cube(x, y, 0.05)
    found = direction(*scene, Difficulty.HARD), direction(*scene, Difficulty.MEDIUM)
    assert [None if d is None else d.name for d in found] == [hard, medium]
    easy = direction(*scene, Difficulty.EASY)
    assert (None if easy is None else easy.name) == (None if medium == "back" else medium)


def test_a_wide_object_that_straddles_quadrants_is_ambiguous() -> None:
    wide = OrientedBox(center=(-0.4, 1.0, 0), size=(2.0, 0.1, 0.1))
    assert direction(cube(0, 0), cube(0, 1), wide, Difficulty.HARD) is None


@settings(max_examples=50, deadline=None)
@given(angle=st.floats(0, 6.28), turn=st.floats(0, 6.28), x=places, y=places)
def test_turn_angle_ignores_where_the_world_points(
    angle: float, turn: float, x: float, y: float
) -> None:
    origin = np.array([x, y, 0])
    ahead = origin + np.array([math.cos(turn), math.sin(turn), 0])
    there = origin + 2 * np.array([math.cos(turn + angle), math.sin(turn + angle), 0])
    found = turn_angle(origin, ahead, there)
    assert abs(math.remainder(found - angle, 2 * math.pi)) < 1e-6
