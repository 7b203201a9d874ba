"""Point masks: Reason3D's IoU to the float32, and the dataset means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.benchmarks.scorers.base import Outcome
from surveyor.benchmarks.scorers.masks import MaskOverlap, summarize_masks
from surveyor.benchmarks.scorers.registry import metric_named

REASON3D = metric_named("reason3d")


def score(truth: object, prediction: object, n_points: object = 100) -> dict[str, object]:
    row = {"n_points": n_points, "gt_indexes": truth, "pred_indexes": prediction}
    return dict(REASON3D.score(row).values)


def test_one_perfect_point_is_not_quite_one() -> None:
    assert score([3], [3])["iou"] == 0.9999990463256836
    assert score(list(range(50)), list(range(50)))["iou"] == 1.0


def test_thresholds_are_strict() -> None:
    many = list(range(64))
    assert score(many, many[:32]) == {"iou": 0.5, "hit_at_0.25": True, "hit_at_0.5": False}
    assert score(many, many[:16]) == {"iou": 0.25, "hit_at_0.25": False, "hit_at_0.5": False}
    assert score(many, many[:33])["hit_at_0.5"] is True


def test_two_empty_masks_miss() -> None:
    assert score([], []) == {"iou": 0.0, "hit_at_0.25": False, "hit_at_0.5": False}


def test_repeated_points_count_once() -> None:
    assert score([1, 2], [1, 1, 2, 2]) == score([1, 2], [1, 2])


@pytest.mark.parametrize("prediction", [None, "1 2", {"a": 1}, [100], [-1], [1.5], [True], [[1]]])
def test_unreadable_masks_fail(prediction: object) -> None:
    row = {"n_points": 100, "gt_indexes": [1], "pred_indexes": prediction}
    assert REASON3D.score(row).outcome is Outcome.FAILED
    assert REASON3D.score(row | {"n_points": "100", "pred_indexes": [1]}).failure


def test_means_over_a_dataset() -> None:
    small, large = MaskOverlap(intersection=5, union=10), MaskOverlap(intersection=900, union=1000)
    summary = summarize_masks([small, large, None])
    assert summary.miou == pytest.approx((0.5 + 0.9) / 3, abs=1e-6)
    assert summary.ciou == pytest.approx(905 / 1010)
    assert (summary.acc_25, summary.acc_50) == (2 / 3, 1 / 3)
    both_empty = summarize_masks([MaskOverlap(0, 0)])
    assert (both_empty.giou, both_empty.miou, both_empty.ciou) == (1.0, 0.0, 0.0)
    missed = summarize_masks([large, MaskOverlap(0, 1000)])
    assert missed.ciou == 0.45
    with pytest.raises(ValueError, match="no rows"):
        summarize_masks([])


@given(st.frozensets(st.integers(0, 30)), st.frozensets(st.integers(0, 30)))
def test_overlap_counts_points(first: frozenset[int], second: frozenset[int]) -> None:
    overlap = MaskOverlap.of(first, second)
    assert overlap == MaskOverlap(len(first & second), len(first | second))
    assert 0.0 <= overlap.reason3d_iou <= 1.0


REGION = {"n_points": 10, "gt_indexes": [0, 1, 2, 3], "region_indexes": [0, 1, 2, 3, 4, 5]}


@pytest.mark.parametrize(
    ("said", "iou", "region"),
    [
        ([0, 1, 2, 3], 1.0, True),
        ([4, 5], 0.0, True),  # the right region, another thing
        ([8, 9], 0.0, False),
        ([3, 8], 0.2, False),  # half is not most
        ([], 0.0, False),
    ],
)
def test_a_region_is_right_where_most_of_the_mask_lies(
    said: list[int], iou: float, region: bool
) -> None:
    score = metric_named("region-mask").score({**REGION, "pred_indexes": said})
    assert score.values["iou"] == pytest.approx(iou, abs=1e-5)
    assert bool(score.values["region"]) is region


@pytest.mark.parametrize(
    ("said", "both", "em"),
    [
        ({"text": "four", "indexes": [0, 1, 2, 3]}, True, True),
        ({"text": "4", "indexes": [9]}, False, True),
        ({"text": "5", "indexes": [0, 1, 2, 3]}, False, False),
        ({"text": "", "indexes": []}, False, False),
    ],
)
def test_an_answer_is_right_where_words_and_mask_are(
    said: dict[str, object], both: bool, em: bool
) -> None:
    row = {"n_points": 10, "gt_indexes": [0, 1, 2, 3], "references": ["4"], "pred_answer": said}
    values = metric_named("qa-mask").score(row).values
    assert (bool(values["answered_and_shown"]), bool(values["em"])) == (both, em)
    for wrong in (None, "4", {"indexes": [1]}, {"text": "4", "indexes": "all"}):
        assert metric_named("qa-mask").score({**row, "pred_answer": wrong}).failure
