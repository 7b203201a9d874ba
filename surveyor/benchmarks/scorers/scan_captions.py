"""Scan2Cap: a caption counts where its box fits, m@kIoU with ROUGE-L for m.

ROUGE-L of a row depends on that row alone. CIDEr and corpus BLEU depend on the whole dataset and are
no score of a row; `surveyor.benchmarks.scorers.captions` reckons them for a set of replies.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from surveyor.benchmarks.scorers.base import Metric, Row, Unscorable, text_of
from surveyor.benchmarks.scorers.boxes import SCANREFER, THRESHOLDS, iou_matrix, read_box
from surveyor.benchmarks.scorers.captions import caption_scores


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
    (rouge,) = caption_scores({"row": truths}, {"row": text}, ("ROUGE-L",))
    found = rouge.rows["row"]
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
