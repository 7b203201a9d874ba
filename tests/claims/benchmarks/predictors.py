"""Two predictors that every scorer must judge rightly: one is always right, one says nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from surveyor.benchmarks.scan_points import Scans
from surveyor.benchmarks.scorecard import ScheduledRow, Scorecard, judge, summarize
from surveyor.benchmarks.scorers.base import Metric, Row
from surveyor.benchmarks.scorers.grounding import ZERO_TARGET_TYPES
from surveyor.benchmarks.scorers.per_type import own_metric
from surveyor.benchmarks.scorers.registry import metric_named
from surveyor.benchmarks.scoring import scheduled_row
from surveyor.core.dataset import Dataset
from surveyor.scenes.datasets.truth import targets

Predictor = Callable[[Metric, Row], object]
_TRUTH: Mapping[str, str] = {
    "multi3drefer": "gt_aabbs",
    "scanrefer": "gt_aabb",
    "reason3d": "gt_indexes",
    "region-mask": "gt_indexes",
}


def perfect(metric: Metric, row: Row) -> object:
    """The right answer, as text, as an agent would give it."""
    own = own_metric(row.get("question_type")) if metric.name == "rooms" else metric
    name = own.name if own else ""
    if name in _TRUTH:
        return json.dumps(row[_TRUTH[name]])
    if name == "scan2cap" and isinstance(row["references"], list):
        return json.dumps({"text": row["references"][0], "box": row["gt_aabb"]})
    if name == "qa-mask" and isinstance(row["references"], list):
        return json.dumps({"text": row["references"][0], "indexes": row["gt_indexes"]})
    for field in ("references", "admissible"):
        listed = row.get(field)
        if name in ("qa-em", "anchor") and isinstance(listed, list):
            return json.dumps(listed[0]) if field == "admissible" else listed[0]
    return row["ground_truth"]


def silent(metric: Metric, row: Row) -> object:
    """Nothing, in the form that the metric reads."""
    del row
    return "[]" if metric.structured else ""


def score_dataset(
    dataset: Path,
    metric: str,
    predictor: Predictor,
    profile: str | None = None,
    types: Collection[str] = (),
) -> Scorecard:
    """What a predictor scores on a dataset, or on the question ``types`` of it; rows without
    targets are left out for one that is `silent`: to them, nothing is the right answer."""
    scorer, scans = metric_named(metric), Scans(dataset)
    tasks = {task.id: task for task in Dataset.open(dataset).tasks()}
    rows = [
        scheduled_row(target.task_id, tasks[target.task_id], target, scorer, scans)
        for target in targets(dataset)
        if not types or tasks[target.task_id].question_type in types
    ]
    if predictor is silent:
        rows = [row for row in rows if not _without_targets(row)]
    said = {row.id: predictor(scorer, row.target) for row in rows}
    return summarize(scorer, judge(scorer, rows, said, profile), profile)


def _without_targets(row: ScheduledRow) -> bool:
    return row.target.get("eval_type") in ZERO_TARGET_TYPES
