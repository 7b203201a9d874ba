"""What must hold of every metric: a perfect predictor has 100, an empty one 0, rows never raise."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.benchmarks.scorecard import ScheduledRow, judge, summarize
from surveyor.benchmarks.scorers.base import Outcome
from surveyor.benchmarks.scorers.registry import metric_named, metric_names
from surveyor.benchmarks.scorers.rows import score_rows
from surveyor.core.errors import UserError

CUBE = [[0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]
FAR = [[5.0, 5.0, 5.0], [6.0, 7.0, 8.0]]


ANCHOR = {
    "action": "place_anchor",
    "scene": "s",
    "center": [1, 2.5, 0.4],
    "normal": [0, 1, 0],
    "extent": [0.7, 1.4, 0.8],
}


@dataclass(frozen=True)
class Case:
    """Targets with their perfect predictions, and what saying nothing looks like."""

    rows: tuple[tuple[str, dict[str, object], object], ...]
    nothing: object


CASES = {
    "vsi": Case(
        (
            ("object_counting", {"question_type": "object_counting", "ground_truth": "3"}, "3"),
            ("route_planning", {"question_type": "route_planning", "ground_truth": "B"}, "B"),
        ),
        "",
    ),
    "mmsi": Case((("MSR", {"ground_truth": "C"}, "``C``"),), ""),
    "cvbench": Case(
        (
            ("ADE20K", {"choices": ["1", "2"], "ground_truth": "(A)"}, "(A)"),
            ("Omni3D", {"choices": ["a", "b"], "ground_truth": "(B)"}, "B"),
        ),
        "",
    ),
    "blink": Case((("Depth", {"choices": ["A", "B"], "ground_truth": "(B)"}, "(B)"),), ""),
    "multi3drefer": Case(
        (
            ("st_w_d", {"eval_type": "st_w_d", "gt_aabbs": [CUBE]}, [CUBE]),
            ("mt", {"eval_type": "mt", "gt_aabbs": [CUBE, FAR]}, [FAR, CUBE]),
        ),
        [],
    ),
    "scanrefer": Case((("unique", {"gt_aabb": CUBE}, CUBE),), []),
    "qa-em": Case((("what", {"references": ["brown", "dark brown"]}, "brown"),), ""),
    "reason3d": Case((("scannet", {"n_points": 9, "gt_indexes": [1, 2]}, [1, 2]),), []),
    "anchor": Case((("table", {"admissible": [ANCHOR]}, ANCHOR),), ""),
    "rooms": Case(
        (
            ("a", {"question_type": "object_counting", "ground_truth": "3"}, "3"),
            ("b", {"question_type": "scanrefer", "gt_aabb": CUBE}, CUBE),
            ("c", {"question_type": "scanqa", "references": ["brown"]}, "brown"),
            ("d", {"question_type": "blink_multi_view", "ground_truth": "(B)"}, "B"),
        ),
        "",
    ),
}

EVERY = [(name, p) for name in metric_names() for p in metric_named(name).profiles]


def dataset(case: Case) -> list[ScheduledRow]:
    return [
        ScheduledRow(str(i), f"scene{i}", group, target)
        for i, (group, target, _) in enumerate(case.rows)
    ]


def test_the_names_are_those_that_other_harnesses_use() -> None:
    assert {name: metric_named(name).profiles for name in metric_names()} == {
        "vsi": ("official", "lmms-eval", "lenient"),
        "mmsi": ("lmms-eval", "repo"),
        "cvbench": ("lmms-eval",),
        "blink": ("lmms-eval",),
        "multi3drefer": ("m3dref", "chatscene"),
        "scanrefer": ("scanrefer", "m3dref"),
        "qa-em": ("as-published", "both-cleaned", "strict", "both-cleaned-v2.1"),
        "reason3d": ("official",),
        "anchor": ("official",),
        "rooms": ("official",),
    }
    with pytest.raises(UserError, match="no metric"):
        metric_named("VSI")


@pytest.mark.parametrize(("name", "profile"), EVERY)
def test_a_perfect_predictor_has_100(name: str, profile: str) -> None:
    metric, case = metric_named(name), CASES[name]
    answers = {str(i): answer for i, (_, _, answer) in enumerate(case.rows)}
    card = summarize(metric, judge(metric, dataset(case), answers, profile), profile)
    assert card.counts.scored == len(case.rows)
    for field, value in card.overall.items():
        # Published IoU adds an epsilon to the union, so a perfect box or mask is just below 100.
        assert value == pytest.approx(100.0, abs=1e-4 if field == "iou" else 1e-9)


# One published variant gives refined EM 1 to an empty reply; see its profile.
GUARDED = [which for which in EVERY if which != ("qa-em", "both-cleaned-v2.1")]


@pytest.mark.parametrize(("name", "profile"), GUARDED)
def test_a_predictor_that_says_nothing_has_0(name: str, profile: str) -> None:
    metric, case = metric_named(name), CASES[name]
    ids = [str(i) for i in range(len(case.rows))]
    for answers in ({}, dict.fromkeys(ids), dict.fromkeys(ids, case.nothing)):
        card = summarize(metric, judge(metric, dataset(case), answers, profile), profile)
        assert set(card.overall.values()) == {0.0}
        assert card.counts.scheduled == len(case.rows)


@pytest.mark.parametrize("name", ["multi3drefer", "scanrefer", "reason3d"])
def test_boxes_and_indices_may_come_as_json_text(name: str) -> None:
    metric, case = metric_named(name), CASES[name]
    plain = {str(i): answer for i, (_, _, answer) in enumerate(case.rows)}
    text = {key: f"```json\n{answer}\n```" for key, answer in plain.items()}
    assert judge(metric, dataset(case), text) == judge(metric, dataset(case), plain)


@pytest.mark.parametrize(("name", "profile"), EVERY)
def test_rows_print_the_id_and_the_score_fields_alone(name: str, profile: str) -> None:
    metric, case = metric_named(name), CASES[name]
    lines = [
        json.dumps({"id": i, **target, metric.prediction_field: answer, "extra": 1})
        for i, (_, target, answer) in enumerate(case.rows)
    ]
    printed = list(score_rows(lines, name, profile))
    assert [row["id"] for row in printed] == list(range(len(case.rows)))
    assert all(tuple(row) == ("id", *metric.score_fields) for row in printed)
    json.dumps(printed, allow_nan=False)


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=12,
)


@given(st.sampled_from(EVERY), st.data())
def test_no_row_of_odd_types_raises(which: tuple[str, str], data: st.DataObject) -> None:
    name, profile = which
    metric, case = metric_named(name), CASES[name]
    row = dict(data.draw(st.sampled_from([target for _, target, _ in case.rows])))
    row[metric.prediction_field] = data.draw(json_values)
    field = data.draw(st.sampled_from(sorted(row)))
    row[field] = data.draw(json_values)
    score = metric.score(row, profile)
    assert tuple(score.values) == metric.score_fields
    assert all(0.0 <= value <= 1.0 for value in score.values.values())
    if row[metric.prediction_field] is None:
        assert score.outcome is Outcome.FAILED
