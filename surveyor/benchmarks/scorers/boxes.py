"""Axis-aligned boxes as published grounding scorers compare them.

A box is ``[[xmin, ymin, zmin], [xmax, ymax, zmax]]`` in metres. Precision, the term added to the
union and the treatment of boxes whose bounds are swapped are part of each published rule, because
they decide rows at a threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from surveyor.benchmarks.scorers.base import Unscorable

Boxes = NDArray[np.floating[Any]]
"""Bounds of n boxes, shape (n, 2, 3), float32 or float64."""

THRESHOLDS: Final = (0.25, 0.5)


@dataclass(frozen=True, slots=True)
class BoxRule:
    """How one published scorer computes an IoU.

    ``epsilon`` is added to the union. With ``swaps_bounds`` a box is the hull of its two corners;
    without, a box whose minimum exceeds its maximum intersects nothing.
    """

    dtype: type[np.float32] | type[np.float64]
    epsilon: float
    swaps_bounds: bool


SCANREFER: Final = BoxRule(np.float64, 1e-8, swaps_bounds=True)
"""ScanRefer (9d74830) and Chat-Scene (475e106), which takes it over."""
M3DREF: Final = BoxRule(np.float32, float(np.finfo(np.float32).eps), swaps_bounds=False)
"""M3DRef-CLIP (babfcc4): all arithmetic in float32."""


def read_boxes(value: object, rule: BoxRule, name: str) -> Boxes:
    """A list of boxes as (n, 2, 3); `Unscorable` on anything else."""
    boxes = _array(value, rule, name)
    if boxes.shape == (0,):
        return boxes.reshape(0, 2, 3)
    if boxes.ndim != 3 or boxes.shape[1:] != (2, 3):
        raise Unscorable(f"{name} is not a list of [[xmin, ymin, zmin], [xmax, ymax, zmax]]")
    return boxes


def read_box(value: object, rule: BoxRule, name: str) -> Boxes:
    """One box as (1, 2, 3); `Unscorable` on anything else."""
    box = _array(value, rule, name)
    if box.shape != (2, 3):
        raise Unscorable(f"{name} is not [[xmin, ymin, zmin], [xmax, ymax, zmax]]")
    return box.reshape(1, 2, 3)


def _array(value: object, rule: BoxRule, name: str) -> Boxes:
    try:
        with np.errstate(all="ignore"):
            return np.asarray(value, dtype=rule.dtype)
    except (ValueError, TypeError, OverflowError) as error:
        raise Unscorable(f"{name} does not hold boxes: {error}") from error


def iou_matrix(first: Boxes, second: Boxes, rule: BoxRule) -> Boxes:
    """IoU of every pair, shape (len(first), len(second)), in the rule's precision.

    Operations run in the published order: each rounds in float32. Boxes that hold NaN, or whose
    volume overflows, give NaN.
    """
    if rule.swaps_bounds:
        first, second = np.sort(first, axis=1), np.sort(second, axis=1)
    a, b = first[:, None], second[None]
    with np.errstate(all="ignore"):
        side = np.maximum(
            np.minimum(a[..., 1, :], b[..., 1, :]) - np.maximum(a[..., 0, :], b[..., 0, :]), 0
        )
        shared = side[..., 0] * side[..., 1] * side[..., 2]
        union = _volumes(a) + _volumes(b) - shared + rule.dtype(rule.epsilon)
        ious: Boxes = shared / union
    return ious


def _volumes(boxes: Boxes) -> Boxes:
    extent = boxes[..., 1, :] - boxes[..., 0, :]
    volumes: Boxes = extent[..., 0] * extent[..., 1] * extent[..., 2]
    return volumes
