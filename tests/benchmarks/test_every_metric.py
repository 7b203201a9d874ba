"""What must hold of every metric: a perfect predictor has 100, an empty one 0, rows never raise."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.benchmarks.scorecard import ScheduledRow, judge, summarize
from surveyor.benchmarks.scorers.base import MARKS, Outcome
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
    "own": Case(
        (
            ("choice", {"form": "choice", "options": ["a", "b"], "ground_truth": "B"}, "B"),
            ("number", {"form": "number", "unit": "m", "ground_truth": "2.5"}, "2.5 m"),
            ("text", {"form": "text", "ground_truth": "red cup"}, "a red cup"),
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
    "mindcube": Case((("among", {"ground_truth": "B"}, "B"),), ""),
    "viewspatial": Case((("Camera", {"ground_truth": "B. left"}, "B"),), ""),
    "site": Case((("counting", {"options": ["a", "b"], "ground_truth": "B"}, "B"),), ""),
    "3dsrbench": Case(
        tuple(
            (
                "height_higher",
                {"qid": qid, "options": ["the cup", "the jar"], "ground_truth": "A"},
                "A",
            )
            for qid in ("K7QW2ABC", "K7QW2ABC-1", "K7QW2ABC-flip")
        ),
        "",
    ),
    "embspatial": Case((("close", {"options": ["a", "b"], "ground_truth": 1}, "B"),), ""),
    "mmsi-video": Case((("Planning", {"ground_truth": "E"}, "E"),), ""),
    "omnispatial": Case((("Egocentric", {"ground_truth": 1}, "B"),), ""),
    "erqa": Case((("Spatial Reasoning", {"ground_truth": "C"}, "C"),), ""),
    "spar": Case(
        (
            ("depth_prediction_oo", {"task": "depth_prediction_oo", "ground_truth": "1.7"}, "1.7"),
            ("position_matching", {"task": "position_matching", "ground_truth": "B"}, "B"),
            (
                "view_change_infer",
                {"task": "view_change_infer", "ground_truth": "move_right:1,rotate_up:20"},
                "move_right:1,rotate_up:20",
            ),
        ),
        "?",
    ),
    "revsi": Case(
        (
            ("a", {"question_type": "object_counting_single", "ground_truth": "3"}, "3"),
            ("b", {"question_type": "route_planning", "ground_truth": "B"}, "b."),
        ),
        "",
    ),
    "vsi-super": Case(
        (
            ("recall", {"question_type": "recall", "ground_truth": "C"}, "C"),
            ("count", {"question_type": "count", "ground_truth": 27.0}, "27"),
            (
                "streaming",
                {"question_type": "streaming", "ground_truth": "", "answers": [1, 2]},
                "[1, 2]",
            ),
        ),
        "",
    ),
    "refspatial": Case(
        (("location", {"mask_box": [0, 0, 1, 1], "width": 2, "height": 2}, "(0, 0)"),), ""
    ),
    "robospatial": Case(
        (
            ("compatibility", {"ground_truth": "yes"}, "Yes."),
            ("context", {"ground_truth": "[(0, 0), (1, 0), (0, 1)]"}, "(0.2, 0.2)"),
        ),
        "",
    ),
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
    "region-mask": Case(
        (("room", {"n_points": 9, "gt_indexes": [1, 2], "region_indexes": [1, 2, 3]}, [1, 2]),), []
    ),
    "qa-mask": Case(
        (
            (
                "count",
                {"n_points": 9, "gt_indexes": [1, 2], "references": ["2"]},
                {"text": "two", "indexes": [1, 2]},
            ),
        ),
        {"text": "", "indexes": []},
    ),
    "scan2cap": Case(
        (
            (
                "scan2cap",
                {"gt_aabb": CUBE, "references": ["a brown chair"]},
                {"text": "a brown chair", "box": CUBE},
            ),
        ),
        {"text": "", "box": []},
    ),
    "anchor": Case((("table", {"admissible": [ANCHOR]}, ANCHOR),), ""),
    "roomplan": Case((("table", {"admissible": [ANCHOR]}, ANCHOR),), ""),
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


# The forms that a profile wants where it reads no bare letter or no bare point.
WRAPPED = {
    ("omnispatial", "official"): "Answer: {}",
    ("omnispatial", "json"): '{{"answer": "{}"}}',
}


def said(which: tuple[str, str], answer: object) -> object:
    return WRAPPED.get(which, "{}").format(answer) if isinstance(answer, str) else answer


def dataset(case: Case) -> list[ScheduledRow]:
    return [
        ScheduledRow(str(i), f"scene{i}", group, target)
        for i, (group, target, _) in enumerate(case.rows)
    ]


def test_the_names_are_those_that_other_harnesses_use() -> None:
    assert {name: metric_named(name).profiles for name in metric_names()} == {
        "vsi": ("official", "lmms-eval", "easi", "lenient"),
        "mmsi": ("lmms-eval", "repo", "easi"),
        "cvbench": ("lmms-eval",),
        "blink": ("lmms-eval", "easi"),
        "mindcube": ("official", "easi", "lmms-eval"),
        "viewspatial": ("official", "easi"),
        "site": ("official", "easi"),
        "3dsrbench": ("official", "easi", "lmms-eval"),
        "embspatial": ("easi", "lmms-eval"),
        "mmsi-video": ("official", "easi", "lmms-eval"),
        "omnispatial": ("official", "easi", "json", "direct"),
        "erqa": ("easi",),
        "spar": ("official", "easi"),
        "revsi": ("official",),
        "vsi-super": ("official", "easi"),
        "refspatial": ("official", "authors-pixels", "easi", "lmms-eval"),
        "robospatial": ("official", "easi"),
        "multi3drefer": ("m3dref", "chatscene"),
        "scanrefer": ("scanrefer", "m3dref"),
        "qa-em": ("as-published", "both-cleaned", "strict", "both-cleaned-v2.1"),
        "reason3d": ("official",),
        "region-mask": ("official",),
        "qa-mask": ("official",),
        "scan2cap": ("official",),
        "anchor": ("official",),
        "roomplan": ("official",),
        "own": ("lenient",),
        "rooms": ("official",),
    }
    with pytest.raises(UserError, match="no metric"):
        metric_named("VSI")


@pytest.mark.parametrize(("name", "profile"), EVERY)
def test_a_perfect_predictor_has_100(name: str, profile: str) -> None:
    metric, case, which = metric_named(name), CASES[name], (name, profile)
    answers = {str(i): said(which, answer) for i, (_, _, answer) in enumerate(case.rows)}
    card = summarize(metric, judge(metric, dataset(case), answers, profile), profile)
    assert card.counts.scored == len(case.rows)
    for field, value in card.overall.items():
        # Published IoU adds an epsilon to the union, so a perfect box or mask is just below 100.
        assert value == pytest.approx(100.0, abs=1e-4 if field == "iou" else 1e-9)


# One published variant gives refined EM 1 to an empty reply, and EASI's action vector gives the
# axes that do not change to one; see their profiles.
FREE = (("qa-em", "both-cleaned-v2.1"), ("spar", "easi"))
GUARDED = [which for which in EVERY if which not in FREE]


@pytest.mark.parametrize(("name", "profile"), GUARDED)
def test_a_predictor_that_says_nothing_has_0(name: str, profile: str) -> None:
    metric, case = metric_named(name), CASES[name]
    ids = [str(i) for i in range(len(case.rows))]
    for answers in ({}, dict.fromkeys(ids), dict.fromkeys(ids, case.nothing)):
        card = summarize(metric, judge(metric, dataset(case), answers, profile), profile)
        # Above chance (SITE's), answering nothing is as far below it as being always wrong.
        assert {value for field, value in card.overall.items() if field != "caa"} <= {0.0}
        assert card.headline <= 0
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
        json.dumps(
            {"id": i, **target, metric.prediction_field: said((name, profile), answer), "extra": 1}
        )
        for i, (_, target, answer) in enumerate(case.rows)
    ]
    printed = list(score_rows(lines, name, profile))
    assert [row["id"] for row in printed] == list(range(len(case.rows)))
    fields = ("id", *metric.score_fields)
    assert all(tuple(name for name in row if name not in MARKS) == fields for row in printed)
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
