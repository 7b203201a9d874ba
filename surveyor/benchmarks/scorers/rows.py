"""Rows and predictions from files of JSON lines.

Self-contained rows hold the metric's fields and an ``id``, so that any other harness can use these
scorers and check them; prediction files hold ``id`` and ``prediction``. Lines are read with
Python's own decoder: ``NaN``, ``Infinity`` and integers of any size keep the values that the
published Python code would see.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from surveyor.benchmarks.scorecard import JudgedRow
from surveyor.benchmarks.scorers.base import Metric, Outcome, Row, RowScore
from surveyor.benchmarks.scorers.registry import metric_named
from surveyor.core.errors import UserError


class RowError(UserError):
    """A line that holds no row; the text says which and why, and leaves its file to the reader."""


@dataclass
class RowCounts:
    """What became of the rows so far; a failed one has 0 in every field. ``unread`` ones are
    scored. ``judged`` keeps the rows of a metric whose figures are no plain average."""

    scored: int = 0
    failed: int = 0
    unread: int = 0
    judged: list[JudgedRow] = field(default_factory=list)


def score_rows(
    lines: Iterable[bytes | str],
    metric: str,
    profile: str | None = None,
    counts: RowCounts | None = None,
) -> Iterator[dict[str, object]]:
    """Yield ``{"id": …, <score fields>}`` for every line, in order; empty lines are skipped. A row
    whose reply could not be read has ``unread`` besides, and ``guessed`` where the published code
    takes an option all the same. ``counts`` is kept up to date where one is given.

    A row that the published scorer raises on, or whose prediction is missing, gets 0 in every
    field. Raises `UserError` for an unknown metric or profile, before any row is read, and
    `RowError` at the line for one that is no JSON object or lacks a field of the metric.
    """
    scorer = metric_named(metric)
    return _scored(lines, scorer, scorer.profile(profile), counts or RowCounts())


def _scored(
    lines: Iterable[bytes | str], metric: Metric, profile: str, counts: RowCounts
) -> Iterator[dict[str, object]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        row = decode_row(line, number)
        try:
            score = metric.score(row, profile)
        except UserError as error:
            raise RowError(f"Line {number}: {error}") from error
        if score.outcome is Outcome.SCORED:
            counts.scored += 1
        else:
            counts.failed += 1
        counts.unread += "unread" in score.marks
        if metric.group_of is not None:
            counts.judged.append(_judged(metric, row, number, score))
        yield {"id": row.get("id"), **score.values, **dict.fromkeys(sorted(score.marks), True)}


def _judged(metric: Metric, row: Row, number: int, score: RowScore) -> JudgedRow:
    """The row as `surveyor.benchmarks.scorecard.summarize` takes it, a scene of its own."""
    target = {name: value for name, value in row.items() if name != metric.prediction_field}
    group = metric.group_of(row) if metric.group_of is not None else ""
    name = str(row.get("id", number))
    return JudgedRow(
        name, name, group, score.values, score.outcome, score.failure, score.marks, target
    )


def decode_row(line: bytes | str, number: int) -> Row:
    """Decode one line (``number`` from 1) into an object; raises `RowError` on anything else."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise RowError(f"Line {number} is not valid JSON: {error}.") from error
    if not isinstance(row, dict):
        raise RowError(f"Line {number} is not a JSON object with the fields of a row.")
    return row


def read_predictions(lines: Iterable[bytes | str]) -> dict[str, object]:
    """Predictions by id from ``{"id": …, "prediction": …}`` lines; null is a failed one.

    Numeric ids are read as their digits. Raises `RowError` for anything else and for an id that
    occurs twice: which of the two answers counts is not ours to choose.
    """
    found: dict[str, object] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        row = decode_row(line, number)
        key = row.get("id")
        if not isinstance(key, str | int) or "prediction" not in row:
            raise RowError(f"Line {number} needs an id and a prediction (null for a failed row).")
        if str(key) in found:
            raise RowError(f"Line {number} repeats the id {str(key)!r}; keep one prediction a row.")
        found[str(key)] = row["prediction"]
    return found
