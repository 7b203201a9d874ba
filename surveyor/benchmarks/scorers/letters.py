"""Multiple choice by published letter rules: MMSI-Bench, CV-Bench and BLINK.

MMSI-Bench profiles: ``lmms-eval`` (75571cf) ignores case, allows A-F and also opens braces;
``repo`` (OpenRobotLab/MMSI-Bench, 4e28bff) allows capital A-D only. Both turn a prediction that is
not text into Python's ``str`` of it, as published.

CV-Bench and BLINK share one rule in lmms-eval (75571cf). It raises on a prediction that is not
text: such a row counts 0 as failed.

Profile ``easi`` is EASI (0c1a41e) without a judge: rule E for MMSI-Bench, rule M for BLINK, whose
overall there is over rows and not the mean of its subtasks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from surveyor.benchmarks.scorers.base import Measure, Metric, Row, Unscorable, text_of
from surveyor.benchmarks.scorers.easi_rules import easi_choice_score, older_letter
from surveyor.benchmarks.stats.averages import Averaging

_ENCLOSURES: Final = {
    "lmms-eval": (re.compile("``([^`]*)``"), re.compile("`([^`]*)`"), re.compile(r"\{([^}]*)\}")),
    "repo": (re.compile("``([^`]*)``"), re.compile("`([^`]*)`")),
}
"""Opened in this order, each inside what the one before it held: first match only."""
_LONE_LETTER: Final = {
    "lmms-eval": re.compile(r"\b[A-F]\b(?!\s[a-zA-Z])", re.IGNORECASE),
    "repo": re.compile(r"\b[A-D]\b(?!\s[a-zA-Z])"),
}
"""A letter alone, unless white space and a word follow ("A chair")."""
_LEADING_LETTER: Final = re.compile(r"[(\s]*([A-Z])", re.IGNORECASE)
"""Ignoring case, [A-Z] also matches U+0130, U+017F and U+212A."""


def mmsi_letter(prediction: str, profile: str) -> str | None:
    """The letter that a reply settles on under an MMSI-Bench profile, lower case; None without."""
    text = prediction
    for enclosure in _ENCLOSURES[profile]:
        match = enclosure.search(text)
        text = text if match is None else match.group(1)
    found = _LONE_LETTER[profile].search(text)
    return None if found is None else found.group().lower()


def score_mmsi(row: Row, profile: str) -> Mapping[str, float]:
    """Score fields of one MMSI-Bench row: ``ground_truth``, ``prediction``."""
    if profile == "easi":
        return easi_choice_score(row["prediction"], row["ground_truth"])
    found = mmsi_letter(str(row["prediction"]), profile)
    if found is None:
        return {"score": 0.0, "unread": 1.0}
    truth = row["ground_truth"]
    if profile == "repo" and truth is not None:
        truth = str(truth)
    expected = text_of(truth, "ground_truth").lower().replace("\n", " ").strip()
    return {"score": float(found == expected)}


def leading_letter(prediction: str) -> str:
    """The first character after white space and "(", if it is a letter; upper case, else ""."""
    match = _LEADING_LETTER.match(prediction.strip())
    return "" if match is None else match.group(1).upper()


def score_leading_letter(row: Row, profile: str) -> Mapping[str, float]:
    """Score fields of one CV-Bench or BLINK row: ``ground_truth`` "(A)", ``prediction``.

    Whatever follows the first letter is not read ("because" answers B). ``choices`` are read by
    profile ``easi`` alone.
    """
    expected = text_of(row["ground_truth"], "ground_truth").strip("()")
    reply = text_of(row["prediction"], "prediction")
    if profile == "easi":
        found = older_letter(reply.strip(), choices_of(row)) or ""
    else:
        found = leading_letter(reply)
    return {"score": float(found == expected), "unread": float(not found)}


def choices_of(row: Row) -> tuple[str, ...]:
    """The options' texts, from ``choices`` or, without their letters, from ``options``; raises
    `Unscorable` where a rule needs them and the row has none."""
    for name in ("choices", "options"):
        if isinstance(found := row.get(name), list | tuple) and found:
            return tuple(_PRINTED.sub("", str(option)) for option in found)
    raise Unscorable("the row has no options, which this rule reads replies by")


_PRINTED: Final = re.compile(r"^\s*(?:\([A-J]\)|[A-J][.):])\s+")


METRICS: Final = (
    Metric(
        name="mmsi",
        version="1",
        profiles=("lmms-eval", "repo", "easi"),
        target_fields=("ground_truth",),
        prediction_field="prediction",
        score_fields=("score",),
        function=score_mmsi,
    ),
    Metric(
        name="cvbench",
        version="1",
        profiles=("lmms-eval",),
        target_fields=("ground_truth",),
        prediction_field="prediction",
        score_fields=("score",),
        function=score_leading_letter,
        averaging=Averaging.GROUPS,
        # Groups are image sources: the published overall is ½ · ((ADE20K + COCO) / 2 + Omni3D).
        parents={"ADE20K": "2D", "COCO": "2D", "Omni3D": "3D"},
    ),
    Metric(
        name="blink",
        version="1",
        profiles=("lmms-eval", "easi"),
        target_fields=("ground_truth",),
        prediction_field="prediction",
        score_fields=("score",),
        function=score_leading_letter,
        averaging=Averaging.GROUPS,
        measures={"easi": (Measure("score"),)},
    ),
)
