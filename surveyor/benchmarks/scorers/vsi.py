"""VSI-Bench: letters by exact match, numbers by mean relative accuracy (arXiv:2412.14171).

Profiles:

``official``
    The benchmark's own evaluation code (thinking-in-space, 51e089c). Compare published numbers by
    this one. What is read is the text before the first space.
``lmms-eval``
    The same letters; a number is the first one anywhere in the text, digits or English words
    (lmms-eval, 75571cf).
``easi``
    EASI without a judge (0c1a41e): rule E for letters and numbers, the same means of tasks.
``lenient``
    Ours, for diagnosis beside the official score: how much is lost to answer format alone. What
    the official parser credits stays credited, and the arithmetic is the same, so that a row scores
    above ``official`` only where more was read, never by rounding.

Where the published code raises (a prediction that is not text, a ground truth of 0 with a
readable prediction, an unknown question type) the row counts 0 as a failed row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from surveyor.benchmarks.scorers.base import Metric, Row, Unscorable, text_of
from surveyor.benchmarks.scorers.easi_rules import easi_choice_score, easi_number_score
from surveyor.benchmarks.scorers.lenient import find_choice, find_number
from surveyor.benchmarks.scorers.number_words import first_number
from surveyor.benchmarks.scorers.relative import share_within
from surveyor.benchmarks.stats.averages import Averaging

LETTER_TYPES: Final = frozenset(
    {
        "object_rel_direction_easy",
        "object_rel_direction_medium",
        "object_rel_direction_hard",
        "object_rel_distance",
        "route_planning",
        "obj_appearance_order",
    }
)
NUMBER_TYPES: Final = frozenset(
    {
        "object_abs_distance",
        "object_counting",
        "object_size_estimation",
        "room_size_estimation",
    }
)
UNITS: Final = {
    "object_abs_distance": "m",
    "object_size_estimation": "cm",
    "room_size_estimation": "m2",
}
"""What numbers are asked for in; counts have no unit."""
DIRECTION: Final = "object_rel_direction"
LEVELS: Final = {f"{DIRECTION}_{level}": DIRECTION for level in ("easy", "medium", "hard")}
"""The three difficulty levels are averaged, unweighted, into one task."""


def mean_relative_accuracy(prediction: float, truth: float) -> float:
    """Share of the ten tolerances that ``|prediction - truth| / truth`` stays within, 0..1.

    The error is divided by the signed truth, as published: a negative truth accepts any finite
    number. Raises `Unscorable` for a truth of 0, where the relative error is undefined.
    """
    if truth == 0:
        raise Unscorable("the ground truth is 0, so the relative error is undefined")
    return share_within(abs(prediction - truth) / truth)


def official_token(prediction: str) -> str:
    """What the official parser reads: up to the first space, without trailing full stops."""
    return prediction.split(" ", 1)[0].rstrip(".").strip()


def as_float(value: object) -> float | None:
    """Python's reading of a number, or None: "1e1", "1_000" and "٣" are numbers, "2m" is not."""
    if not isinstance(value, str | int | float):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def score_letter(prediction: object, truth: object) -> float:
    """1 when the official token is the truth's letter in either case; both published profiles."""
    token = official_token(text_of(prediction, "prediction"))
    return float(token.lower() == text_of(truth, "ground_truth").lower())


def score_number(prediction: object, truth: object, profile: str) -> float:
    """MRA of a published profile; 0 when either side is not a number."""
    if profile == "official":
        guess = as_float(official_token(text_of(prediction, "prediction")))
    else:
        guess = None if prediction is None else first_number(str(prediction))
    target = as_float(truth)
    if guess is None or target is None:
        return 0.0
    return mean_relative_accuracy(guess, target)


def score_lenient(question_type: str, row: Row) -> float:
    """Our own reading of the final answer in any of the usual forms, option text and other units
    included; never below the official score."""
    prediction, truth = row.get("prediction"), row["ground_truth"]
    try:
        official = _score(question_type, prediction, truth, "official")
    except Unscorable:
        official = 0.0
    text = "" if prediction is None else str(prediction)
    if question_type in LETTER_TYPES:
        found = find_choice(text, option_texts(row.get("options")))
        return max(official, float(found is not None and found == str(truth).strip().upper()))
    guess, target = find_number(text, UNITS.get(question_type)), as_float(truth)
    if guess is None or target is None:
        return official
    if target == 0:
        return float(guess == 0)
    return max(official, mean_relative_accuracy(guess, target))


def option_texts(options: object) -> tuple[str, ...]:
    """The options' texts without their printed letters ("A. left" is "left"); () for null."""
    if not isinstance(options, Sequence) or isinstance(options, str):
        return ()
    return tuple(re.sub(r"^\s*\(?[A-Z][.):]\s*", "", str(option)) for option in options)


def score_row(row: Row, profile: str) -> Mapping[str, float]:
    """Score fields of one row: ``question_type``, ``options``, ``ground_truth``, ``prediction``."""
    question_type = row["question_type"]
    if not isinstance(question_type, str) or question_type not in LETTER_TYPES | NUMBER_TYPES:
        raise Unscorable(f"question type {question_type!r} is not one of VSI-Bench")
    prediction, truth = row.get("prediction"), row["ground_truth"]
    letters = question_type in LETTER_TYPES
    if profile == "easi":
        return (easi_choice_score if letters else easi_number_score)(prediction, truth)
    if profile == "lenient":
        score, found = score_lenient(question_type, row), _lenient(question_type, row)
    else:
        score = _score(question_type, prediction, truth, profile)
        found = _found(letters, prediction, profile)
    return {"score": score, "unread": float(found is None and not score)}


def _found(letters: bool, prediction: object, profile: str) -> object:
    """What a published profile reads: a letter or a number; None where it reads neither."""
    token = official_token(str(prediction))
    if letters:
        return token if re.fullmatch("[A-Za-z]", token) else None
    return as_float(token) if profile == "official" else first_number(str(prediction))


def _lenient(question_type: str, row: Row) -> object:
    """What the lenient profile reads."""
    text = str(row.get("prediction"))
    if question_type in LETTER_TYPES:
        return find_choice(text, option_texts(row.get("options")))
    return find_number(text, UNITS.get(question_type))


def _score(question_type: str, prediction: object, truth: object, profile: str) -> float:
    """The score of a row by a published profile."""
    if question_type in LETTER_TYPES:
        return score_letter(prediction, truth)
    return score_number(prediction, truth, profile)


METRICS: Final = (
    Metric(
        name="vsi",
        version="3",
        profiles=("official", "lmms-eval", "easi", "lenient"),
        target_fields=("question_type", "ground_truth"),
        prediction_field="prediction",
        score_fields=("score",),
        function=score_row,
        averaging=Averaging.GROUPS,
        parents=LEVELS,
    ),
)
