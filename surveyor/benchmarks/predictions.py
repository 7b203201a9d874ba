"""Scoring a file of predictions that some other harness made against a dataset's targets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from surveyor.benchmarks.scan_points import Scans
from surveyor.benchmarks.scorecard import Scorecard, judge, summarize
from surveyor.benchmarks.scorers.base import Unscorable
from surveyor.benchmarks.scorers.boxes import SCANREFER, THRESHOLDS, iou_matrix, read_box
from surveyor.benchmarks.scorers.captions import caption_scores
from surveyor.benchmarks.scorers.registry import metric_named
from surveyor.benchmarks.scorers.rows import read_predictions
from surveyor.benchmarks.scoring import scheduled_row
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.scenes.datasets.truth import targets
from surveyor.scenes.targets import Target


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


def caption_figures(dataset_path: Path, lines: Iterable[bytes | str]) -> dict[str, float]:
    """BLEU, ROUGE-L and CIDEr of a file of predictions, 0..100 (CIDEr 0..1000), over the corpus.

    Scan2Cap's captions, ``{"text": ..., "box": ...}``, are reckoned once a threshold, as
    ``BLEU-4@0.5``: where the box fits less, the caption counts as empty. Raises `UserError` as
    `score_predictions` does, and without pycocoevalcap.
    """
    wanted = {target.task_id: target for target in targets(dataset_path)}
    if not wanted:
        raise UserError(f"{dataset_path} has no answers to score captions by")
    texts = {key: _references(one) for key, one in wanted.items()}
    said = read_predictions(lines)
    boxed = any("gt_aabb" in one.payload for one in wanted.values())
    figures = {}
    for least in THRESHOLDS if boxed else (None,):
        kept = {key: _caption(one, wanted.get(key), least) for key, one in said.items()}
        for score in caption_scores(texts, kept):
            figures[score.name if least is None else f"{score.name}@{least}"] = 100 * score.overall
    return figures


def _references(target: Target) -> Sequence[str]:
    listed = target.payload.get("references")
    return [str(one) for one in listed] if isinstance(listed, list) else [target.answer]


def _caption(said: object, target: Target | None, least: float | None) -> str:
    """The text that counts: none where the box beside it misses."""
    if least is None or target is None:
        return said if isinstance(said, str) else ""
    if not isinstance(said, Mapping) or not isinstance(said.get("text"), str):
        return ""
    try:
        truth = read_box(target.payload["gt_aabb"], SCANREFER, "gt_aabb")
        iou = iou_matrix(truth, read_box(said.get("box"), SCANREFER, "box"), SCANREFER)[0, 0]
    except Unscorable:
        return ""
    return str(said["text"]) if np.isfinite(iou) and iou >= least else ""
