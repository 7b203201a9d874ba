"""The row interface that other harnesses call."""

from __future__ import annotations

import json

import pytest

from surveyor.benchmarks.scorers.rows import RowError, read_predictions, score_rows
from surveyor.core.errors import UserError

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
    with pytest.raises(RowError, match=message):
        list(score_rows([line], "vsi"))


def test_unknown_names_are_refused_before_any_row_is_read() -> None:
    with pytest.raises(UserError, match="no metric 'vis'"):
        score_rows([], "vis")
    with pytest.raises(UserError, match="no profile 'oficial'"):
        score_rows([], "vsi", "oficial")


def test_predictions_are_read_by_id() -> None:
    lines = ['{"id": "a", "prediction": "3"}', b"", b'{"id": 7, "prediction": null, "note": 1}']
    assert read_predictions(lines) == {"a": "3", "7": None}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (['{"id": "a"}'], "Line 1 needs an id and a prediction"),
        (['{"prediction": "a"}'], "Line 1 needs an id"),
        (['{"id": ["a"], "prediction": "a"}'], "Line 1 needs an id"),
        (['{"id": 7, "prediction": 1}', '{"id": "7", "prediction": 1}'], "Line 2 repeats .*'7'"),
        (["nonsense"], "Line 1 is not valid JSON"),
    ],
)
def test_prediction_files_that_cannot_be_joined_are_refused(lines: list[str], message: str) -> None:
    with pytest.raises(RowError, match=message):
        read_predictions(lines)
