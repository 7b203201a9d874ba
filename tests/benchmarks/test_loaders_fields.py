"""A field of a published row, in every way that tables write it; what no answer could equal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.benchmarks.loaders.frames import FrameRule
from surveyor.benchmarks.loaders.registry import loader_named
from surveyor.benchmarks.loaders.row_fields import letter_of, texts_of, under_letters
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.scenes.datasets.truth import targets
from tests.benchmarks.published import picture, put

WANTED = ("left", "right", "back")
ROW = {
    "id": 7,
    "dataset": "arkitscenes",
    "scene_name": "40000001",
    "question_type": "object_rel_direction_medium",
    "question": "Where is the lamp?",
    "options": ["A. left", "B. right", "C. back"],
    "ground_truth": "B",
}


def loaded(root: Path, name: str, data: bytes) -> tuple[tuple[str, ...], str]:
    """Options and answer of the one row of a table."""
    put(root / "source" / name, data)
    put(root / "source/arkitscenes/40000001/0.jpg", picture(9))
    loader_named("vsi-bench").load(root / "source", root / "out", frames=FrameRule())
    (task,), (target,) = Dataset.open(root / "out").tasks(), targets(root / "out")
    return task.options, target.answer


@pytest.mark.parametrize(
    "written",
    [
        ["left", "right", "back"],
        ["A. left", "B. right", "C. back"],
        {"A": "left", "B": "right", "C": "back"},
        {"a": "left", "b": "right", "c": "back", "d": None},
        '["left", "right", "back"]',
        "['left', 'right', 'back']",
        '{"A": "left", "B": "right", "C": "back"}',
        "{'A': 'left', 'B': 'right', 'C': 'back'}",
        "A. left\nB. right\nC. back",
        "A. left B. right C. back",
    ],
)
def test_options_are_read_however_they_are_written(tmp_path: Path, written: object) -> None:
    row = json.dumps({**ROW, "options": written}).encode()
    assert loaded(tmp_path, "test.jsonl", row) == (("A. left", "B. right", "C. back"), "B")


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_may_be_separated_by_any_of_three(tmp_path: Path, delimiter: str) -> None:
    cells = [str(v) if k != "options" else "A. left B. right C. back" for k, v in ROW.items()]
    text = f"{delimiter.join(ROW)}\r\n{delimiter.join(cells)}\r\n"
    options, answer = loaded(tmp_path, "test.csv", text.encode("utf-8-sig"))
    assert (len(options), answer) == (3, "B")


@pytest.mark.parametrize("truth", ["B", "b", "(B)", "B.", " B ", "right", "B. right", "Right."])
def test_a_truth_that_names_an_option_is_its_letter(tmp_path: Path, truth: str) -> None:
    row = json.dumps({**ROW, "ground_truth": truth}).encode()
    assert loaded(tmp_path, "test.jsonl", row)[1] == "B"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"ground_truth": "E"}, "must be the letter of one of 3 options, not 'E'"),
        ({"ground_truth": 1}, "must be the letter of one of 3 options, not '1'"),
        ({"ground_truth": "up"}, "must be the letter"),
        ({"options": None}, "the row has no options"),
        ({"options": ["A. left", None]}, "one of its entries is no text"),
        ({"options": {"x": "left"}}, "not an object of X"),
        ({"options": "left or right"}, "must be a list of texts"),
        ({"question_type": "object_counting", "ground_truth": "4 chairs"}, "must be a number"),
        ({"question_type": "object_counting", "ground_truth": 10**400}, "must be a number"),
        ({"question_type": "object_counting", "ground_truth": "nan"}, "must be a number"),
        ({"id": " "}, "empty id"),
    ],
)
def test_a_row_that_no_answer_could_be_right_on_is_refused(
    tmp_path: Path, changed: Mapping[str, Any], told: str
) -> None:
    with pytest.raises(UserError) as raised:
        loaded(tmp_path, "test.jsonl", json.dumps({**ROW, **changed}).encode())
    assert told in str(raised.value)
    assert "Input should" not in str(raised.value)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\x1f\x8b\x08\x00rest", "is packed: unpack it"),
        ('{"id": "caf\u00e9"}'.encode("cp1252"), "not UTF-8: save it as UTF-8"),
    ],
)
def test_text_that_is_none_says_what_it_is(tmp_path: Path, data: bytes, told: str) -> None:
    with pytest.raises(UserError, match=told):
        loaded(tmp_path, "test.jsonl", data)


def test_files_that_were_joined_load(tmp_path: Path) -> None:
    lines = "\ufeff" + json.dumps(ROW) + "\n\ufeff" + json.dumps({**ROW, "id": 8})
    put(tmp_path / "joined/test.jsonl", lines.encode())
    put(tmp_path / "joined/arkitscenes/40000001/0.jpg", picture(9))
    loader = loader_named("vsi-bench")
    loader.load(tmp_path / "joined", tmp_path / "out", frames=FrameRule())
    assert len(list(Dataset.open(tmp_path / "out").tasks())) == 2


@given(st.lists(st.text("abcdefgh ,'\"éß", min_size=2, max_size=9), min_size=2, max_size=6))
def test_what_is_written_is_read_back_as_json_and_as_python(texts: list[str]) -> None:
    assert texts_of(json.dumps(texts)) == texts_of(repr(texts)) == tuple(texts)
    options = under_letters(texts)
    assert under_letters(options) == options
    for letter, option in zip("ABCDEF", options, strict=False):
        assert letter_of(letter, options) == letter_of(f"({letter})", options) == letter
        assert option[0] == letter or option.strip(" ,'\"")[:1].upper() == letter
