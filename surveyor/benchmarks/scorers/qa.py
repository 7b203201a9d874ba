"""Exact match for 3D question answering (ScanQA, SQA3D): EM and refined EM.

Profiles:

``as-published``
    ScanQA as Chat-Scene's dev branch (475e106) and its copies score it: the prediction is cleaned,
    the references are not. A verbatim right answer fails wherever cleaning changes it.
``both-cleaned``
    Both sides cleaned (SQA3D at dev; for SQA3D this *is* as published).
``both-cleaned-v2.1``
    Both sides cleaned without the guard for an empty prediction (v2.1, 32e9336).
``strict``
    Ours: whole words instead of substrings, see `surveyor.benchmarks.scorers.qa_strict`.

Published refined EM is containment of the texts without white space, either way: "no" is in
"know" and "b" in "brown". A prediction or a reference that is not text raises in the published
code: such a row counts 0 as failed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from surveyor.benchmarks.scorers.base import Metric, Row, Unscorable, text_of
from surveyor.benchmarks.scorers.qa_cleaning import clean_answer, prepare_prediction
from surveyor.benchmarks.scorers.qa_strict import strict_match


def published_match(prediction: str, references: Sequence[str]) -> tuple[bool, bool]:
    """EM and refined EM of an already cleaned prediction."""
    if prediction in references:
        return True, True
    joined = "".join(prediction.split())
    others = ["".join(reference.split()) for reference in references]
    return False, any(joined in other or other in joined for other in others)


def score_row(row: Row, profile: str) -> Mapping[str, float]:
    """Score fields of one row: ``references`` (a list of texts), ``prediction``."""
    references = row["references"]
    if not isinstance(references, list):
        raise Unscorable("references is not a list of texts")
    truths = [text_of(reference, "a reference") for reference in references]
    reply = text_of(row["prediction"], "prediction")
    if profile == "strict":
        em, refined = strict_match(reply, truths)
    else:
        em, refined = _published(reply, truths, profile)
    return {"em": float(em), "em_refined": float(refined)}


def _published(reply: str, truths: Sequence[str], profile: str) -> tuple[bool, bool]:
    prediction = clean_answer(prepare_prediction(reply))
    if not prediction and profile != "both-cleaned-v2.1":
        return False, False
    if profile == "as-published":
        return published_match(prediction, truths)
    return published_match(prediction, [clean_answer(truth) for truth in truths])


METRICS: Final = (
    Metric(
        name="qa-em",
        version="1",
        profiles=("as-published", "both-cleaned", "strict", "both-cleaned-v2.1"),
        target_fields=("references",),
        prediction_field="prediction",
        score_fields=("em", "em_refined"),
        function=score_row,
    ),
)
