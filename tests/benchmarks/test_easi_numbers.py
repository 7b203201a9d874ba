"""SPAR-Bench, ReVSI and VSI-SUPER, quirk by quirk."""

from __future__ import annotations

import pytest

from surveyor.benchmarks.scorecard import ScheduledRow, judge, summarize
from surveyor.benchmarks.scorers.registry import metric_named


def score(metric: str, profile: str | None = None, **row: object) -> tuple[float, set[str]]:
    found = metric_named(metric).score(row, profile)
    return found.values["score"], set(found.marks)


def spar(task: str, truth: str, reply: str, profile: str = "official") -> float:
    return score("spar", profile, task=task, ground_truth=truth, prediction=reply)[0]


@pytest.mark.parametrize(
    ("reply", "right"),
    [
        ("b", 1.0),
        ("because", 1.0),  # its first character
        ("", 1.0),  # contained in the letter
        (" B", 0.0),
        ("(B)", 0.0),
        ("The answer is B", 0.0),
    ],
)
def test_letters_of_spar(reply: str, right: float) -> None:
    assert spar("position_matching", "B", reply) == right


def test_an_empty_reply_to_spar_is_right_and_a_guess() -> None:
    row = {"task": "camera_motion_infer", "ground_truth": "B", "prediction": ""}
    assert score("spar", "official", **row) == (1.0, {"unread", "guessed"})
    assert score("spar", "easi", **row) == (0.0, {"unread"})


@pytest.mark.parametrize(
    ("task", "truth", "reply", "points"),
    [
        ("depth_prediction_oo", "3.2", "-3.2 m", 1.0),  # no sign
        ("depth_prediction_oo", "5", ".5", 1.0),
        ("depth_prediction_oo", "1", "1e5", 1.0),
        ("depth_prediction_oo", "1", "1,200", 1.0),
        ("depth_prediction_oo", "2", "x^3 2", 1.0),  # not after a circumflex
        ("depth_prediction_oo", "2", "2 or 9", 1.0),  # a single view takes the first
        ("depth_prediction_oo_mv", "2", "2 or 9", 0.0),  # several views the last
        ("depth_prediction_oo", "20", "twenty", 0.0),
        ("depth_prediction_oo_mv", "2", "two", 0.0),  # -1, and wrong
        ("distance_prediction_oc", "0", "0.08", 0.9),  # target 0: the error itself
    ],
)
def test_numbers_of_spar(task: str, truth: str, reply: str, points: float) -> None:
    assert spar(task, truth, reply) == pytest.approx(points)


def test_the_action_vector_of_spar_is_divided_by_the_reply() -> None:
    truth = "move_right:1,rotate_left:20"
    assert spar("view_change_infer", truth, truth) == 1.0
    assert spar("view_change_infer", truth, "move_left:-1,rotate_right:-20") == 1.0
    half = "move_right:2,rotate_left:20"  # |1 - 2| / 2 is 0.5, |2 - 1| / 1 is 1
    assert spar("view_change_infer", truth, half) == pytest.approx((3 + 0.1 + 1) / 5)
    assert spar("view_change_infer", truth, half, "easi") == pytest.approx((3 + 0 + 1) / 5)
    blank = "move_right:1, rotate_left:20"  # the blank is part of the name
    assert spar("view_change_infer", truth, blank) == pytest.approx(4 / 5)
    assert spar("view_change_infer", truth, blank, "easi") == 1.0
    assert spar("view_change_infer", truth, "move_right:1,so far") == 0.0
    assert spar("view_change_infer", truth, "move_right:1,so far", "easi") == pytest.approx(4 / 5)
    row = {"task": "view_change_infer", "ground_truth": truth, "prediction": "I refuse"}
    points, marks = score("spar", "easi", **row)
    assert points == pytest.approx(3 / 5)
    assert marks == {"unread", "guessed"}


def test_spar_is_the_mean_of_its_task_means_with_three_levels() -> None:
    tasks = ("position_matching", "camera_motion_infer", "camera_motion_infer")
    rows = [
        ScheduledRow(str(i), str(i), task, {"task": task, "ground_truth": "A"})
        for i, task in enumerate(tasks)
    ]
    metric = metric_named("spar")
    found = summarize(metric, judge(metric, rows, {"0": "A", "1": "A", "2": "C"}))
    assert found.headline == pytest.approx(75.0)
    means = {group.name: group.means["score"] for group in found.groups}
    assert means == pytest.approx(
        {"position_matching": 100.0, "camera_motion_infer": 50.0, "Middle": 75.0}
    )
    assert metric.score({"task": "new", "ground_truth": "A", "prediction": "A"}).failure


@pytest.mark.parametrize(
    ("kind", "truth", "reply", "points"),
    [
        ("route_planning", "B", " b. it is", 1.0),  # the first word, stops off, any case
        ("route_planning", "B", "(B)", 0.0),
        ("object_counting_single", "3", "3. chairs", 1.0),
        ("object_counting_single", "3", "3chairs", 0.0),
        ("object_abs_distance", "0", "0", 0.0),  # a truth of 0 scores 0
        ("object_abs_distance", "100", "1e2", 1.0),
    ],
)
def test_revsi(kind: str, truth: str, reply: str, points: float) -> None:
    found = score("revsi", None, question_type=kind, ground_truth=truth, prediction=reply)
    assert found[0] == points


def test_revsi_collapses_thirteen_types_into_seven() -> None:
    kinds = ("object_counting_single", "object_counting_multiple", "route_planning")
    rows = [
        ScheduledRow(str(i), str(i), kind, {"question_type": kind, "ground_truth": "3"})
        for i, kind in enumerate(kinds)
    ]
    metric = metric_named("revsi")
    found = summarize(metric, judge(metric, rows, {"0": "3", "1": "9", "2": "3"}))
    assert found.headline == pytest.approx((50 + 100) / 2)
    assert {group.name for group in found.groups} == {*kinds, "object_counting"}


def test_vsi_super() -> None:
    recall = {"question_type": "recall", "ground_truth": "A"}
    assert score("vsi-super", None, **recall, prediction="Answer") == (1.0, set())
    assert score("vsi-super", "easi", **recall, prediction="Answer: B")[0] == 0.0
    count = {"question_type": "count", "ground_truth": 27.0}
    assert score("vsi-super", None, **count, prediction="27 or 3")[0] == 1.0
    assert score("vsi-super", None, **count, prediction="many") == (0.0, {"unread"})
    running = {"question_type": "streaming", "ground_truth": "", "answers": [1, 2, 4]}
    assert score("vsi-super", None, **running, prediction="[1, 4]")[0] == pytest.approx(0.5)
    assert score("vsi-super", None, **running, prediction="1, 2") == (0.0, {"unread"})
