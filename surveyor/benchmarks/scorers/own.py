"""Questions of one's own: each judged by the form of its answer, without a judge.

A choice by its letter, a number by mean relative accuracy (VSI-Bench's), anything else by exact
match after cleaning; replies are read in any of the usual forms, as the `lenient` profile does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from surveyor.benchmarks.scorers.base import Metric, Row, Unscorable, text_of
from surveyor.benchmarks.scorers.lenient_letters import find_choice
from surveyor.benchmarks.scorers.lenient_numbers import find_number
from surveyor.benchmarks.scorers.qa_strict import strict_match
from surveyor.benchmarks.scorers.vsi import as_float, mean_relative_accuracy, option_texts
from surveyor.benchmarks.stats.averages import Averaging


def score_row(row: Row, profile: str) -> Mapping[str, float]:
    """Score of one row: ``form`` (choice, number or text), ``ground_truth``, ``prediction``; for
    choices ``options``, for numbers the ``unit`` that is asked for, "" for none."""
    del profile  # there is one
    reply = text_of(row["prediction"], "prediction")
    truth = text_of(row["ground_truth"], "ground_truth")
    if row["form"] == "choice":
        letter = find_choice(reply, option_texts(row.get("options")))
        return {"score": float(letter == truth), "unread": float(letter is None)}
    if row["form"] == "text":
        return {"score": float(strict_match(reply, [truth])[1])}
    target = as_float(truth)
    if target is None:
        raise Unscorable(f"the answer {truth!r} is no number")
    unit = row.get("unit")
    found = find_number(reply, unit if isinstance(unit, str) and unit else None)
    if found is None:
        return {"score": 0.0, "unread": 1.0}
    right = found == 0 if target == 0 else mean_relative_accuracy(found, target)
    return {"score": float(right), "unread": 0.0}


METRICS: Final = (
    Metric(
        name="own",
        version="1",
        profiles=("lenient",),
        target_fields=("form", "ground_truth"),
        prediction_field="prediction",
        score_fields=("score",),
        function=score_row,
        averaging=Averaging.GROUPS,
    ),
)
