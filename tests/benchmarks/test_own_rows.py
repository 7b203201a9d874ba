"""Questions of one's own: loaded by the fields that the docs name, judged by the answer's form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from surveyor.benchmarks.loaders.frames import FrameRule
from surveyor.benchmarks.loaders.registry import loader_named
from surveyor.benchmarks.scorers.registry import metric_named
from surveyor.cli.main import app
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.core.tasks import AnswerKind
from tests.benchmarks.bench import jpeg

ROWS = (
    {
        "question": "Left?",
        "options": ["lamp", "door"],
        "answer": "door",
        "images": ["a.jpg"],
    },
    {"question": "How far?", "answer": 2.5, "unit": "m", "images": ["a.jpg", "b.jpg"]},
    {"question": "What is on it?", "answer": "a red cup", "image": "b.jpg", "type": "naming"},
)


def written(folder: Path, *rows: dict[str, object]) -> Path:
    for number, name in enumerate(("a.jpg", "b.jpg")):
        (folder / name).write_bytes(jpeg(number))
    (folder / "questions.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def test_rows_become_tasks_of_three_forms(tmp_path: Path) -> None:
    loader_named("own").load(
        written(tmp_path, *ROWS), tmp_path / "out", split=None, frames=FrameRule.parse("all")
    )
    tasks = list(Dataset.open(tmp_path / "out").tasks())
    assert [task.answer_kind for task in tasks] == [
        AnswerKind.CHOICE, AnswerKind.NUMBER, AnswerKind.TEXT,
    ]  # fmt: skip
    assert [task.question_type for task in tasks] == ["choice", "number", "naming"]
    assert tasks[0].options == ("A. lamp", "B. door")
    assert [len(task.frames) for task in tasks] == [1, 2, 1]


def test_load_then_score_as_it_is_typed(tmp_path: Path) -> None:
    source, out = written(tmp_path, *ROWS), tmp_path / "out"
    told = CliRunner().invoke(app, ["load", "own", str(source), str(out)])
    assert told.exit_code == 0, told.output
    assert "3 questions" in told.output
    ids = [task.id for task in Dataset.open(out).tasks()]
    said = dict(zip(ids, ("the door", "250 cm", "It is a red cup."), strict=True))
    lines = [json.dumps({"id": key, "prediction": text}) + "\n" for key, text in said.items()]
    (tmp_path / "said.jsonl").write_text("".join(lines))
    told = CliRunner().invoke(app, ["score", str(out), str(tmp_path / "said.jsonl"), "--json"])
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["overall"]["score"] == pytest.approx(100.0)


@pytest.mark.parametrize(
    ("form", "unit", "truth", "said", "score"),
    [
        ("choice", "", "B", "The answer is (b)", 1.0),
        ("number", "m", "2.5", "about 2.5 metres", 1.0),
        ("number", "m", "2.5", "1 m", 0.0),
        ("number", "", "3", "three", 1.0),
        ("text", "", "red cup", "Red cup.", 1.0),
        ("text", "", "red cup", "blue cup", 0.0),
    ],
)
def test_by_form(form: str, unit: str, truth: str, said: str, score: float) -> None:
    row = {"form": form, "unit": unit, "ground_truth": truth, "prediction": said}
    assert metric_named("own").score(row).values["score"] == pytest.approx(score)


@pytest.mark.parametrize(
    ("row", "says_so"),
    [
        ({"question": "How far?", "images": ["a.jpg"]}, "surveyor ask"),
        ({"question": "How far?", "answer": 1, "images": []}, "no images"),
        ({"question": "Q", "answer": "C", "options": ["x", "y"], "images": ["a.jpg"]}, "option"),
        ({"question": "Q", "answer": 1, "unit": "miles", "images": ["a.jpg"]}, "m, cm, m2"),
        ({"questoin": "Q", "answer": 1, "images": ["a.jpg"]}, "'questoin' is none of"),
        ({"question": "Q", "answer": 1, "images": ["c.jpg"]}, "c.jpg"),
    ],
)
def test_wrong_rows_are_one_sentence(tmp_path: Path, row: dict[str, object], says_so: str) -> None:
    source = written(tmp_path, row)
    with pytest.raises(UserError, match="row 1.*" + says_so.replace("(", "\\(")):
        loader_named("own").load(
            source, tmp_path / "out", split=None, frames=FrameRule.parse("all")
        )
