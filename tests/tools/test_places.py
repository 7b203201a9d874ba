"""Cameras, regions and compass directions."""

from __future__ import annotations

import numpy as np
import pytest

from surveyor.core.geometry import Intrinsics, OrientedBox, Pose
from surveyor.tools.geometry.bearings import Sectors, direction_word
from surveyor.tools.geometry.floor import floor_of
from surveyor.tools.geometry.motion import Seen, turn_around
from surveyor.tools.geometry.parts import around, around_within, larger_or_smaller, two_parts


@pytest.mark.parametrize(
    ("degrees", "word"),
    [(0, "north"), (44, "north"), (46, "west"), (90, "west"), (180, "south"), (-90, "east")],
)
def test_compass_words_where_the_faced_lies_north(degrees: float, word: str) -> None:
    assert direction_word(np.deg2rad(degrees), Sectors.COMPASS) == word


def seen(angle: float, radius: float = 3.0) -> Seen:
    """A camera on a circle around the origin that looks at it, and a wall of dots there."""
    position = radius * np.array([np.cos(angle), np.sin(angle), 0.0])
    forward = -position / radius
    right = np.array([-forward[1], forward[0], 0.0]) * -1
    T = np.eye(4)
    T[:3, :3] = np.stack([right, [0, 0, -1], forward], axis=1)
    T[:3, 3] = position
    depth = np.full((60, 80), radius, np.float32)
    return Seen(Pose(T), Intrinsics(fx=80, fy=80, cx=40, cy=30, width=80, height=60), depth)


@pytest.mark.parametrize("turn", [0.4, -0.4])
def test_the_way_around_what_both_views_show(turn: float) -> None:
    found = turn_around(seen(0.0), seen(turn))
    assert found == pytest.approx(turn, abs=0.1)


def test_views_that_show_nothing_of_each_other_have_no_way_around() -> None:
    away = seen(0.0)
    T = away.pose.T_world_camera.copy()
    T[:3, :3] = T[:3, :3] @ np.diag([-1, 1, -1])
    assert turn_around(seen(0.0), Seen(Pose(T), away.intrinsics, away.depth)) is None


def walls(outline: list[tuple[float, float]]) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """Points of the walls and of the floor of an outline."""
    parts = []
    for (x0, y0), (x1, y1) in zip(outline, outline[1:] + outline[:1], strict=True):
        along = np.linspace(0, 1, 200)[:, None]
        line = np.array([x0, y0]) + along * np.array([x1 - x0, y1 - y0])
        parts += [np.column_stack([line, np.full(200, z)]) for z in np.arange(0, 2.5, 0.1)]
    return np.concatenate(parts)


L_SHAPE = [(0.0, 0.0), (6.0, 0.0), (6.0, 2.0), (3.0, 2.0), (3.0, 4.0), (0.0, 4.0)]


def test_the_arms_of_an_l_come_without_their_common_corner() -> None:
    parts = two_parts(floor_of(walls(L_SHAPE)))
    assert parts is not None
    larger, smaller = (part.mean(axis=0) for part in parts)
    middles = sorted([larger.tolist(), smaller.tolist()])
    assert middles[0] == pytest.approx([1.5, 3.0], abs=0.15)
    assert middles[1] == pytest.approx([4.5, 1.0], abs=0.15)


def test_the_larger_and_the_smaller_of_two_rooms_are_told_apart() -> None:
    outline = [
        (0.0, 0.0), (4.0, 0.0), (4.0, 1.6), (4.12, 1.6), (4.12, 0.0), (6.5, 0.0),
        (6.5, 4.0), (4.12, 4.0), (4.12, 2.5), (4.0, 2.5), (4.0, 4.0), (0.0, 4.0),
    ]  # fmt: skip
    cloud = walls(outline)
    for larger, middle in ((True, [2.0, 2.0]), (False, [5.3, 2.0])):
        found = larger_or_smaller(floor_of(cloud), cloud, larger=larger)
        assert found is not None
        assert found.mean(axis=0) == pytest.approx(middle, abs=0.15)


def test_a_rectangle_has_no_two_parts() -> None:
    square = walls([(0.0, 0.0), (5.0, 0.0), (5.0, 4.0), (0.0, 4.0)])
    assert two_parts(floor_of(square)) is None
    assert larger_or_smaller(floor_of(square), square, larger=True) is None


def test_floor_around_a_thing_at_a_wall_lies_on_the_rooms_side() -> None:
    cloud = walls([(0.0, 0.0), (5.0, 0.0), (5.0, 4.0), (0.0, 4.0)])
    bed = OrientedBox.upright((1.0, 2.0, 0.3), (2.0, 1.6, 0.6), 0.0)
    floor = floor_of(cloud)
    for points in (around(floor, bed, 1.0), around_within(cloud, floor.yaw, bed, 1.0)):
        assert points[:, 0].min() >= -0.1
        assert points.mean(axis=0) == pytest.approx([1.5, 2.0], abs=0.15)
