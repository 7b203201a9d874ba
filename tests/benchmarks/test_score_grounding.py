"""ScanRefer and Multi3DRefer: thresholds, epsilons and matching as published."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.benchmarks.scorers.base import Outcome
from surveyor.benchmarks.scorers.registry import metric_named

SCANREFER = metric_named("scanrefer")
MULTI = metric_named("multi3drefer")

Box = list[list[float]]


def box(x: float, y: float = 1.0, z: float = 1.0, at: float = 0.0) -> Box:
    return [[at, 0.0, 0.0], [at + x, y, z]]


def hits(truth: object, prediction: object, profile: str) -> tuple[object, object]:
    values = SCANREFER.score({"gt_aabb": truth, "pred_aabb": prediction}, profile).values
    return values["hit_at_0.25"], values["hit_at_0.5"]


def f1(eval_type: str, truths: list[Box], predictions: object, profile: str = "m3dref") -> float:
    row = {"eval_type": eval_type, "gt_aabbs": truths, "pred_aabbs": predictions}
    return MULTI.score(row, profile).values["f1_at_0.25"]


def test_exact_thresholds_miss_in_scanrefer_and_mostly_hit_in_m3dref() -> None:
    for size, hit in ((2.0, (True, True)), (4.0, (True, False))):
        assert hits(box(size), box(1.0), "m3dref") == hit
    assert hits(box(2.0), box(1.0), "scanrefer") == (True, False)
    assert hits(box(4.0), box(1.0), "scanrefer") == (False, False)


def test_epsilon_swallows_tiny_boxes() -> None:
    cube = box(0.002, 0.002, 0.002)
    perfect = SCANREFER.score({"gt_aabb": cube, "pred_aabb": cube}, "scanrefer").values
    assert perfect["iou"] == pytest.approx(0.444, abs=0.02)
    assert perfect["hit_at_0.5"] is False
    assert hits(cube, cube, "m3dref") == (False, False)
    flat = box(1.0, 1.0, 0.0)
    assert SCANREFER.score({"gt_aabb": flat, "pred_aabb": flat}).values["iou"] == 0.0


def test_iou_is_float64_in_scanrefer_and_float32_in_m3dref() -> None:
    row = {"gt_aabb": box(1.0), "pred_aabb": box(1.0)}
    assert SCANREFER.score(row, "scanrefer").values["iou"] == 1 / (1 + 1e-8)
    assert SCANREFER.score(row, "m3dref").values["iou"] == 0.9999998807907104


def test_swapped_bounds_are_a_box_only_where_corners_are_taken() -> None:
    swapped = [[1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]
    assert hits(box(1.0), swapped, "scanrefer") == (True, True)
    assert hits(box(1.0), swapped, "m3dref") == (False, False)


@pytest.mark.parametrize(
    "prediction",
    [None, [], {}, "box", [[0, 0, 0]], [[0, 0], [1, 1]], [[0, 0, 0], [1, 1, "a"]], 3, [[[0]]]],
)
@pytest.mark.parametrize("profile", ["scanrefer", "m3dref"])
def test_unreadable_boxes_fail(prediction: object, profile: str) -> None:
    score = SCANREFER.score({"gt_aabb": box(1.0), "pred_aabb": prediction}, profile)
    assert score.outcome is Outcome.FAILED
    assert not any(score.values.values())


def test_boxes_that_are_not_finite_miss() -> None:
    for bad in (float("nan"), float("inf")):
        values = SCANREFER.score({"gt_aabb": box(1.0), "pred_aabb": box(1.0, bad)}).values
        assert values == {"iou": 0.0, "hit_at_0.25": False, "hit_at_0.5": False}
    row = {"eval_type": "mt", "gt_aabbs": [box(1.0)], "pred_aabbs": [box(float("nan"))]}
    assert MULTI.score(row).outcome is Outcome.FAILED


def test_the_two_multi3drefer_scorers_part_at_exactly_a_quarter() -> None:
    quarter, whole = box(0.25), box(1.0)
    assert f1("st_w_d", [whole], [quarter], "m3dref") == 0.0
    assert f1("st_w_d", [whole], [quarter], "chatscene") == 1.0


def test_matching_maximises_summed_iou_not_hits() -> None:
    # Crossed, both predictions would hit at 0.25 (0.29 each); straight, one is perfect, one misses.
    truths = [box(1.0), box(1.0, at=0.55)]
    predictions = [box(1.0), box(1.0, at=-0.55)]
    assert hits(truths[1], predictions[0], "m3dref") == (True, False)
    assert hits(truths[0], predictions[1], "m3dref") == (True, False)
    assert hits(truths[1], predictions[1], "m3dref") == (False, False)
    assert f1("mt", truths, predictions) == 0.5


@pytest.mark.parametrize("profile", ["m3dref", "chatscene"])
def test_counts_of_boxes_in_f1(profile: str) -> None:
    one, two = box(1.0), box(1.0, at=5.0)
    assert f1("mt", [one, two], [one, two], profile) == 1.0
    assert f1("mt", [one, two], [one], profile) == 2 / 3
    assert f1("st_w_d", [one], [one, one], profile) == 2 / 3
    assert f1("mt", [one, two], [], profile) == 0.0
    assert f1("zt_w_d", [], [], profile) == 1.0
    assert f1("zt_wo_d", [], [one], profile) == 0.0


def test_a_missing_prediction_is_not_an_empty_one() -> None:
    for eval_type in ("zt_w_d", "mt"):
        row = {"eval_type": eval_type, "gt_aabbs": [], "pred_aabbs": None}
        assert MULTI.score(row).outcome is Outcome.FAILED
    assert f1("zt_w_d", [], "I was thinking that") == 0.0


@pytest.mark.parametrize("eval_type", ["xt", None, 3, []])
def test_unknown_types_and_rows_of_nothing_fail(eval_type: object) -> None:
    row = {"eval_type": eval_type, "gt_aabbs": [box(1.0)], "pred_aabbs": [box(1.0)]}
    assert MULTI.score(row).outcome is Outcome.FAILED
    nothing = {"eval_type": "mt", "gt_aabbs": [], "pred_aabbs": []}
    assert MULTI.score(nothing).outcome is Outcome.FAILED


coordinates = st.floats(-10, 10, width=32)
sides = st.floats(0.125, 5, width=32)


@st.composite
def real_boxes(draw: st.DrawFn) -> Box:
    low = [draw(coordinates) for _ in range(3)]
    return [low, [start + draw(sides) for start in low]]


@given(real_boxes(), real_boxes(), st.sampled_from(["scanrefer", "m3dref"]))
def test_iou_is_symmetric_and_bounded(first: Box, second: Box, profile: str) -> None:
    there = SCANREFER.score({"gt_aabb": first, "pred_aabb": second}, profile).values
    back = SCANREFER.score({"gt_aabb": second, "pred_aabb": first}, profile).values
    assert there == back
    assert 0.0 <= there["iou"] <= 1.0


@given(st.lists(real_boxes(), min_size=1, max_size=4), st.sampled_from(MULTI.profiles))
def test_naming_exactly_the_targets_in_any_order_is_perfect(boxes: list[Box], profile: str) -> None:
    assert f1("mt", boxes, boxes[::-1], profile) == 1.0
