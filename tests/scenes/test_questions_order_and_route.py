"""Appearance order and route planning: answers replayed independently of how they were made."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveyor.core.blobs import BlobRef
from surveyor.core.cameras import Frame
from surveyor.scenes.questions.askable import AskableScene, CapturedScene
from surveyor.scenes.questions.draft import Draft
from surveyor.scenes.questions.vsi_appearance import appearance_order
from surveyor.scenes.questions.vsi_route import _walk, route_planning
from surveyor.scenes.records import SceneTruth
from surveyor.scenes.rooms.free_space import BODY_RADIUS, FreeSpace, inside_polygon, polygon_area
from tests.scenes.worlds import FURNITURE, living_room

CLEAR = 60


def filmed(truth: SceneTruth) -> AskableScene:
    image = BlobRef(sha256="0" * 64, media_type="image/jpeg", size=1)
    n = len(truth.visible_pixels)
    frames = tuple(Frame(index=k, time=0.6 * k, image=image) for k in range(n))
    return AskableScene(CapturedScene(truth, frames))


def seen_from(first: dict[str, int], n_frames: int = 12) -> AskableScene:
    """A living room where each category comes into view at its frame and stays."""
    truth = living_room("room", n_frames)
    rows = []
    for i in range(n_frames):
        clear = [first.get(item.category, n_frames - 2) <= i for item in truth.objects]
        rows.append(tuple(CLEAR if shown else 0 for shown in clear))
    truth = truth.model_copy(update={"visible_pixels": tuple(rows)})
    return filmed(truth)


def orders(scene: AskableScene) -> list[Draft]:
    return list(appearance_order(scene, np.random.default_rng(0)))


def test_order_is_by_first_sight() -> None:
    first = {"sofa": 6, "tv": 0, "table": 2, "stove": 4}
    found = orders(seen_from(first))
    assert found
    for draft in found:
        times = [first.get(name, 10) for name in draft.correct.split(", ")]
        assert times == sorted(times)
        assert len({draft.correct, *draft.wrong}) == 4
        assert all(sorted(w.split(", ")) == sorted(draft.correct.split(", ")) for w in draft.wrong)
        assert draft.margin is not None
        assert draft.margin > 1.0


def test_categories_within_a_second_are_not_ordered() -> None:
    found = orders(seen_from({"sofa": 6, "tv": 0, "table": 1, "stove": 4}))
    assert not [d for d in found if {"tv", "table"} <= set(d.correct.split(", "))]


def test_an_order_that_hangs_on_the_threshold_is_not_asked() -> None:
    first = {"sofa": 6, "tv": 0, "table": 2, "stove": 4}
    scene = seen_from(first)
    rows = [list(row) for row in scene.truth.visible_pixels]
    stove = next(k for k, o in enumerate(scene.truth.objects) if o.category == "stove")
    big = scene.truth.cameras[0].model_copy(
        update={"intrinsics": scene.truth.cameras[0].intrinsics.resized(320, 240)}
    )
    rows = [[n * 100 for n in row] for row in rows]
    rows[0][stove] = 50  # between 64 and 400 pixels of a 640 x 480 image
    truth = scene.truth.model_copy(
        update={"visible_pixels": tuple(map(tuple, rows)), "cameras": (big,) * len(rows)}
    )
    found = orders(filmed(truth))
    assert orders(scene)
    assert not [d for d in found if {"stove", "tv"} <= set(d.correct.split(", "))]


def routes(truth: SceneTruth) -> list[Draft]:
    return list(route_planning(AskableScene(CapturedScene(truth)), np.random.default_rng(1)))


def test_a_walk_may_end_where_no_leg_begins() -> None:
    """Free lines are sampled from one end, so a stop may be reached from which none goes on."""
    walks = {_walk({"sofa": ["clock"]}, np.random.default_rng(seed)) for seed in range(5)}
    assert walks == {("sofa", "clock")}


def test_walking_the_answer_reaches_the_goal() -> None:
    found = routes(living_room())
    assert len(found) > 4
    places = {name: np.array(c[:2]) for name, (c, _) in FURNITURE.items()}
    for draft in found:
        start, facing, dest = re.findall(
            r"at the (\w+) facing the (\w+)\..* to the (\w+)\. You", draft.question
        )[0]
        path = re.findall(r"Go forward until the (\w+)", draft.question)
        assert path[0] == facing
        assert path[-1] == dest
        heading = places[facing] - places[start]
        assert draft.question.count("[please fill in]") == 1 + len(path) - 1
        for here, there, turn in zip(path, path[1:], draft.correct.split(", "), strict=False):
            step = places[there] - places[here]
            angle = math.degrees(
                math.atan2(heading[0] * step[1] - heading[1] * step[0], heading @ step)
            )
            said = {"Turn Left": 90, "Turn Right": -90, "Turn Back": 180}[turn]
            assert abs((angle - said + 180) % 360 - 180) < 45
            heading = step


def test_route_choices_are_distinct_turn_strings_of_one_length() -> None:
    for draft in routes(living_room()):
        strings = [draft.correct, *draft.wrong]
        assert len(set(strings)) == len(strings) in (3, 4)
        assert len({s.count(",") for s in strings}) == 1


def test_a_scene_without_floor_plan_has_no_routes() -> None:
    assert not routes(living_room().model_copy(update={"rooms": ()}))


def test_bodies_keep_clear_of_furniture_and_walls() -> None:
    space = FreeSpace(living_room())
    assert space.free.any()
    assert not space.free[space.cell(np.array([0.2, 0.1]))]  # inside the table
    assert not space.free[space.cell(np.array([2.5, -2.5]))]  # within 20 cm of a wall
    assert space.free[space.cell(np.array([0.0, 1.2]))]
    assert space.walkable(np.array([-0.5, 1.0]), np.array([1.2, 1.0]))
    assert not space.walkable(np.array([0.2, 1.0]), np.array([0.2, -1.0]))  # through the table
    assert not space.walkable(np.array([0.0, 1.0]), np.array([9.0, 1.0]))  # out of the room


def test_one_stands_as_near_as_a_body_can() -> None:
    truth = living_room()
    space, table = FreeSpace(truth), truth.objects[2].box
    point = space.stand_point(table)
    assert point is not None
    gap = np.abs(table.to_local(np.array([[*point, 0.25]])))[0] - np.array(table.size) / 2
    assert BODY_RADIUS - 0.05 < float(np.linalg.norm(np.maximum(gap, 0))) < BODY_RADIUS + 0.1


@settings(max_examples=50, deadline=None)
@given(x=st.floats(-1, 5), y=st.floats(-1, 5))
def test_even_odd_rule_on_an_l_shape(x: float, y: float) -> None:
    polygon = ((0.0, 0.0), (4.0, 0.0), (4.0, 2.0), (2.0, 2.0), (2.0, 4.0), (0.0, 4.0))
    inside = 0 < x < 4 and 0 < y < 4 and (x < 2 or y < 2)
    edges = min(abs(v - e) for v in (x, y) for e in (0, 2, 4))
    if edges > 1e-9:
        assert bool(inside_polygon(np.array([[x, y]]), polygon)[0]) == inside


def test_polygon_area_is_signed() -> None:
    square = ((0.0, 0.0), (3.0, 0.0), (3.0, 2.0), (0.0, 2.0))
    assert polygon_area(square) == pytest.approx(6)
    assert polygon_area(square[::-1]) == pytest.approx(-6)
