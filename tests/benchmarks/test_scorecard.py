"""From rows to a benchmark's score: nothing is left out, nothing is joined by order."""

from __future__ import annotations

import pytest

from surveyor.benchmarks.scorecard import ScheduledRow, judge, summarize
from surveyor.benchmarks.scorers.base import Outcome
from surveyor.benchmarks.scorers.outcome_counts import OutcomeCounts
from surveyor.benchmarks.scorers.registry import metric_named
from surveyor.core.errors import UserError

VSI = metric_named("vsi")


def scheduled(row_id: str, kind: str, truth: str, scene: str = "s0") -> ScheduledRow:
    target = {"question_type": kind, "options": None, "ground_truth": truth}
    return ScheduledRow(row_id, scene, kind, target)


COUNTING = [scheduled(f"count{i}", "object_counting", "4", f"s{i}") for i in range(3)]


def test_overall_is_the_mean_of_task_means_and_direction_of_its_levels() -> None:
    dataset = [
        *COUNTING,
        scheduled("order", "obj_appearance_order", "A"),
        scheduled("easy", "object_rel_direction_easy", "A"),
        scheduled("medium0", "object_rel_direction_medium", "B"),
        scheduled("medium1", "object_rel_direction_medium", "B"),
        scheduled("hard", "object_rel_direction_hard", "C"),
    ]
    answers = {"count0": "4", "count1": "4", "count2": "9", "order": "B"}
    answers |= {"easy": "A", "medium0": "B", "medium1": "A", "hard": "D"}
    card = summarize(VSI, judge(VSI, dataset, answers))
    means = {group.name: group.means["score"] for group in card.groups}
    direction = (100 + 50 + 0) / 3
    assert means["object_counting"] == pytest.approx(200 / 3)
    assert means["object_rel_direction"] == pytest.approx(direction)
    assert card.overall["score"] == pytest.approx((200 / 3 + 0 + direction) / 3)
    assert (card.metric, card.version, card.profile) == ("vsi", "3", "official")


def test_absent_tasks_are_left_out_of_the_mean() -> None:
    card = summarize(VSI, judge(VSI, COUNTING, dict.fromkeys(["count0", "count1", "count2"], "4")))
    assert card.overall["score"] == 100.0
    assert [group.name for group in card.groups] == ["object_counting"]


def test_failed_and_incomplete_rows_count_zero_and_are_counted() -> None:
    # M12: leaving rows whose inference failed out of the denominator inflates the score.
    judged = judge(VSI, COUNTING, {"count0": "4", "count1": None})
    assert [row.outcome for row in judged] == [Outcome.SCORED, Outcome.FAILED, Outcome.INCOMPLETE]
    card = summarize(VSI, judged)
    assert card.overall["score"] == pytest.approx(100 / 3)
    assert card.counts == OutcomeCounts(scheduled=3, scored=1, failed=1, incomplete=1)
    assert card.groups[0].counts == card.counts


def test_rows_are_joined_by_id_never_by_order() -> None:
    # M13 and M14: a dropped row must not shift its neighbours' answers.
    dataset = [scheduled(f"r{n}", "object_counting", str(n)) for n in range(1, 5)]
    answers = {f"r{n}": str(n) for n in (4, 3, 1)}
    judged = judge(VSI, dataset, answers)
    assert [row.values["score"] for row in judged] == [1.0, 0.0, 1.0, 1.0]


def test_perfect_is_100_and_empty_is_0() -> None:
    dataset = [*COUNTING, scheduled("route", "route_planning", "B")]
    perfect = {row.id: str(row.target["ground_truth"]) for row in dataset}
    for profile in VSI.profiles:
        assert summarize(VSI, judge(VSI, dataset, perfect, profile)).overall["score"] == 100.0
        for empty in ({}, dict.fromkeys(perfect, ""), dict.fromkeys(perfect, None)):
            assert summarize(VSI, judge(VSI, dataset, empty, profile)).overall["score"] == 0.0


def test_predictions_of_another_dataset_and_repeated_ids_are_refused() -> None:
    with pytest.raises(UserError, match="elsewhere"):
        judge(VSI, COUNTING, {"elsewhere": "3"})
    with pytest.raises(UserError, match="twice"):
        judge(VSI, [*COUNTING, COUNTING[0]], {})
    with pytest.raises(UserError, match="no rows"):
        summarize(VSI, [])


def test_the_interval_is_of_the_headline_and_needs_two_scenes() -> None:
    card = summarize(VSI, judge(VSI, COUNTING, {"count0": "4", "count1": "4"}))
    interval = card.interval
    assert interval.estimate == pytest.approx(card.overall["score"])
    assert interval.low is not None
    assert interval.high is not None
    assert 0 <= interval.low <= interval.estimate <= interval.high <= 100
    assert interval.n_clusters == 3
    one_scene = summarize(VSI, judge(VSI, COUNTING[:1], {"count0": "4"}))
    assert one_scene.interval.low is None
