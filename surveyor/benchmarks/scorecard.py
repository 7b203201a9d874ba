"""From scheduled rows and predictions to a benchmark's own score, with nothing left out.

Rows and predictions are joined by id, never by order. A row whose prediction is missing is
*incomplete*, one whose prediction is null or unreadable to the scorer *failed*; both count 0 and
stay in every denominator, and the counts are part of the score.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from surveyor.benchmarks.scorers.base import Metric, Outcome, Row
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
    """One scheduled row with its score fields; ``failure`` says why a row counts 0 unscored."""

    id: str
    scene_id: str
    group: str
    values: Mapping[str, float]
    outcome: Outcome
    failure: str | None = None


@dataclass(frozen=True, slots=True)
class GroupScore:
    """Mean of every score field over one group's scheduled rows, 0..100.

    For a parent of groups (VSI-Bench's relative direction) it is the unweighted mean of theirs.
    """

    name: str
    means: Mapping[str, float]
    counts: OutcomeCounts


@dataclass(frozen=True, slots=True)
class Scorecard:
    """A dataset's score under one profile of one versioned metric; all means are 0..100.

    ``overall`` has one entry per score field, averaged as the benchmark does. ``interval`` belongs
    to the headline field, from resampling scenes.
    """

    metric: str
    version: str
    profile: str
    overall: Mapping[str, float]
    interval: Interval
    groups: tuple[GroupScore, ...]
    counts: OutcomeCounts


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
    return JudgedRow(row.id, row.scene_id, row.group, score.values, outcome, score.failure)


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
    tables = {name: _tabulate(metric, rows, name) for name in metric.score_fields}
    return Scorecard(
        metric=metric.name,
        version=metric.version,
        profile=metric.profile(profile),
        overall={name: 100.0 * float(table.overall()[0]) for name, table in tables.items()},
        interval=_percent(cluster_bootstrap(tables[metric.score_fields[0]], seed=seed)),
        groups=_group_scores(tables, rows, metric.parents),
        counts=OutcomeCounts.of(row.outcome for row in rows),
    )


def _tabulate(metric: Metric, rows: Sequence[JudgedRow], name: str) -> GroupedScores:
    return GroupedScores.of(
        [float(row.values[name]) for row in rows],
        [row.scene_id for row in rows],
        [row.group for row in rows],
        metric.averaging,
        metric.parents,
    )


def _group_scores(
    tables: Mapping[str, GroupedScores], rows: Sequence[JudgedRow], parents: Mapping[str, str]
) -> tuple[GroupScore, ...]:
    means = {name: table.group_means() | table.parent_means() for name, table in tables.items()}
    names = next(iter(means.values()))
    return tuple(
        GroupScore(
            name=group,
            means={name: 100.0 * values[group] for name, values in means.items()},
            counts=OutcomeCounts.of(
                r.outcome for r in rows if group in (r.group, parents.get(r.group))
            ),
        )
        for group in sorted(names)
    )


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
