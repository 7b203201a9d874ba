"""SPAR-Bench: letters, numbers and an action vector, the mean of the task means.

Profiles: ``official`` is the authors' code (1679885; lmms-eval's copy is the same). Its letters
count an *empty reply as right* (marked ``guessed``), its numbers know no sign, and its action
vector divides the error by the reply. ``easi`` (0c1a41e): rule E, and the error over the truth.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from statistics import fmean
from typing import Final

from surveyor.benchmarks.scorers.base import Measure, Metric, Row, Unscorable, text_of
from surveyor.benchmarks.scorers.easi_rules import easi_choice_score, easi_number_score
from surveyor.benchmarks.scorers.relative import relative_accuracy
from surveyor.benchmarks.stats.averages import Averaging

LEVELS: Final = {
    **{
        f"{kind}_prediction_{pair}{views}": "Low"
        for kind in ("depth", "distance")
        for pair in ("oc", "oo")
        for views in ("", "_mv")
    },
    **dict.fromkeys(("view_change_infer", "position_matching", "camera_motion_infer"), "Middle"),
    **dict.fromkeys((f"obj_spatial_relation_{pair}" for pair in ("oo", "oc_mv", "oo_mv")), "High"),
    **{
        f"spatial_imagination_{pair}{views}": "High"
        for pair in ("oc", "oo")
        for views in ("", "_mv")
    },
    **dict.fromkeys(("distance_infer_center_oo", "distance_infer_center_oo_mv"), "High"),
}
"""The 20 tasks by level."""
VIEW_CHANGE: Final = "view_change_infer"
NUMBER_TASKS: Final = frozenset(name for name, level in LEVELS.items() if level == "Low")
_NUMBER: Final = re.compile(r"(?<!\^)\d+\.\d+|(?<!\^)\d+")
_AXES: Final = (
    *(("move_right", "move_left"), ("move_up", "move_down")),
    ("move_forward", "move_backward"),
    *(("rotate_right", "rotate_left"), ("rotate_up", "rotate_down")),
)


def official_choice(reply: str, truth: str) -> dict[str, float]:
    """Right if equal without case, if the reply is contained in the truth, or if its first
    character is the truth."""
    reply, truth = reply.lower(), truth.lower()
    if not reply:
        return {"score": 1.0, "unread": 1.0, "guessed": 1.0}
    return {"score": float(reply in truth or reply[0] == truth)}


def official_number(reply: str, truth: str, task: str) -> dict[str, float]:
    """MRA of the first number of a single view, the last one of several (-1 where there is none);
    signs, exponents and thousands' commas are not read."""
    found = _NUMBER.findall(reply)
    last = task.endswith("_mv")
    if not found and not last:
        return {"score": 0.0, "unread": 1.0}
    guess = float(found[-1 if last else 0]) if found else -1.0
    try:
        score = relative_accuracy(guess, float(truth))
    except ValueError:
        score = 0.0
    return {"score": score, "unread": float(not found)}


def official_view_change(reply: str, truth: str) -> dict[str, float]:
    """The mean over five axes of MRA of the truth measured against the reply; 0 where any part of
    either does not parse. Names keep the blanks around them, so one after a comma is unknown."""
    try:
        said, asked = _strict_actions(reply), _strict_actions(truth)
    except ValueError:
        return {"score": 0.0, "unread": 1.0}
    pairs = zip(_vector(asked), _vector(said), strict=True)
    return {"score": fmean(relative_accuracy(wanted, got) for wanted, got in pairs)}


def easi_view_change(reply: str, truth: str) -> dict[str, float]:
    """The same against the truth; parts that do not parse are left out, so a reply that says
    nothing gets the axes that do not change."""
    said, asked = _lenient_actions(reply), _lenient_actions(truth)
    pairs = zip(_vector(said), _vector(asked), strict=True)
    score = fmean(relative_accuracy(got, wanted) for got, wanted in pairs)
    return {"score": score, "unread": float(not said), "guessed": float(not said and score > 0)}


def _strict_actions(text: str) -> dict[str, float]:
    actions = {}
    for part in text.split(","):
        name, value = part.split(":")  # too many or too few raise ValueError, as published
        actions[name] = float(value)
    return actions


def _lenient_actions(text: str) -> dict[str, float]:
    actions = {}
    for part in text.split(","):
        name, colon, value = part.partition(":")
        try:
            if colon:
                actions[name.strip()] = float(value)
        except ValueError:
            continue
    return actions


def _vector(actions: Mapping[str, float]) -> list[float]:
    return [actions.get(plus, 0.0) - actions.get(minus, 0.0) for plus, minus in _AXES]


def score_row(row: Row, profile: str) -> Mapping[str, float]:
    """Score of one row: ``task``, ``ground_truth``, ``prediction``."""
    task = row["task"]
    if not isinstance(task, str) or task not in LEVELS:
        raise Unscorable(f"task {task!r} is not one of SPAR-Bench")
    truth, reply = row["ground_truth"], row["prediction"]
    expected = str(truth) if isinstance(truth, int | float) else text_of(truth, "ground_truth")
    text = text_of(reply, "prediction")
    if task == VIEW_CHANGE:
        return (easi_view_change if profile == "easi" else official_view_change)(text, expected)
    if task in NUMBER_TASKS:
        if profile == "easi":
            return easi_number_score(text, expected)
        return official_number(text, expected, task)
    if profile == "easi":
        return easi_choice_score(text, expected)
    return official_choice(text, expected)


_OVERALL: Final = (Measure("score", averaging=Averaging.GROUPS, families=LEVELS),)
METRICS: Final = (
    Metric(
        name="spar",
        version="1",
        profiles=("official", "easi"),
        target_fields=("task", "ground_truth"),
        prediction_field="prediction",
        score_fields=("score",),
        function=score_row,
        measures={"official": _OVERALL, "easi": _OVERALL},
        group_of=lambda row: str(row.get("task")),
    ),
)
