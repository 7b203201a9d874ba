"""ReVSI and VSI-SUPER: VSI-Bench's kinds of questions under other rules.

ReVSI (lmms-eval 75571cf, the authors' own task): letters and numbers from the first word, thirteen
stored types in seven groups. VSI-SUPER: a letter of any word, a count, or a list of running counts.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from statistics import fmean
from typing import Final

from surveyor.benchmarks.scorers.base import Measure, Metric, Row, Unscorable, text_of
from surveyor.benchmarks.scorers.choice_rules import first_word
from surveyor.benchmarks.scorers.easi_rules import easi_choice_score, easi_number_score
from surveyor.benchmarks.scorers.relative import relative_accuracy, share_within
from surveyor.benchmarks.stats.averages import Averaging

TYPES: Final = {
    **{
        f"object_rel_direction_{way}_{level}": "object_rel_direction"
        for way in ("forward", "backward")
        for level in ("easy", "hard")
    },
    **{f"object_rel_distance_{end}": "object_rel_distance" for end in ("closest", "farthest")},
    **{f"object_counting_{n}": "object_counting" for n in ("single", "multiple")},
    **{f"room_size_estimation_{n}": "room_size_estimation" for n in ("single", "multiple")},
    **{name: name for name in ("object_abs_distance", "object_size_estimation", "route_planning")},
}
"""Stored types by the group that they are averaged into."""
LETTER_TYPES: Final = frozenset(
    name for name in TYPES if name.startswith("object_rel_") or name == "route_planning"
)
UNITS: Final = {
    "object_abs_distance": "m",
    "object_size_estimation": "cm",
    "room_size_estimation_single": "m2",
    "room_size_estimation_multiple": "m2",
}
_GROUPS: Final = {name: group for name, group in TYPES.items() if name != group}


def score_revsi(row: Row, profile: str) -> Mapping[str, float]:
    """Score of one row: ``question_type``, ``ground_truth``, ``prediction``."""
    del profile  # both harnesses run the authors' task
    kind = row["question_type"]
    if not isinstance(kind, str) or kind not in TYPES:
        raise Unscorable(f"question type {kind!r} is not one of ReVSI")
    said = first_word(str(row["prediction"])) or ""
    truth = str(row["ground_truth"])
    if kind in LETTER_TYPES:
        read = re.fullmatch("[A-Z]", said) is not None
        return {"score": float(said == truth.upper()), "unread": float(not read)}
    try:
        guess = float(said)
    except ValueError:
        return {"score": 0.0, "unread": 1.0}
    try:
        target = float(truth)
        score = share_within(abs(guess - target) / target)
    except (ValueError, ZeroDivisionError):
        score = 0.0  # a truth of 0 scores 0
    return {"score": score}


def score_vsi_super(row: Row, profile: str) -> Mapping[str, float]:
    """Score of one row: ``question_type`` (recall, count, streaming), ``ground_truth``, for
    streaming rows ``answers``, ``prediction``."""
    kind, truth = row["question_type"], row["ground_truth"]
    reply = text_of(row["prediction"], "prediction")
    match kind:
        case "recall":
            if profile == "easi":
                return easi_choice_score(reply, truth)
            letter = re.search("[A-D]", reply.upper())
            right = letter is not None and letter.group() == str(truth).strip().upper()
            return {"score": float(right), "unread": float(letter is None)}
        case "count":
            if profile == "easi":
                return easi_number_score(reply, truth)
            return _counted(reply, truth)
        case "streaming":
            return _running(reply, row.get("answers"))
    raise Unscorable(f"question type {kind!r} is not one of VSI-SUPER")


def _counted(reply: str, truth: object) -> Mapping[str, float]:
    """MRA of the first number, 0 where there is none."""
    found = re.search(r"\d+(?:\.\d+)?", reply)
    guess = float(found.group()) if found else 0.0
    return {"score": relative_accuracy(guess, _number(truth)), "unread": float(found is None)}


def _running(reply: str, answers: object) -> Mapping[str, float]:
    """The mean MRA of counts that are paired by position; missing ones are not counted."""
    if not isinstance(answers, list | tuple) or not answers:
        raise Unscorable("the row has no running answers")
    try:
        said = json.loads(reply)
        counts = [float(count) for count in said]
    except (ValueError, TypeError, RecursionError):
        return {"score": 0.0, "unread": 1.0}
    pairs = list(zip(counts, answers, strict=False))
    if not pairs:
        return {"score": 0.0, "unread": 1.0}
    return {"score": fmean(relative_accuracy(said, _number(truth)) for said, truth in pairs)}


def _number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        raise Unscorable(f"the ground truth {value!r} is no number") from None


METRICS: Final = (
    Metric(
        name="revsi",
        version="1",
        profiles=("official",),
        target_fields=("question_type", "ground_truth"),
        prediction_field="prediction",
        score_fields=("score",),
        function=score_revsi,
        averaging=Averaging.GROUPS,
        parents=_GROUPS,
        group_of=lambda row: str(row.get("question_type")),
    ),
    Metric(
        name="vsi-super",
        version="1",
        profiles=("official", "easi"),
        target_fields=("question_type", "ground_truth"),
        prediction_field="prediction",
        score_fields=("score",),
        function=score_vsi_super,
        measures=dict.fromkeys(
            ("official", "easi"), (Measure("score", averaging=Averaging.GROUPS),)
        ),
        group_of=lambda row: str(row.get("question_type")),
    ),
)
