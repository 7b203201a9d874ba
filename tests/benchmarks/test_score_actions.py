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
