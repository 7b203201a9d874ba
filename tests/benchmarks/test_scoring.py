"""Scoring a run: everything scheduled is in the denominator, and the log is all it needs."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from surveyor.agent.planner import PlannerInput, Turn
from surveyor.agent.scripted import Play
from surveyor.benchmarks.report.record import RunReport, read_report
from surveyor.benchmarks.scorers.vsi import LEVELS
from surveyor.benchmarks.scoring import main, score_apart, score_run
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.core.tasks import Task
from surveyor.memory.events import EpisodeStatus, ModelCall, Usage
from surveyor.memory.runs import RunFolder
from surveyor.scenes.datasets.truth import targets
from tests.benchmarks.bench import World, glance, make_dataset, play


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return make_dataset(tmp_path_factory.mktemp("datasets") / "tiny")


def oracle(
    dataset: Dataset, wrong: frozenset[str] = frozenset()
) -> Callable[[Task, PlannerInput], Play]:
    """A script that knows the answers, except to the tasks in ``wrong``."""
    answers = {target.task_id: target.answer for target in targets(dataset.path)}

    def script(task: Task, brief: PlannerInput) -> Play:
        yield Turn(answer="?" if task.id in wrong else answers[task.id])

    return script


def official_mean(values: dict[str, list[float]]) -> float:
    """The benchmark's own average: types weigh the same, the direction levels count as one."""
    tasks: dict[str, list[float]] = {}
    for name, scores in values.items():
        tasks.setdefault(LEVELS.get(name, name), []).append(statistics.fmean(scores))
    return 100 * statistics.fmean(statistics.fmean(means) for means in tasks.values())


def test_a_perfect_run_scores_100_and_an_empty_one_0(tmp_path: Path, dataset: Dataset) -> None:
    perfect, _ = play(tmp_path / "perfect", dataset, script=oracle(dataset))
    report = score_run(perfect, dataset.path)
    assert report.overall.value == pytest.approx(100)
    assert report.tally.scored == report.tally.scheduled == len(perfect.schedule)
    assert {row.score.value for row in report.types} == {100.0}
    everything = frozenset(task.id for task in dataset.tasks())
    empty, _ = play(tmp_path / "empty", dataset, script=oracle(dataset, everything))
    assert score_run(empty, dataset.path).overall.value == 0


def test_what_was_not_answered_counts_zero_and_is_counted(tmp_path: Path, dataset: Dataset) -> None:
    answers = {target.task_id: target.answer for target in targets(dataset.path)}

    def script(task: Task, brief: PlannerInput) -> Play:
        if task.scene_id == "attic":
            while True:
                yield Turn(mistake="no call, no answer")
        if task.scene_id == "studio":
            yield from glance(task, brief)
        yield Turn(answer=answers[task.id])

    gone = World(broken=lambda task: task.scene_id == "studio")
    folder, _ = play(tmp_path / "r", dataset, gone, script, give_up_after=1000)
    report = score_run(folder, dataset.path)
    per_scene = {s: sum(t.scene_id == s for t in folder.schedule) for s in ("attic", "studio")}
    assert (report.tally.failed, report.tally.incomplete) == (
        per_scene["attic"],
        per_scene["studio"],
    )
    assert report.tally.scored == len(folder.schedule) - sum(per_scene.values())
    values: dict[str, list[float]] = {}
    for task in folder.schedule:
        values.setdefault(task.question_type, []).append(float(task.scene_id == "living"))
    assert report.overall.value == pytest.approx(official_mean(values))
    assert report.incomplete_reasons
    by_status = {(score.status, score.fields["outcome"]) for score in folder.results()}
    assert by_status == {
        (EpisodeStatus.ANSWERED, "scored"),
        (EpisodeStatus.LIMIT, "failed"),
        (EpisodeStatus.INCOMPLETE, "incomplete"),
    }


def test_scoring_again_changes_nothing(tmp_path: Path, dataset: Dataset) -> None:
    folder, _ = play(tmp_path / "r", dataset, epochs=2)
    first = score_run(folder, dataset.path)
    again = score_apart(folder, dataset.path)
    assert again == first == read_report(folder)
    assert set(first.pass_at) == {1, 2}
    assert first.pass_at[1].value <= first.pass_at[2].value
    assert len(folder.results()) == first.tally.scheduled == 2 * len(folder.schedule)
    assert set(first.profiles) == {"official", "lmms-eval", "easi", "lenient"}
    assert first.profiles["official"] == pytest.approx(first.overall.value)


def test_calls_time_and_price_are_summed_over_the_log(tmp_path: Path, dataset: Dataset) -> None:
    folder, _ = play(tmp_path / "r", dataset)
    n = len(folder.schedule)
    spend = score_run(folder, dataset.path).spend
    assert (spend.episodes, spend.calls, spend.effective) == (n, n, n)
    assert spend.cost == pytest.approx(0.5 * n)
    assert 0 < spend.seconds < 60
    assert spend.dollars == 0.0


def test_what_was_paid_for_a_failed_attempt_stays_paid(tmp_path: Path, dataset: Dataset) -> None:
    model = ModelCall(model="m", turn=0, usage=Usage(input_tokens=10, cost=0.5))

    def script(task: Task, brief: PlannerInput) -> Play:
        looking = glance(task, brief)
        observations = yield replace(next(looking), model=model)
        yield replace(looking.send(observations), model=model)

    gone = World(broken=lambda task: True)
    play(tmp_path / "r", dataset, gone, script, limit=1, passes=1)
    folder, _ = play(tmp_path / "r", dataset, script=script, limit=1)
    spend = score_run(folder, dataset.path).spend
    assert (spend.attempts, spend.calls, spend.effective) == (2, 1, 1)
    assert (spend.model_calls, spend.tokens, spend.dollars) == (3, 30, 1.5)


def test_a_run_is_scored_against_its_own_dataset_only(tmp_path: Path, dataset: Dataset) -> None:
    folder, _ = play(tmp_path / "r", dataset, limit=3)
    other = make_dataset(tmp_path / "other", scenes=("cellar",))
    for path, words in ((other.path, "another version of the dataset"), (tmp_path, "no dataset")):
        with pytest.raises(UserError, match=words):
            score_run(folder, path)
    assert folder.results() == ()
    with pytest.raises(UserError, match="has not been scored"):
        read_report(folder)
    with pytest.raises(UserError, match="no profile 'kind'"):
        score_run(folder, dataset.path, profile="kind")


def test_the_command_says_one_sentence(
    tmp_path: Path, dataset: Dataset, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "none"), str(dataset.path)]) == 2
    assert "is not a run" in capsys.readouterr().err


def test_a_report_survives_its_file(tmp_path: Path, dataset: Dataset) -> None:
    folder, _ = play(tmp_path / "r", dataset, limit=5)
    report = score_run(folder, dataset.path)
    assert RunReport.model_validate_json(report.model_dump_json()) == report
    (RunFolder.open(folder.path).path / "report.json").write_text("{")
    with pytest.raises(UserError, match=r"report\.json is damaged"):
        read_report(folder)
