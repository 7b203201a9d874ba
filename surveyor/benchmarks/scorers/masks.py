"""Point masks: Reason3D's per-row IoU, and mIoU, gIoU and cIoU over a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from surveyor.benchmarks.scorers.base import Metric, Row, Unscorable
from surveyor.benchmarks.scorers.qa_strict import strict_match

_EPSILON: Final = np.float32(1e-6)
_LIMITS: Final = (0.25, 0.5)
SHOWN: Final = 0.5
"""IoU above which a mask shows what an answer is about."""


@dataclass(frozen=True, slots=True)
class MaskOverlap:
    """Points in both masks, and in either."""

    intersection: int
    union: int

    @classmethod
    def of(cls, first: frozenset[int], second: frozenset[int]) -> MaskOverlap:
        """Overlap of two sets of point indices."""
        shared = len(first & second)
        return cls(shared, len(first) + len(second) - shared)

    @property
    def reason3d_iou(self) -> float:
        """Intersection / (union + 1e-6), every step in float32: one perfect point has 0.999999.

        Two empty masks have 0.
        """
        return float(np.float32(self.intersection) / (np.float32(self.union) + _EPSILON))

    @property
    def iou(self) -> float:
        """Plain IoU; two empty masks agree (1), as in generalised referring segmentation."""
        return self.intersection / self.union if self.union else 1.0


@dataclass(frozen=True, slots=True)
class MaskSummary:
    """A dataset's mask scores, 0..1, over all scheduled rows."""

    miou: float
    """Mean of Reason3D's per-row IoU."""
    giou: float
    """Mean of the plain per-row IoU."""
    ciou: float
    """Sum of intersections over sum of unions: large objects weigh more."""
    acc_25: float
    acc_50: float
    """Share of rows with an IoU strictly above 0.25 and 0.5."""


def summarize_masks(overlaps: Sequence[MaskOverlap | None]) -> MaskSummary:
    """Average rows; None is a failed or incomplete row, 0 in every mean.

    Such a row adds nothing to either sum of cIoU: give its target as ``MaskOverlap(0, n)`` where
    its size is known, so that it counts there too. Raises `ValueError` for no rows.
    """
    if not overlaps:
        raise ValueError("there are no rows to average")
    n_rows, present = len(overlaps), [overlap for overlap in overlaps if overlap is not None]
    ious = [overlap.reason3d_iou for overlap in present]
    union = sum(overlap.union for overlap in present)
    return MaskSummary(
        miou=sum(ious) / n_rows,
        giou=sum(overlap.iou for overlap in present) / n_rows,
        ciou=sum(overlap.intersection for overlap in present) / union if union else 0.0,
        acc_25=sum(iou > 0.25 for iou in ious) / n_rows,
        acc_50=sum(iou > 0.5 for iou in ious) / n_rows,
    )


def read_indexes(value: object, n_points: int, name: str) -> frozenset[int]:
    """A list of point indices, each in [0, n_points), as a set; `Unscorable` on anything else."""
    if not isinstance(value, list) or not all(type(index) is int for index in value):
        raise Unscorable(f"{name} is not a list of whole numbers")
    points = frozenset(value)
    if points and not 0 <= min(points) <= max(points) < n_points:
        raise Unscorable(f"{name} names a point outside of the {n_points} points")
    return points


def mask_overlap(row: Row) -> MaskOverlap:
    """Overlap of a row's masks: ``n_points``, ``gt_indexes``, ``pred_indexes``."""
    n_points = row["n_points"]
    if type(n_points) is not int:
        raise Unscorable("n_points is not a whole number")
    truth = read_indexes(row["gt_indexes"], n_points, "gt_indexes")
    return MaskOverlap.of(truth, read_indexes(row["pred_indexes"], n_points, "pred_indexes"))


def score_reason3d(row: Row, profile: str) -> Mapping[str, float]:
    """Score fields of one row (Reason3D, 734b552); hits are strict: exactly 1/2 is a miss."""
    del profile  # one published rule
    iou = mask_overlap(row).reason3d_iou
    return {"iou": iou, **{f"hit_at_{limit}": iou > limit for limit in _LIMITS}}


def score_region(row: Row, profile: str) -> Mapping[str, float]:
    """Reason3D's fields, and ``region``: whether most of the mask lies in the region that was to be
    found first (``region_indexes``), whatever thing it shows there."""
    n_points = row["n_points"]
    if type(n_points) is not int:
        raise Unscorable("n_points is not a whole number")
    region = read_indexes(row["region_indexes"], n_points, "region_indexes")
    said = read_indexes(row["pred_indexes"], n_points, "pred_indexes")
    right = bool(said) and 2 * len(said & region) > len(said)
    return {**score_reason3d(row, profile), "region": right}


def score_answer(row: Row, profile: str) -> Mapping[str, float]:
    """An answer in words and a mask: ``{"text": ..., "indexes": [...]}`` against ``references`` and
    the true mask. Words are compared strictly, as whole words."""
    said = row["pred_answer"]
    if not isinstance(said, dict) or not isinstance(said.get("text"), str):
        raise Unscorable("the prediction is no answer in words with a mask")
    references = row["references"]
    if not isinstance(references, list) or not all(isinstance(one, str) for one in references):
        raise Unscorable("references is not a list of texts")
    em, _ = strict_match(said["text"], references)
    found = score_reason3d({**row, "pred_indexes": said.get("indexes")}, profile)
    return {"answered_and_shown": em and found["iou"] > SHOWN, "em": em, **found}


_MASK_FIELDS: Final = ("iou", "hit_at_0.25", "hit_at_0.5")
METRICS: Final = (
    Metric(
        name="region-mask",
        version="1",
        profiles=("official",),
        target_fields=("n_points", "gt_indexes", "region_indexes"),
        prediction_field="pred_indexes",
        score_fields=(*_MASK_FIELDS, "region"),
        function=score_region,
        structured=True,
    ),
    Metric(
        name="qa-mask",
        version="1",
        profiles=("official",),
        target_fields=("n_points", "gt_indexes", "references"),
        prediction_field="pred_answer",
        score_fields=("answered_and_shown", "em", *_MASK_FIELDS),
        function=score_answer,
        structured=True,
    ),
    Metric(
        name="reason3d",
        version="1",
        profiles=("official",),
        target_fields=("n_points", "gt_indexes"),
        prediction_field="pred_indexes",
        score_fields=_MASK_FIELDS,
        function=score_reason3d,
        structured=True,
    ),
)
