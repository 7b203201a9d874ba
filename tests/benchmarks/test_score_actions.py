"""Placing an anchor: the nearest admissible target, and no credit for half a record."""

from __future__ import annotations

import json
from typing import Any

import pytest

from surveyor.benchmarks.scorers.base import Outcome
from surveyor.benchmarks.scorers.registry import metric_named
from tests.benchmarks.test_every_metric import ANCHOR

FAR = {**ANCHOR, "center": [9.0, 0.0, 0.0], "normal": [0, 0, 1]}
METRIC = metric_named("anchor")


def score(**changed: Any) -> Any:
    row = {"admissible": [FAR, ANCHOR], "prediction": json.dumps({**ANCHOR, **changed})}
    return METRIC.score(row)


def test_the_nearest_admissible_target_counts() -> None:
    assert set(score().values.values()) == {1.0}
    assert set(score(**FAR).values.values()) == {1.0}


@pytest.mark.parametrize(
    ("away", "hits"),
    [(0.0499, (1, 1, 1, 1)), (0.0501, (1, 1, 1, 0)), (0.2, (1, 1, 0, 0)), (0.6, (0, 0, 0, 0))],
)
def test_centres_are_hit_within_their_radius(away: float, hits: tuple[int, ...]) -> None:
    values = score(center=[1, 2.5 + away, 0.4]).values
    assert tuple(values[f"center_at_{limit}"] for limit in (0.5, 0.25, 0.1, 0.05)) == hits
    if away > 0.5:  # the shape of something elsewhere is worth nothing
        assert values["normal"] == values["extent"] == 0.0


def test_normal_and_extent_have_tolerances() -> None:
    tilted = score(normal=[0.0, 0.9397, 0.342])  # 20 degrees
    assert (tilted.values["center_at_0.05"], tilted.values["normal"]) == (1.0, 0.0)
    assert score(extent=[0.7 * 1.19, 1.4, 0.8]).values["extent"] == 1.0
    assert score(extent=[0.7 * 1.21, 1.4, 0.8]).values["extent"] == 0.0


@pytest.mark.parametrize(
    "changed",
    [
        {"scene": "other"},
        {"action": "move"},
        {"center": [1, 2.5]},
        {"center": [1, 2.5, "x"]},
        {"center": [1, 2.5, float("nan")]},
        {"center": None},
        {"normal": [0, 2, 0]},
        {"extent": [0.7, 0, 0.8]},
        {"extent": [True, 1.4, 0.8]},
    ],
)
def test_half_a_record_is_none(changed: dict[str, Any]) -> None:
    found = score(**changed)
    assert found.outcome is Outcome.FAILED
    assert set(found.values.values()) == {0.0}


PARTS = metric_named("roomplan")
WALL = {**ANCHOR, "normal": [0, -1, 0], "extent": [4.0, 2.5]}


def parts(prediction: object, *admissible: dict[str, Any]) -> dict[str, float]:
    row = {"admissible": list(admissible or (FAR, ANCHOR)), "prediction": prediction}
    return dict(PARTS.score(row).values)


@pytest.mark.parametrize(
    ("prediction", "fails"),
    [
        ("place it at the table", {"valid_json", "keys", "arity", "schema", "scene_match"}),
        (
            json.dumps({k: v for k, v in ANCHOR.items() if k != "normal"}),
            {"keys", "arity", "schema"},
        ),
        (json.dumps({**ANCHOR, "extent": [0.5, 0.5]}), {"arity", "schema"}),
        (json.dumps({**ANCHOR, "center": [1, 2, float("nan")]}), {"arity", "schema"}),
        (json.dumps({**ANCHOR, "normal": [0, 2, 0]}), {"schema"}),
        (json.dumps({**ANCHOR, "scene": "other"}), {"scene_match"}),
    ],
)
def test_each_fault_fails_the_part_that_it_is_named_by(prediction: str, fails: set[str]) -> None:
    values = parts(prediction)
    form = {"valid_json", "keys", "arity", "schema", "scene_match"}
    assert {name for name in form if values[name] == 0} == fails
    assert {values[name] for name in values.keys() - form} == {0.0}, "no geometry of half a record"


def test_tricks_that_a_partial_match_rewards_are_worth_nothing() -> None:
    for trick in (
        "place_anchor",
        '"place_anchor"',
        "[]",
        "a",
        json.dumps(ANCHOR) + " place_anchor",
    ):
        assert set(parts(trick).values()) == {0.0}, trick


def test_errors_are_told_apart() -> None:
    moved = parts(json.dumps({**ANCHOR, "center": [1, 2.5, 0.47]}))
    assert moved["center_close"] == pytest.approx(0.93)
    assert (moved["center_at_0.05"], moved["center_at_0.1"]) == (0.0, 1.0)
    assert moved["box_iou"] == pytest.approx(0.73 / 0.87)
    assert parts(json.dumps({**ANCHOR, "normal": [1, 0, 0]}))["normal_close"] == pytest.approx(0.5)
    wider = parts(json.dumps({**ANCHOR, "extent": [0.7 * 1.3, 1.4, 0.8]}))
    assert wider["extent_close"] == pytest.approx(0.9)


def test_planes_have_two_edges_and_overlap_along_them() -> None:
    assert set(parts(json.dumps(WALL), WALL).values()) == {1.0}
    assert parts(json.dumps({**WALL, "extent": [4.0, 2.5, 0.1]}), WALL)["arity"] == 0.0
    aside = parts(json.dumps({**WALL, "center": [3.0, 2.5, 0.4]}), WALL)
    assert aside["box_iou"] == pytest.approx(1 / 3)
    off = parts(json.dumps({**WALL, "center": [1, 2.8, 0.4]}), WALL)
    assert off["box_iou"] == 0.0
