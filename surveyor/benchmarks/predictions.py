"""Scoring a file of predictions that some other harness made against a dataset's targets."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from surveyor.benchmarks.scan_points import Scans
from surveyor.benchmarks.scorecard import Scorecard, judge, summarize
from surveyor.benchmarks.scorers.registry import metric_named
from surveyor.benchmarks.scorers.rows import read_predictions
from surveyor.benchmarks.scoring import scheduled_row
from surveyor.core.dataset import Dataset
from surveyor.scenes.datasets.truth import targets


def score_predictions(
    dataset_path: Path,
    lines: Iterable[bytes | str],
    metric: str = "vsi",
    profile: str | None = None,
) -> Scorecard:
    """Score ``{"id": ..., "prediction": ...}`` lines; rows without a prediction count 0 as
    incomplete.

    Raises `UserError` for a damaged dataset, an unknown metric or profile, ids that repeat and
    predictions to questions that the dataset does not ask.
    """
    scorer = metric_named(metric)
    tasks = {task.id: task for task in Dataset.open(dataset_path).tasks()}
    scans = Scans(dataset_path)
    rows = [
        scheduled_row(target.task_id, tasks[target.task_id], target, scorer, scans)
        for target in targets(dataset_path)
    ]
    return summarize(scorer, judge(scorer, rows, read_predictions(lines), profile), profile)
