"""The reward of naming boxes: how well the named objects are the true ones, in [0, 1].

Predicted and true boxes are matched one to one so that the sum of similarities is greatest
(Hungarian), and ``R = 2 sum(s) / (p + g)`` for p predicted and g true boxes. A perfect answer is
worth 1 for any number of targets, an extra object always costs, and nothing is won by saying much:

``s = 0.5 exp(-2 d) + 0.5 exp(-2 e)`` with the distance d of the centres in metres and the mean
relative error e of the sizes, and ``s = 0.8 s + 0.2 [same id]`` where the ids are known.

APEIRIA's reward, which this replaces, gives less for two right objects than for one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import dist, exp, isfinite

import numpy as np
from scipy.optimize import linear_sum_assignment

from surveyor.agent.program.apeiria import SPEAKS, read_answer
from surveyor.benchmarks.scorers.base import Unscorable
from surveyor.benchmarks.scorers.boxes import SCANREFER, Boxes, read_boxes
from surveyor.core.geometry import Vec3

_LEAST_EDGE, _ID = 0.01, 0.2


@dataclass(frozen=True, slots=True)
class NamedBox:
    """Centre and full edge lengths in metres; ``id`` where objects are named by ids."""

    center: Vec3
    size: Vec3
    id: str = ""


def box_reward(
    predicted: Sequence[NamedBox] | None, true: Sequence[NamedBox], *, denied: bool = False
) -> float:
    """The reward of an answer.

    ``predicted`` is ``None`` for an answer that could not be read, which is worth 0 whatever was
    asked. Where there is nothing to find, only an explicit denial (``denied``) is worth 1: saying
    nothing is not saying that there is nothing.
    """
    if predicted is None:
        return 0.0
    if not predicted or not true:
        return float(not predicted and not true and denied)
    table = np.array([[similarity(one, other) for other in true] for one in predicted])
    rows, columns = linear_sum_assignment(table, maximize=True)
    return float(2 * table[rows, columns].sum() / (len(predicted) + len(true)))


def similarity(predicted: NamedBox, true: NamedBox) -> float:
    """How much one box is another, in [0, 1]; a box of no size at all is no object, and none."""
    if not any(predicted.size):
        return 0.0
    errors = [
        abs(said - is_) / max(is_, _LEAST_EDGE)
        for said, is_ in zip(predicted.size, true.size, strict=True)
    ]
    near = 0.5 * exp(-2 * dist(predicted.center, true.center))
    alike = near + 0.5 * exp(-2 * sum(errors) / 3)
    if not true.id:
        return alike
    return (1 - _ID) * alike + _ID * (predicted.id == true.id)


def corners_reward(predicted: object, target: Mapping[str, object]) -> float | None:
    """The reward of boxes told by their corners, ``[[xmin, ymin, zmin], [xmax, ymax, zmax]]`` each.

    ``target`` is a row of ScanRefer (``gt_aabb``) or Multi3DRefer (``gt_aabbs``), ``None`` comes
    back for any other. An empty list is a denial, anything that is no list of boxes worth 0.
    """
    if "gt_aabb" in target:
        true = read_boxes([target["gt_aabb"]], SCANREFER, "gt_aabb")
    elif "gt_aabbs" in target:
        true = read_boxes(target["gt_aabbs"], SCANREFER, "gt_aabbs")
    else:
        return None
    try:
        said = _named(read_boxes(predicted, SCANREFER, "the answer"))
    except Unscorable:
        return 0.0
    if any(not isfinite(x) for one in said for x in (*one.center, *one.size)):
        return 0.0
    return box_reward(said, _named(true), denied=not said)


def _named(corners: Boxes) -> list[NamedBox]:
    told = []
    for low, high in corners.astype(float):
        (x, y, z), (a, b, c) = ((low + high) / 2).tolist(), (high - low).tolist()
        told.append(NamedBox((x, y, z), (a, b, c)))
    return told


_DENIAL = re.compile(
    r"didn't find any|no objects found|^answer: none$", re.IGNORECASE | re.MULTILINE
)


def spoken_reward(text: str, true: Sequence[NamedBox]) -> float:
    """The reward of an answer in APEIRIA's layout: unreadable or cut off is worth 0."""
    said = read_answer(text)
    if said is None:
        return 0.0
    denied = _DENIAL.search(text.rpartition(SPEAKS)[2]) is not None
    if not said and not denied:
        return 0.0
    return box_reward([NamedBox(o.center, o.size, o.handle) for o in said], true, denied=denied)
