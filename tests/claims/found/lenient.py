"""Claims of the lenient reader: it reads as people do and leaves official by reading alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from tests.claims.claim import Claim

_REPLIES = Path(__file__).parents[2] / "fixtures" / "lenient"


def measure() -> Iterator[Claim]:
    """The share of hand-labelled replies that are read as labelled, and scores beside official."""
    rows = [
        json.loads(line)
        for name in ("replies.jsonl", "later.jsonl")
        for line in (_REPLIES / name).read_text(encoding="utf-8").splitlines()
    ]
    right = sum(map(_agrees, rows))
    yield Claim.at_least(
        "lenient reads replies as a person does", right / len(rows), 0.99, f"{len(rows)} replies"
    )
    scores = [pair for row in rows for pair in _scores(row)]
    below = sum(lenient < official for lenient, official in scores)
    yield Claim.at_most("rows that lenient scores below official", below, 0, f"{len(scores)} rows")
    bare = [pair for said in range(1, 61) for pair in _scores(_bare(said))]
    apart = sum(lenient != official for lenient, official in bare)
    yield Claim.at_most("bare numbers that lenient scores apart", apart, 0, f"{len(bare)} rows")


def _agrees(row: dict[str, object]) -> bool:
    from surveyor.benchmarks.scorers.lenient import find_choice, find_number
    from surveyor.benchmarks.scorers.vsi import option_texts

    reply, label = str(row["reply"]), row["read"]
    if row["question_kind"] == "letter":
        return find_choice(reply, option_texts(row["options"])) == label
    unit = row["unit"]
    read = find_number(reply, unit if isinstance(unit, str) else None)
    if read is None or not isinstance(label, int | float):
        return read is label
    return abs(read - label) <= 1e-3 * max(1.0, abs(label))


def _scores(row: dict[str, object]) -> Iterator[tuple[float, float]]:
    """(lenient, official) of a reply to each of several truths."""
    from surveyor.benchmarks.scorers.registry import metric_named

    letters = row["question_kind"] == "letter"
    for truth in ("A", "B", "C") if letters else ("1", "2.5", "5", "20"):
        fields = {
            "question_type": "object_rel_distance" if letters else "object_counting",
            "options": row["options"],
            "ground_truth": truth,
            "prediction": row["reply"],
        }
        found = [metric_named("vsi").score(fields, name) for name in ("lenient", "official")]
        yield found[0].values["score"], found[1].values["score"]


def _bare(said: int) -> dict[str, object]:
    return {"question_kind": "number", "options": None, "reply": f"{said / 2:g}"}
