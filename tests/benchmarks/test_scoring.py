"""Scoring a run: everything scheduled is in the denominator, and the log is all it needs."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agent.planner import Brief, Turn
from agent.scripted import Play
from benchmarks.report.record import RunReport, read_report
from benchmarks.scorers.vsi import LEVELS
from benchmarks.scoring import main, score_apart, score_run
from memory.errors import UserError
from memory.events import EpisodeStatus, ModelCall, Usage
from memory.runs import RunFolder
from scenes.suite import Suite
from scenes.suite_truth import targets
from scenes.tasks import Task
from tests.benchmarks.bench import World, glance, make_suite, play


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    return make_suite(tmp_path_factory.mktemp("suites") / "tiny")


def oracle(suite: Suite, wrong: frozenset[str] = frozenset()) -> Callable[[Task, Brief], Play]:
    """A script that knows the answers, except to the tasks in ``wrong``."""
    answers = {target.task_id: target.answer for target in targets(suite.path)}

    def script(task: Task, brief: Brief) -> Play:
        yield Turn(answer="?" if task.id in wrong else answers[task.id])

    return script


def official_mean(values: dict[str, list[float]]) -> float:
    """The benchmark's own average: types weigh the same, the direction levels count as one."""
    tasks: dict[str, list[float]] = {}
    for name, scores in values.items():
        tasks.setdefault(LEVELS.get(name, name), []).append(statistics.fmean(scores))
    return 100 * statistics.fmean(statistics.fmean(means) for means in tasks.values())


def test_a_perfect_run_scores_100_and_an_empty_one_0(tmp_path: Path, suite: Suite) -> None:
    perfect, _ = play(tmp_path / "perfect", suite, script=oracle(suite))
    report = score_run(perfect, suite.path)
    assert report.overall.value == pytest.approx(100)
    assert report.tally.scored == report.tally.scheduled == len(perfect.schedule)
    assert {row.score.value for row in report.types} == {100.0}
    everything = frozenset(task.id for task in suite.tasks())
    empty, _ = play(tmp_path / "empty", suite, script=oracle(suite, everything))
    assert score_run(empty, suite.path).overall.value == 0


def test_what_was_not_answered_counts_zero_and_is_counted(tmp_path: Path, suite: Suite) -> None:
    answers = {target.task_id: target.answer for target in targets(suite.path)}

    def script(task: Task, brief: Brief) -> Play:
        if task.scene_id == "attic":
            while True:
                yield Turn(mistake="no call, no answer")
        if task.scene_id == "studio":
            yield from glance(task, brief)
        yield Turn(answer=answers[task.id])

    gone = World(broken=lambda task: task.scene_id == "studio")
    folder, _ = play(tmp_path / "r", suite, gone, script, give_up_after=1000)
    report = score_run(folder, suite.path)
    per_scene = {s: sum(t.scene_id == s for t in folder.schedule) for s in ("attic", "studio")}
    assert (report.tally.failed, report.tally.owed) == (per_scene["attic"], per_scene["studio"])
    assert report.tally.scored == len(folder.schedule) - sum(per_scene.values())
    values: dict[str, list[float]] = {}
    for task in folder.schedule:
        values.setdefault(task.question_type, []).append(float(task.scene_id == "living"))
    assert report.overall.value == pytest.approx(official_mean(values))
    assert report.owed_reasons
    by_status = {(score.status, score.fields["outcome"]) for score in folder.results()}
    assert by_status == {
        (EpisodeStatus.ANSWERED, "scored"),
        (EpisodeStatus.LIMIT, "failed"),
        (EpisodeStatus.OWED, "owed"),
    }


def test_scoring_again_changes_nothing(tmp_path: Path, suite: Suite) -> None:
    folder, _ = play(tmp_path / "r", suite, epochs=2)
    first = score_run(folder, suite.path)
    again = score_apart(folder, suite.path)
    assert again == first == read_report(folder)
    assert set(first.pass_at) == {1, 2}
    assert first.pass_at[1].value <= first.pass_at[2].value
    assert len(folder.results()) == first.tally.scheduled == 2 * len(folder.schedule)
    assert set(first.profiles) == {"official", "lmms-eval", "lenient"}
    assert first.profiles["official"] == pytest.approx(first.overall.value)


def test_calls_time_and_price_are_summed_over_the_log(tmp_path: Path, suite: Suite) -> None:
    folder, _ = play(tmp_path / "r", suite)
    n = len(folder.schedule)
    spend = score_run(folder, suite.path).spend
    assert (spend.episodes, spend.calls, spend.effective) == (n, n, n)
    assert spend.cost == pytest.approx(0.5 * n)
    assert 0 < spend.seconds < 60
    assert spend.dollars == 0.0


def test_what_was_paid_for_a_failed_attempt_stays_paid(tmp_path: Path, suite: Suite) -> None:
    model = ModelCall(model="m", turn=0, usage=Usage(input_tokens=10, cost=0.5))

    def script(task: Task, brief: Brief) -> Play:
        looking = glance(task, brief)
        observations = yield replace(next(looking), model=model)
        yield replace(looking.send(observations), model=model)

    gone = World(broken=lambda task: True)
    play(tmp_path / "r", suite, gone, script, limit=1, passes=1)
    folder, _ = play(tmp_path / "r", suite, script=script, limit=1)
    spend = score_run(folder, suite.path).spend
    assert (spend.attempts, spend.calls, spend.effective) == (2, 1, 1)
    assert (spend.model_calls, spend.tokens, spend.dollars) == (3, 30, 1.5)


def test_a_run_is_scored_against_its_own_suite_only(tmp_path: Path, suite: Suite) -> None:
    folder, _ = play(tmp_path / "r", suite, limit=3)
    other = make_suite(tmp_path / "other", scenes=("cellar",))
    for path, words in ((other.path, "another version of the suite"), (tmp_path, "no suite")):
        with pytest.raises(UserError, match=words):
            score_run(folder, path)
    assert folder.results() == ()
    with pytest.raises(UserError, match="has not been scored"):
        read_report(folder)
    with pytest.raises(UserError, match="no profile 'kind'"):
        score_run(folder, suite.path, profile="kind")


def test_the_command_says_one_sentence(
    tmp_path: Path, suite: Suite, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(tmp_path / "none"), str(suite.path)]) == 2
    assert "is not a run" in capsys.readouterr().err


def test_a_report_survives_its_file(tmp_path: Path, suite: Suite) -> None:
    folder, _ = play(tmp_path / "r", suite, limit=5)
    report = score_run(folder, suite.path)
    assert RunReport.model_validate_json(report.model_dump_json()) == report
    (RunFolder.open(folder.path).path / "report.json").write_text("{")
    with pytest.raises(UserError, match=r"report\.json is damaged"):
        read_report(folder)
