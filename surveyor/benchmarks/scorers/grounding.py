"""ScanRefer (Acc@IoU) and Multi3DRefer (F1@IoU) on rows of boxes.

ScanRefer profiles: ``scanrefer`` (9d74830) in float64 with 1e-8 added to the union, so that a box
at exactly 0.25 or 0.5 misses; ``m3dref`` (M3DRef-CLIP, babfcc4) in float32 with 1.2e-7.
Multi3DRefer profiles: ``m3dref`` and ``chatscene`` (475e106), the float64 IoU rounded to float32.

Choices of ours: a missing or unreadable prediction, also to a row without targets, counts 0 as
failed (published evaluators drop such rows or raise); an IoU that is not a number is 0 and a
miss; F1 is the published function's own double, before the float32 array that means are taken of.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from surveyor.benchmarks.scorers.base import Metric, Row, Unscorable
from surveyor.benchmarks.scorers.boxes import (
    M3DREF,
    SCANREFER,
    THRESHOLDS,
    Boxes,
    BoxRule,
    iou_matrix,
    read_box,
    read_boxes,
)

_SCANREFER_RULES: Final = {"scanrefer": SCANREFER, "m3dref": M3DREF}
_MULTI_RULES: Final = {"m3dref": M3DREF, "chatscene": SCANREFER}

ZERO_TARGET_TYPES: Final = frozenset({"zt_w_d", "zt_wo_d"})
EVAL_TYPES: Final = ZERO_TARGET_TYPES | {"st_w_d", "st_wo_d", "mt"}


def score_scanrefer(row: Row, profile: str) -> Mapping[str, float]:
    """Score fields of one row: ``gt_aabb``, ``pred_aabb``. Hits compare by ``>=``."""
    rule = _SCANREFER_RULES[profile]
    truth = read_box(row["gt_aabb"], rule, "gt_aabb")
    prediction = read_box(row["pred_aabb"], rule, "pred_aabb")
    iou = float(iou_matrix(prediction, truth, rule)[0, 0])
    iou = 0.0 if np.isnan(iou) else iou
    return {"iou": iou, **{f"hit_at_{limit}": iou >= limit for limit in THRESHOLDS}}


def score_multi3drefer(row: Row, profile: str) -> Mapping[str, float]:
    """Score fields of one row: ``eval_type``, ``gt_aabbs``, ``pred_aabbs``.

    F1 over the matching of the largest summed IoU; a duplicate prediction is a false positive. For
    the zero-target types 1 if nothing is predicted, else 0.
    """
    rule, eval_type = _MULTI_RULES[profile], row["eval_type"]
    if not isinstance(eval_type, str) or eval_type not in EVAL_TYPES:
        raise Unscorable(f"eval_type {eval_type!r} is not one of Multi3DRefer")
    predictions = read_boxes(row["pred_aabbs"], rule, "pred_aabbs")
    if eval_type in ZERO_TARGET_TYPES:
        return {f"f1_at_{limit}": float(len(predictions) == 0) for limit in THRESHOLDS}
    truths = read_boxes(row["gt_aabbs"], rule, "gt_aabbs")
    total = len(predictions) + len(truths)
    if total == 0:
        raise Unscorable(f"a row of type {eval_type} has neither targets nor predictions")
    ious = matched_ious(predictions, truths, rule)
    return {f"f1_at_{limit}": 2 * int((ious >= limit).sum()) / total for limit in THRESHOLDS}


def matched_ious(predictions: Boxes, truths: Boxes, rule: BoxRule) -> Boxes:
    """IoU of every prediction with the target that it is matched to, 0 for none, in float32.

    The square matrix and its float32 are as published: with ties they decide which of the equally
    good matchings is taken. Raises `Unscorable` where an IoU is not a number.
    """
    from scipy.optimize import linear_sum_assignment

    square = np.zeros((max(len(predictions), len(truths)),) * 2, dtype=np.float32)
    square[: len(predictions), : len(truths)] = iou_matrix(predictions, truths, rule)
    try:
        rows, columns = linear_sum_assignment(-square)
    except ValueError as error:
        raise Unscorable(f"the boxes cannot be matched: {error}") from error
    matched: Boxes = square[rows, columns][: len(predictions)]
    return matched


METRICS: Final = (
    Metric(
        name="multi3drefer",
        version="1",
        profiles=("m3dref", "chatscene"),
        target_fields=("eval_type", "gt_aabbs"),
        prediction_field="pred_aabbs",
        score_fields=("f1_at_0.25", "f1_at_0.5"),
        function=score_multi3drefer,
        structured=True,
    ),
    Metric(
        name="scanrefer",
        version="1",
        profiles=("scanrefer", "m3dref"),
        target_fields=("gt_aabb",),
        prediction_field="pred_aabb",
        score_fields=("iou", "hit_at_0.25", "hit_at_0.5"),
        function=score_scanrefer,
        structured=True,
    ),
)
