"""Scoring a file of predictions that some other harness made against a suite's targets."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from benchmarks.scan_points import Scans
from benchmarks.scorecard import Scorecard, judge, summarize
from benchmarks.scorers.registry import metric_named
from benchmarks.scorers.rows import read_predictions
from benchmarks.scoring import scheduled_row
from scenes.suite import Suite
from scenes.suite_truth import targets


def score_predictions(
    suite_path: Path,
    lines: Iterable[bytes | str],
    metric: str = "vsi",
    profile: str | None = None,
) -> Scorecard:
    """Score ``{"id": ..., "prediction": ...}`` lines; rows without a prediction count 0 as owed.

    Raises `UserError` for a damaged suite, an unknown metric or profile, ids that repeat and
    predictions to questions that the suite does not ask.
    """
    scorer = metric_named(metric)
    tasks = {task.id: task for task in Suite.open(suite_path).tasks()}
    scans = Scans(suite_path)
    rows = [
        scheduled_row(target.task_id, tasks[target.task_id], target, scorer, scans)
        for target in targets(suite_path)
    ]
    return summarize(scorer, judge(scorer, rows, read_predictions(lines), profile), profile)
