"""Scan2Cap: a caption counts where its box fits, m@kIoU with ROUGE-L for m.

ROUGE-L of a row depends on that row alone. CIDEr and corpus BLEU depend on the whole dataset and
are no score of a row; `surveyor.benchmarks.scorers.captions` reckons them for a set of replies.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from surveyor.benchmarks.scorers.base import Metric, Row, Unscorable, text_of
from surveyor.benchmarks.scorers.boxes import SCANREFER, THRESHOLDS, iou_matrix, read_box
from surveyor.benchmarks.scorers.captions import tokenize

_BETA: Final = 1.2


def rouge_l(caption: str, references: Sequence[str]) -> float:
    """ROUGE-L as COCO captions are scored (beta 1.2): best precision and best recall of the longest
    common subsequence of tokens over the references. 0 for an empty caption."""
    said = tokenize(caption).split()
    truths = [tokenize(one).split() for one in references]
    shared = [_common(said, truth) for truth in truths]
    if not said or not any(shared):
        return 0.0
    precision = max(shared) / len(said)
    recall = max(n / len(truth) for n, truth in zip(shared, truths, strict=True) if truth)
    return (1 + _BETA**2) * precision * recall / (recall + _BETA**2 * precision)


def _common(first: Sequence[str], second: Sequence[str]) -> int:
    """Length of the longest common subsequence."""
    row = [0] * (len(second) + 1)
    for word in first:
        before = row
        row = [0]
        for k, other in enumerate(second):
            row.append(before[k] + 1 if word == other else max(row[k], before[k + 1]))
    return row[-1]


def score_row(row: Row, profile: str) -> Mapping[str, float]:
    """Score fields of one row: ``gt_aabb``, ``references`` (texts) and ``pred_caption``,
    ``{"text": ..., "box": [[...], [...]]}``. ``rouge_l_at_k`` is 0 where the IoU is below k."""
    del profile  # one rule
    said = row["pred_caption"]
    if not isinstance(said, dict):
        raise Unscorable("the prediction is no caption with a box")
    references = row["references"]
    if not isinstance(references, list) or not references:
        raise Unscorable("references is not a list of texts")
    truths = [text_of(one, "a reference") for one in references]
    text = text_of(said.get("text"), "the caption")
    truth = read_box(row["gt_aabb"], SCANREFER, "gt_aabb")
    iou = float(iou_matrix(truth, read_box(said.get("box"), SCANREFER, "box"), SCANREFER)[0, 0])
    found = rouge_l(text, truths)
    return {**{f"rouge_l_at_{k}": found * (iou >= k) for k in THRESHOLDS[::-1]}, "iou": iou}


METRICS: Final = (
    Metric(
        name="scan2cap",
        version="1",
        profiles=("official",),
        target_fields=("gt_aabb", "references"),
        prediction_field="pred_caption",
        score_fields=(*(f"rouge_l_at_{k}" for k in THRESHOLDS[::-1]), "iou"),
        function=score_row,
        structured=True,
    ),
)
