"""Answers that rest on nothing are counted apart, wherever scores are shown."""

from __future__ import annotations

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from surveyor.agent.planner import PlannerInput, Turn
from surveyor.agent.scripted import Play
from surveyor.benchmarks.compare import compare
from surveyor.benchmarks.report.page import render_page
from surveyor.benchmarks.report.record import GUESSED_NOTE, read_report
from surveyor.benchmarks.scoring import score_run
from surveyor.compose.tables import comparison, show
from surveyor.core.dataset import Dataset
from surveyor.core.tasks import Task
from surveyor.memory.events import Answer
from surveyor.memory.runs import RunFolder
from surveyor.tools.spec import CallRequest
from surveyor.viewer.text import episode_text, run_text
from tests.benchmarks.bench import glance, make_dataset, play

WHY = "what was asked about was not found; a guess"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return make_dataset(tmp_path_factory.mktemp("datasets") / "tiny")


def guess_in_the_attic(task: Task, brief: PlannerInput) -> Play:
    if task.scene_id == "attic":
        yield Turn(answer="A" if task.options else "2", guess=True, notes={"why": WHY})
    else:
        yield from glance(task, brief)


@pytest.fixture
def runs(tmp_path: Path, dataset: Dataset) -> tuple[RunFolder, RunFolder, int]:
    plain, _ = play(tmp_path / "plain", dataset)
    guessed, _ = play(tmp_path / "guessed", dataset, script=guess_in_the_attic)
    for folder in (plain, guessed):
        score_run(folder, dataset.path)
    return plain, guessed, sum(task.scene_id == "attic" for task in guessed.schedule)


def test_the_log_says_which_answers_are_guesses_and_why(
    runs: tuple[RunFolder, RunFolder, int],
) -> None:
    _, folder, _ = runs
    for task in folder.schedule:
        episode = folder.episode(task.id, 0)
        assert episode is not None
        assert isinstance(episode.given, Answer)
        assert episode.given.guess is (task.scene_id == "attic")
        assert episode.given.notes == ({"why": WHY} if task.scene_id == "attic" else {})


def test_the_report_counts_guesses_and_what_they_score(
    runs: tuple[RunFolder, RunFolder, int],
) -> None:
    plain, folder, n = runs
    report = read_report(folder)
    assert read_report(plain).guesses.n == 0
    assert report.guesses.n == sum(row.guesses.n for row in report.types) == n > 0
    marked = [score.value for score in folder.results() if score.fields["guess"]]
    assert report.guesses.score == pytest.approx(100 * sum(marked) / n)


def test_table_page_and_comparison_show_them(
    runs: tuple[RunFolder, RunFolder, int],
) -> None:
    plain, folder, n = runs
    console = Console(width=120, record=True, file=StringIO())
    console.print(comparison({"a": read_report(plain), "b": read_report(folder)}))
    text = console.export_text()
    assert "guesses, their score" in text
    assert f"{n}, " in text
    page = render_page([plain, folder])
    assert f"{n} guessed" in page
    assert "nothing measured" in page
    assert WHY in page
    told = compare(plain, folder)
    assert (told.overall.guesses_a, told.overall.guesses_b) == (0, n)
    assert sum(row.guesses_b for row in told.types.values()) == n


def test_a_run_that_measured_nothing_says_so(
    tmp_path: Path,
    dataset: Dataset,
    runs: tuple[RunFolder, RunFolder, int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    def blind(_: Task, brief: PlannerInput) -> Play:
        yield Turn(calls=(CallRequest("c1", "look", '{"what": "all"}'),))
        yield Turn(answer="A", guess=True, notes={"why": WHY})

    folder, _ = play(tmp_path / "blind", dataset, script=blind)
    report = score_run(folder, dataset.path)
    assert (report.spend.effective, report.spend.calls) == (0, len(folder.schedule))
    show({"blind": report, "partly": read_report(runs[1])})
    said = " ".join(capsys.readouterr().out.split())
    assert "blind: every answer is a guess: nothing was measured" in said
    assert "partly: every" not in said
    assert "all guessed" in render_page([folder])
    told = list(run_text(folder))
    assert f"guesses {report.guesses.n}, their score {report.guesses.score:.1f}" in told
    assert GUESSED_NOTE in told
    assert GUESSED_NOTE not in list(run_text(runs[1]))
    assert not [line for line in run_text(runs[0]) if "guess" in line]
    assert WHY in list(episode_text(folder, folder.schedule[0].id))


def test_a_score_by_construction_is_said_to_be_one(
    runs: tuple[RunFolder, RunFolder, int], capsys: pytest.CaptureFixture[str]
) -> None:
    plain, _, _ = runs
    report = read_report(plain).model_copy(update={"dataset": "vsi-meta"})
    show({"run": report})
    assert "by construction" in " ".join(capsys.readouterr().out.split())
    show({"run": read_report(plain)})
    assert "by construction" not in capsys.readouterr().out
    plain.write("report.json", report.model_dump_json().encode())
    assert "by construction" in render_page([plain])
