"""The runner: everything scheduled is answered once, and any end can be resumed from."""

from __future__ import annotations

import asyncio
import os
import signal
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from surveyor.agent.limits import UNLIMITED
from surveyor.agent.planner import PlannerInput, Turn
from surveyor.agent.scripted import Play
from surveyor.benchmarks.run.config import RunConfig
from surveyor.benchmarks.run.progress import Progress
from surveyor.benchmarks.runner import run_dataset
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.core.tasks import Task
from surveyor.memory.events import EpisodeEnded, EpisodeStatus
from surveyor.memory.runs import RunFolder
from tests.benchmarks.bench import World, bench, glance, make_dataset, open_run, play, value
from tests.faults.disk import no_room_left


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return make_dataset(tmp_path_factory.mktemp("datasets") / "tiny")


def answers(folder: RunFolder) -> dict[tuple[str, int], str | None]:
    episodes = ((t.id, e, folder.episode(t.id, e)) for t, e in folder.scheduled())
    return {(task, epoch): episode.answer for task, epoch, episode in episodes if episode}


def test_every_task_is_answered_in_every_epoch(tmp_path: Path, dataset: Dataset) -> None:
    world = World()
    folder, summary = play(tmp_path / "r", dataset, world, epochs=2, concurrency=5)
    tasks = {task.id: task for task in dataset.tasks()}
    assert summary.complete
    assert summary.progress.answered == 2 * len(tasks) == len(world.looked)
    assert answers(folder) == {(t, e): value(tasks[t]) for t in tasks for e in range(2)}
    assert 2 <= world.most_running <= 5


def test_a_finished_run_is_left_alone(tmp_path: Path, dataset: Dataset) -> None:
    folder, _ = play(tmp_path / "r", dataset)
    before = {p: p.stat().st_mtime_ns for p in folder.path.glob("episodes/*")}
    world = World()
    _, summary = play(tmp_path / "r", dataset, world, concurrency=2)
    assert world.looked == []
    assert (summary.complete, summary.progress.ended) == (True, 0)
    assert {p: p.stat().st_mtime_ns for p in folder.path.glob("episodes/*")} == before


def test_incomplete_episodes_are_retried_and_the_others_are_not(
    tmp_path: Path, dataset: Dataset
) -> None:
    tasks = list(dataset.tasks())
    world = World(broken=lambda task: task.scene_id == "studio")
    folder, summary = play(tmp_path / "r", dataset, world, give_up_after=1000)
    studio = [task.id for task in tasks if task.scene_id == "studio"]
    assert not summary.complete
    assert summary.progress.left == len(studio)
    assert "cannot be reached" in summary.progress.last_error
    later = World()
    _, summary = play(tmp_path / "r", dataset, later, give_up_after=1000)
    assert summary.complete
    assert sorted(later.looked) == sorted(studio)
    episode = folder.episode(studio[0], 0)
    assert episode is not None
    # Two passes in the first session (the second brought nothing home), one in the second.
    assert (episode.attempts, episode.started.attempt) == (3, 2)


def test_what_came_back_incomplete_is_tried_again_in_the_same_session(
    tmp_path: Path, dataset: Dataset
) -> None:
    tries: Counter[str] = Counter()

    def broken(task: Task) -> bool:
        tries[task.id] += 1
        return task.scene_id == "attic" and tries[task.id] == 1

    _, summary = play(tmp_path / "r", dataset, World(broken=broken), give_up_after=1000)
    assert summary.complete
    assert summary.progress.incomplete == 0
    assert "cannot be reached" in summary.progress.last_error


def test_a_session_gives_up_when_nothing_answers_any_more(tmp_path: Path, dataset: Dataset) -> None:
    tries: Counter[str] = Counter()

    def broken(task: Task) -> bool:
        tries[task.id] += 1
        return True

    _, summary = play(tmp_path / "r", dataset, World(broken=broken), give_up_after=4, concurrency=2)
    assert sum(tries.values()) <= 5
    assert "cannot be reached" in summary.stopped
    assert summary.progress.left == summary.progress.total
    _, summary = play(tmp_path / "r", dataset)
    assert summary.complete


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_a_resumable_run(
    tmp_path: Path, dataset: Dataset, number: signal.Signals
) -> None:
    before = signal.getsignal(number)

    def script(task: Task, brief: PlannerInput) -> Play:
        started.append(task.id)
        if len(started) == 7:
            os.kill(os.getpid(), number)
        yield from glance(task, brief)

    started: list[str] = []
    folder, summary = play(tmp_path / "r", dataset, script=script, concurrency=3)
    assert summary.interrupted
    assert 0 < summary.progress.left < summary.progress.total
    assert signal.getsignal(number) in (before, signal.SIG_DFL, signal.default_int_handler)
    done = {key for key, answer in answers(folder).items() if answer is not None}
    world = World()
    _, summary = play(tmp_path / "r", dataset, world)
    assert summary.complete
    assert not {task for task, _ in done} & set(world.looked)


def test_two_runners_never_share_a_run(tmp_path: Path, dataset: Dataset) -> None:
    config = RunConfig(dataset="tiny")
    folder, tasks = open_run(tmp_path / "r", dataset, config)
    with folder.locked(), pytest.raises(UserError, match="another process is working on"):
        asyncio.run(run_dataset(folder, tasks, bench(World(), dataset), config))


def test_a_log_that_cannot_be_written_ends_the_run_with_one_sentence(
    tmp_path: Path, dataset: Dataset
) -> None:
    config = RunConfig(dataset="tiny", concurrency=2)
    folder, tasks = open_run(tmp_path / "r", dataset, config)
    with no_room_left(900), pytest.raises(UserError, match=r"make room, then run the same command"):
        asyncio.run(run_dataset(folder, tasks, bench(World(), dataset), config))
    assert all(p.stat().st_size <= 900 for p in folder.path.glob("episodes/*"))
    _, summary = play(tmp_path / "r", dataset, concurrency=2)
    assert summary.complete


def test_a_bug_crashes_loudly_and_costs_nothing_but_its_own_episode(
    tmp_path: Path, dataset: Dataset
) -> None:
    def script(task: Task, brief: PlannerInput) -> Play:
        if task.scene_id == "studio":
            raise ZeroDivisionError("a bug")
        yield from glance(task, brief)

    with pytest.raises(ZeroDivisionError):
        play(tmp_path / "r", dataset, script=script)
    _, summary = play(tmp_path / "r", dataset)
    assert summary.complete
    assert summary.progress.earlier > 0


def test_limits_and_failures_are_final(tmp_path: Path, dataset: Dataset) -> None:
    def script(task: Task, brief: PlannerInput) -> Play:
        while True:
            yield Turn(mistake="neither a call nor an answer", raw="hm")

    folder, summary = play(tmp_path / "r", dataset, script=script, limit=4)
    assert summary.complete
    assert summary.progress.failed == 4
    statuses = {folder.status(task.id, 0) for task in folder.schedule}
    assert statuses == {EpisodeStatus.LIMIT}


def test_a_spent_budget_ends_the_session_and_leaves_the_rest_incomplete(
    tmp_path: Path, dataset: Dataset
) -> None:
    config = RunConfig(dataset="tiny", concurrency=3)
    folder, tasks = open_run(tmp_path / "r", dataset, config)
    poor = replace(bench(World(), dataset), budget=UNLIMITED.model_copy(update={"tool_calls": 10}))
    summary = asyncio.run(run_dataset(folder, tasks, poor, config))
    assert "session's tool_calls limit of 10" in summary.stopped
    assert (summary.progress.answered, summary.progress.failed) == (10, 0)
    hurried = replace(poor, budget=UNLIMITED.model_copy(update={"wall": 1e-9}))
    summary = asyncio.run(run_dataset(folder, tasks, hurried, config))
    assert "session's wall limit" in summary.stopped
    summary = asyncio.run(run_dataset(folder, tasks, bench(World(), dataset), config))
    assert summary.complete


def test_subscribers_see_every_end_and_counts_that_add_up(tmp_path: Path, dataset: Dataset) -> None:
    class Witness:
        def __init__(self) -> None:
            self.seen: list[Progress] = []
            self.ends = 0

        def started(self, progress: Progress) -> None:
            self.seen.append(progress)

        def ended(self, task: Task, epoch: int, ended: EpisodeEnded, progress: Progress) -> None:
            self.ends += 1
            self.seen.append(progress)

        def finished(self, progress: Progress) -> None:
            self.seen.append(progress)

    config = RunConfig(dataset="tiny", limit=9)
    folder, tasks = open_run(tmp_path / "r", dataset, config)
    witness = Witness()
    asyncio.run(run_dataset(folder, tasks, bench(World(), dataset), config, (witness,)))
    assert witness.ends == 9
    assert [p.left for p in witness.seen] == [9, *range(8, -1, -1), 0]
    assert witness.seen[-1].rate > 0
