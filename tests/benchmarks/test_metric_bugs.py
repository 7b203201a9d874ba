"""The sixteen metric bugs found in published systems, each as one test of ours (M1..M16)."""

from __future__ import annotations

import math
from typing import Any

import pytest

from surveyor.agent.chat.marked import as_handles
from surveyor.benchmarks.evidence_answers import EpisodeEvidence, placed
from surveyor.benchmarks.scan_points import Scan
from surveyor.benchmarks.scorecard import ScheduledRow, judge, summarize
from surveyor.benchmarks.scorers.base import Outcome
from surveyor.benchmarks.scorers.captions import caption_scores
from surveyor.benchmarks.scorers.registry import metric_named
from surveyor.core.errors import UserError
from surveyor.core.geometry import Scale
from surveyor.tools.records import World
from surveyor.tools.schemas import ObjectRow

CUBE = [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]
ROOM = [[[float(i), 0.0, 0.0], [i + 0.5, 0.5, 0.5]] for i in range(5)]


def seen(index: int) -> ObjectRow:
    """An object where a run measured it."""
    low, high = ROOM[index]
    return ObjectRow(
        handle=f"obj_{index}",
        category="cube",
        space="scene_1",
        scale=Scale.METRIC,
        center=tuple((a + b) / 2 for a, b in zip(low, high, strict=True)),
        size=tuple(b - a for a, b in zip(low, high, strict=True)),
        support=1,
        visible=1,
        confidence=1.0,
        accepted=True,
        axes=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
        world=World.DATASET,
    )


SEEN = EpisodeEvidence({f"obj_{k}": seen(k) for k in range(len(ROOM))}, {}, {}, frozenset(), {})


def boxes_of(metric: str, reply: str) -> Any:
    """What a run's answer comes to, by the way that every run's answer goes."""
    return placed(metric_named(metric), as_handles(reply), lambda: SEEN, Scan).prediction


def f1(eval_type: str, truths: list[int], reply: str) -> float:
    boxes = boxes_of("multi3drefer", reply)
    row = {"eval_type": eval_type, "gt_aabbs": [ROOM[i] for i in truths], "pred_aabbs": boxes}
    return metric_named("multi3drefer").score(row).values["f1_at_0.5"]


def strict(prediction: str, reference: str) -> tuple[float, float]:
    row = {"references": [reference], "prediction": prediction}
    values = metric_named("qa-em").score(row, "strict").values
    return values["em"], values["em_refined"]


def counting(row_id: str, truth: str) -> ScheduledRow:
    target = {"question_type": "object_counting", "options": None, "ground_truth": truth}
    return ScheduledRow(row_id, f"scene {row_id}", "object_counting", target)


def test_m1_iou_is_computed_in_metres_on_every_axis() -> None:
    shifted = [[low + (0, 0, 0.2)[axis] for axis, low in enumerate(corner)] for corner in CUBE]
    for profile in ("scanrefer", "m3dref"):
        values = (
            metric_named("scanrefer").score({"gt_aabb": CUBE, "pred_aabb": shifted}, profile).values
        )
        assert values["iou"] == pytest.approx(0.429, abs=5e-4)
        assert values["hit_at_0.5"] is False


def test_m2_a_reply_without_an_object_is_not_object_0() -> None:
    box = boxes_of("scanrefer", "I do not know")
    score = metric_named("scanrefer").score({"gt_aabb": ROOM[0], "pred_aabb": box})
    assert (box, score.outcome, score.values["iou"]) == (None, Outcome.FAILED, 0.0)
    assert boxes_of("scanrefer", "It is <OBJ099> or <OBJ003>.") == ROOM[3]


def test_m3_an_unknown_id_is_not_an_empty_answer() -> None:
    assert f1("zt_w_d", [], "Yes. <OBJ099>.") == 0.0
    assert f1("zt_w_d", [], "No such object.") == 1.0
    assert f1("st_w_d", [1], "<OBJ001> and <OBJ099>") == pytest.approx(2 / 3)


def test_m4_an_object_named_twice_is_one_prediction() -> None:
    assert f1("st_w_d", [0], "<OBJ000> and <OBJ000>") == 1.0


def test_m5_and_m6_a_verbatim_right_answer_is_right() -> None:
    assert strict("tv", "tv") == (1.0, 1.0)
    assert strict("2", "2") == (1.0, 1.0)
    row = {"references": ["tv"], "prediction": "tv"}
    assert metric_named("qa-em").score(row, "as-published").values["em"] == 0.0
    assert metric_named("qa-em").score(row, "both-cleaned").values["em"] == 1.0


def test_m7_and_m8_refined_match_keeps_word_boundaries() -> None:
    assert strict("a", "radiator") == (0.0, 0.0)
    assert strict("not possible", "no") == (0.0, 0.0)


@pytest.mark.parametrize("reply", ["", "a", "one two three four five"])
def test_m9_and_m10_empty_short_and_listing_replies_match_nothing(reply: str) -> None:
    for reference in ("two", "radiator", "a lamp"):
        assert strict(reply, reference) == (0.0, 0.0)


def test_m11_a_reply_cut_before_its_answer_is_not_an_empty_answer() -> None:
    dataset = [ScheduledRow("q", "s", "zt_w_d", {"eval_type": "zt_w_d", "gt_aabbs": []})]
    metric = metric_named("multi3drefer")
    for reply in ("[APEIRIA THINKS] Let us look for", "[[[0, 0, 0], [1,", "", None):
        (row,) = judge(metric, dataset, {"q": reply})
        assert (row.outcome, row.values["f1_at_0.25"]) == (Outcome.FAILED, 0.0)
    (row,) = judge(metric, dataset, {"q": "```json\n[]\n```"})
    assert (row.outcome, row.values["f1_at_0.25"]) == (Outcome.SCORED, 1.0)


def test_m12_failed_rows_stay_in_the_denominator() -> None:
    dataset = [counting("a", "3"), counting("b", "4"), counting("c", "5"), counting("d", "6")]
    card = summarize(
        metric_named("vsi"), judge(metric_named("vsi"), dataset, {"a": "3", "b": None})
    )
    assert card.overall["score"] == 25.0
    assert (card.counts.scheduled, card.counts.failed, card.counts.incomplete) == (4, 1, 2)


def test_m13_and_m14_rows_are_joined_by_id() -> None:
    dataset = [counting(name, truth) for name, truth in zip("abcd", "3456", strict=True)]
    without_first = {"d": "6", "c": "5", "b": "4"}
    judged = judge(metric_named("vsi"), dataset, without_first)
    assert [row.values["score"] for row in judged] == [0.0, 1.0, 1.0, 1.0]


def test_m15_a_metric_that_cannot_be_computed_is_an_error_not_another_metric() -> None:
    with pytest.raises(UserError, match="METEOR"):
        caption_scores({"q": ["a chair"]}, {"q": "a chair"}, metrics=("METEOR",))


def test_m16_groups_are_those_of_the_ground_truth() -> None:
    kinds = ["zt_w_d", "st_w_d", "st_w_d", "mt"]
    dataset = [
        ScheduledRow(
            str(i), f"s{i}", kind, {"eval_type": kind, "gt_aabbs": ROOM[: kind != "zt_w_d"]}
        )
        for i, kind in enumerate(kinds)
    ]
    card = summarize(
        metric_named("multi3drefer"),
        judge(metric_named("multi3drefer"), dataset, {"1": [ROOM[0]]}),
    )
    means = {group.name: group.means["f1_at_0.25"] for group in card.groups}
    assert means == {"zt_w_d": 0.0, "st_w_d": 50.0, "mt": 0.0}
    assert math.isclose(card.overall["f1_at_0.25"], 25.0)
