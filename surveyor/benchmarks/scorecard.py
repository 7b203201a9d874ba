"""From scheduled rows and predictions to a benchmark's own score, with nothing left out.

Rows and predictions are joined by id, never by order. A row whose prediction is missing is
*incomplete*, one whose prediction is null or unreadable to the scorer *failed*; both count 0 and
stay in every denominator, and the counts are part of the score.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from surveyor.benchmarks.scorers.base import Measure, Metric, Outcome, Row
from surveyor.benchmarks.scorers.outcome_counts import OutcomeCounts
from surveyor.benchmarks.stats import GroupedScores, Interval, cluster_bootstrap
from surveyor.core.errors import UserError


@dataclass(frozen=True, slots=True)
class ScheduledRow:
    """One row that a run was to answer: the metric's target fields, without a prediction."""

    id: str
    scene_id: str
    group: str
    target: Row


@dataclass(frozen=True, slots=True)
class JudgedRow:
    """One scheduled row with its score fields; ``failure`` says why a row counts 0 unscored.
    ``marks`` are the scorer's, ``target`` the row without its prediction."""

    id: str
    scene_id: str
    group: str
    values: Mapping[str, float]
    outcome: Outcome
    failure: str | None = None
    marks: frozenset[str] = frozenset()
    target: Row = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GroupScore:
    """Every measure over one group's scheduled rows, 0..100; below 0 where it is above chance.

    For a parent of groups (VSI-Bench's relative direction) it is the unweighted mean of theirs.
    """

    name: str
    means: Mapping[str, float]
    counts: OutcomeCounts


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A dataset's score under one profile of one versioned metric; all means are 0..100.

    ``overall`` has one entry per measure, headline first, averaged as the benchmark does.
    ``interval`` belongs to the headline, from resampling scenes. ``unread`` and ``guessed`` count
    rows so marked.
    """

    metric: str
    version: str
    profile: str
    overall: Mapping[str, float]
    interval: Interval
    groups: tuple[GroupScore, ...]
    counts: OutcomeCounts
    unread: int = 0
    guessed: int = 0

    @property
    def headline(self) -> float:
        """The overall figure, 0..100."""
        return next(iter(self.overall.values()))


def judge(
    metric: Metric,
    scheduled: Sequence[ScheduledRow],
    predictions: Mapping[str, object],
    profile: str | None = None,
) -> list[JudgedRow]:
    """Score every scheduled row, in order; ``predictions`` are by row id, None for a failed one.

    Raises `UserError` for scheduled ids that repeat and for predictions to rows that were never
    scheduled: then the file belongs to another dataset.
    """
    chosen = metric.profile(profile)
    ids = {row.id for row in scheduled}
    if len(ids) < len(scheduled):
        raise UserError("The dataset holds the same row id twice; ids must be unique.")
    strangers = sorted(predictions.keys() - ids)
    if strangers:
        raise UserError(
            f"{len(strangers)} predictions are for rows that this dataset does not have, the first "
            f"{strangers[0]!r}; score them against the dataset and split that they were made for."
        )
    return [_judge_row(metric, row, predictions, chosen) for row in scheduled]


def _judge_row(
    metric: Metric, row: ScheduledRow, predictions: Mapping[str, object], profile: str
) -> JudgedRow:
    if row.id in predictions:
        prediction = predictions[row.id]
        if metric.structured:
            prediction = structured_reply(prediction)
        score = metric.score({**row.target, metric.prediction_field: prediction}, profile)
        outcome = score.outcome
    else:
        score, outcome = metric.zero("the row has not been run"), Outcome.INCOMPLETE
    return JudgedRow(
        row.id,
        row.scene_id,
        row.group,
        score.values,
        outcome,
        score.failure,
        score.marks,
        row.target,
    )


def structured_reply(prediction: object) -> object:
    """Boxes or indices from a reply in JSON text, fenced or not; anything else as it came.

    Text that is no JSON stays text, which the scorers of boxes and masks count as failed: a reply
    cut short before its answer is never read as "no objects".
    """
    if not isinstance(prediction, str):
        return prediction
    fenced = re.fullmatch(r"\s*```(?:json)?\s*(.*?)```\s*", prediction, re.DOTALL)
    try:
        return json.loads(fenced.group(1) if fenced else prediction)
    except (ValueError, RecursionError):
        return prediction


def summarize(
    metric: Metric, rows: Sequence[JudgedRow], profile: str | None = None, seed: int = 0
) -> Scorecard:
    """Average judged rows the benchmark's way. Raises `UserError` when there are none."""
    if not rows:
        raise UserError("There is nothing to score: the dataset holds no rows.")
    chosen = metric.profile(profile)
    measures = metric.measured(chosen)
    overall = {measure.name: _tabulate(measure, _counted(measure, rows)) for measure in measures}
    return Scorecard(
        metric=metric.name,
        version=metric.version,
        profile=chosen,
        overall={name: 100.0 * float(table.overall()[0]) for name, table in overall.items()},
        interval=_percent(cluster_bootstrap(overall[measures[0].name], seed=seed)),
        groups=_group_scores(measures, rows),
        counts=OutcomeCounts.of(row.outcome for row in rows),
        unread=sum("unread" in row.marks for row in rows),
        guessed=sum("guessed" in row.marks for row in rows),
    )


def _counted(measure: Measure, rows: Sequence[JudgedRow]) -> Sequence[JudgedRow]:
    """The rows of the overall figure; all, if only such are there that it leaves out."""
    return [row for row in rows if row.group not in measure.left_out] or rows


def _tabulate(measure: Measure, rows: Sequence[JudgedRow]) -> GroupedScores:
    rows = _bundled(measure, rows)
    chance = measure.chance
    return GroupedScores.of(
        [float(row.values[measure.score]) for row in rows],
        [row.scene_id for row in rows],
        [row.group for row in rows],
        measure.averaging,
        measure.parents,
        None if chance is None else [chance(row.target) for row in rows],
    )


def _bundled(measure: Measure, rows: Sequence[JudgedRow]) -> Sequence[JudgedRow]:
    """The worst row of every bundle, in the order of their first rows."""
    if measure.bundle is None:
        return rows
    worst: dict[str, JudgedRow] = {}
    for row in rows:
        key = measure.bundle(row.target)
        known = worst.get(key)
        if known is None or row.values[measure.score] < known.values[measure.score]:
            worst[key] = row
    return list(worst.values())


def _group_scores(measures: Sequence[Measure], rows: Sequence[JudgedRow]) -> tuple[GroupScore, ...]:
    means = {measure.name: _means(measure, rows) for measure in measures}
    first = measures[0]
    names = dict.fromkeys(name for found in means.values() for name in found)
    return tuple(
        GroupScore(
            name=name,
            means={
                measure: 100.0 * found[name] for measure, found in means.items() if name in found
            },
            counts=OutcomeCounts.of(
                [
                    row.outcome
                    for row in rows
                    if name
                    in (row.group, first.parents.get(row.group), first.families.get(row.group))
                ]
            ),
        )
        for name in sorted(names)
    )


def _means(measure: Measure, rows: Sequence[JudgedRow]) -> dict[str, float]:
    """A measure of every group, every parent and every family."""
    table = _tabulate(measure, rows)
    means = table.group_means() | table.parent_means()
    for family in dict.fromkeys(measure.families.get(row.group) for row in rows):
        mine = [row for row in rows if measure.families.get(row.group) == family]
        if family is not None and family not in means:
            means[family] = float(_tabulate(measure, mine).overall()[0])
    return means


def _percent(interval: Interval) -> Interval:
    def scaled(value: float | None) -> float | None:
        return None if value is None else 100.0 * value

    return Interval(
        estimate=100.0 * interval.estimate,
        low=scaled(interval.low),
        high=scaled(interval.high),
        standard_error=scaled(interval.standard_error),
        level=interval.level,
        n_rows=interval.n_rows,
        n_clusters=interval.n_clusters,
        method=interval.method,
    )
