"""The lenient reader against replies that people labelled, and against the official parser."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.benchmarks.scorers.lenient import find_choice, find_number
from surveyor.benchmarks.scorers.registry import metric_named
from surveyor.benchmarks.scorers.rows import score_rows
from surveyor.benchmarks.scorers.vsi import LETTER_TYPES, NUMBER_TYPES, option_texts

REPLIES = Path(__file__).parents[1] / "fixtures" / "lenient"
VSI = metric_named("vsi")


def labelled(name: str) -> Iterator[Mapping[str, Any]]:
    yield from map(json.loads, (REPLIES / name).read_text(encoding="utf-8").splitlines())


def agrees(row: Mapping[str, Any]) -> bool:
    if row["question_kind"] == "letter":
        return bool(find_choice(row["reply"], option_texts(row["options"])) == row["read"])
    read = find_number(row["reply"], row["unit"])
    if read is None or row["read"] is None:
        return read is row["read"]
    return bool(read == pytest.approx(row["read"], rel=1e-3))


@pytest.mark.parametrize(
    ("name", "least"), [("replies.jsonl", 500), ("later.jsonl", 180), ("strangers.jsonl", 230)]
)
def test_reads_replies_as_a_person_does(name: str, least: int) -> None:
    rows = list(labelled(name))
    wrong = [(row["kind"], row["reply"], row["read"]) for row in rows if not agrees(row)]
    assert len(rows) >= least
    assert len(wrong) <= 0.01 * len(rows), wrong


def test_replies_that_came_last_are_read_nearly_as_well() -> None:
    rows = list(labelled("strangers-later.jsonl"))
    assert len(rows) > 100
    assert sum(map(agrees, rows)) >= 0.95 * len(rows)


def test_the_labels_are_of_many_kinds_and_each_is_read() -> None:
    kinds = Counter(row["kind"] for row in labelled("replies.jsonl"))
    wrong = Counter(row["kind"] for row in labelled("replies.jsonl") if not agrees(row))
    assert len(kinds) >= 40
    assert all(wrong[kind] <= max(1, count // 10) for kind, count in kinds.items())


@pytest.mark.parametrize(
    ("name", "scores"),
    [
        ("lenient-letters.jsonl", [1.0] * 8),
        ("lenient-numbers.jsonl", [1.0] * 11 + [0.0]),
        ("lenient-above-official.jsonl", [0.6] * 4),
    ],
)
def test_rows_that_were_once_scored_wrongly(name: str, scores: list[float]) -> None:
    lines = (REPLIES / name).read_bytes().splitlines()
    assert [row["score"] for row in score_rows(lines, "vsi", "lenient")] == scores


def score(kind: str, reply: str, truth: str, profile: str) -> float:
    row = {"question_type": kind, "options": ["A. left", "B. right", "C. back"]}
    return VSI.score({**row, "ground_truth": truth, "prediction": reply}, profile).values["score"]


WORDS = st.sampled_from(
    [
        *("A", "B", "C", "a", "1", "2.5", "-", "not", "or", "and", "because", "so", ",", ".", "("),
        *(")", "?", "1,5", "1/0", "m", "cm", "²", "½", "one", "half", "<answer>", "</think>"),
        *("\\boxed{", "}"),
    ]
)
REPLY = st.one_of(st.text(), st.lists(WORDS, max_size=12).map(" ".join), st.floats().map(str))


@given(
    reply=REPLY,
    truth=st.sampled_from(["A", "b", "2.5", "1", "100", "-1", "nan"]),
    kind=st.sampled_from(sorted(LETTER_TYPES | NUMBER_TYPES)),
)
def test_never_below_official(reply: str, truth: str, kind: str) -> None:
    assert score(kind, reply, truth, "lenient") >= score(kind, reply, truth, "official")


@given(said=st.integers(1, 60), truth=st.integers(1, 30), tenths=st.booleans())
def test_a_bare_number_scores_as_officially(said: int, truth: int, tenths: bool) -> None:
    """Not by rounding: 4 for 5 is an error of 0.2 in both."""
    reply = f"{said / 10}" if tenths else f"{said}"
    expected = score("object_counting", reply, f"{truth}", "official")
    assert score("object_counting", reply, f"{truth}", "lenient") == expected


@pytest.mark.parametrize(
    "piece", ["A, ", "not A ", "(", "1.", "1,000,", "a", "<think>", "one ", "12 m ", "\n", "1/"]
)
def test_a_reply_of_any_length_is_read_in_no_time(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    began = time.process_time()
    find_choice(text, ("left", "right"))
    find_number(text, "m")
    assert time.process_time() - began < 5


def test_the_answer_of_a_long_reply_is_found_at_either_end() -> None:
    thought = "The bed is near the door, and the lamp stands by the window. " * 200
    assert find_choice(f"B\n{thought}", ("left", "right")) == "B"
    assert find_choice(f"{thought}So I choose B.", ("left", "right")) == "B"
    assert find_number(f"{thought}The distance is about 2.5 m.", "m") == 2.5
