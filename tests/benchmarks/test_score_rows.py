"""The row interface that other harnesses call."""

from __future__ import annotations

import json

import pytest

from benchmarks.scorers.rows import score_rows
from memory.errors import UserError

GOOD = {
    "id": "r1",
    "question_type": "object_counting",
    "options": None,
    "ground_truth": "3",
    "prediction": "3 chairs",
}


def test_rows_keep_their_order_and_ids_of_any_type() -> None:
    lines = [json.dumps({**GOOD, "id": 7}), b"\n", json.dumps(GOOD | {"prediction": "9"}).encode()]
    assert list(score_rows(lines, "vsi", "official")) == [
        {"id": 7, "score": 1.0},
        {"id": "r1", "score": 0.0},
    ]


def test_rows_are_decoded_as_python_decodes_json() -> None:
    big = '{"id": 1, "question_type": "object_counting", "ground_truth": NaN, "prediction": "3"}'
    assert list(score_rows([big], "vsi")) == [{"id": 1, "score": 0.0}]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "Line 1 is not valid JSON"),
        ("[1]", "Line 1 is not a JSON object"),
        ('{"id": 1}', "Line 1: .*question_type"),
        ("[" * 100_000, "Line 1 is not valid JSON"),
    ],
)
def test_a_broken_line_is_named(line: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        list(score_rows([line], "vsi"))


def test_unknown_names_are_refused_before_any_row_is_read() -> None:
    with pytest.raises(UserError, match="no metric 'vis'"):
        score_rows([], "vis")
    with pytest.raises(UserError, match="no profile 'oficial'"):
        score_rows([], "vsi", "oficial")
