"""Real processes, killed for real: the runner, an expert, the supervisor."""

from __future__ import annotations

import os
import random
import re
import shutil
from pathlib import Path

from surveyor.benchmarks.corruption_effect import answers
from surveyor.benchmarks.scoring import score_run
from surveyor.core.dataset import Dataset
from surveyor.memory.events import EpisodeStatus
from surveyor.memory.runs import RunFolder
from surveyor.services.launch import SupervisorHandle, status, up
from tests.claims.runner.crash_tests import (
    integrity,
    interrupt_at,
    kill_and_resume,
    kill_process,
    statuses,
)
from tests.faults.conftest import command

SEED = int(os.environ.get("SURVEYOR_FAULT_SEED", random.randrange(10**6)))


def test_a_runner_killed_at_random_moments_loses_and_repeats_nothing(
    tmp_path: Path, dataset: Dataset, experts: SupervisorHandle, untouched: RunFolder, total: int
) -> None:
    kills = sorted(random.Random(SEED).uniform(0.02, 0.7) for _ in range(2))
    run = tmp_path / "r"
    session = command(dataset, run, experts.endpoints_file)
    sessions, rewritten = kill_and_resume(session, run, total, kills)
    told = f"SURVEYOR_FAULT_SEED={SEED}, kills at {kills}: {sessions}"
    assert sessions[0].killed, told
    assert sessions[0].seen < total, told
    assert sessions[-1].returncode == 0, told
    folder = RunFolder.open(run)
    report = score_run(folder, dataset.path)
    checked = integrity(folder, untouched, rewritten)
    assert checked.faults == 0, f"{checked}; {told}"
    assert (report.tally.scored, report.tally.incomplete) == (total, 0)
    assert answers(folder) == answers(untouched)


def test_an_expert_killed_in_the_middle_is_restarted_and_the_run_completes(
    tmp_path: Path, dataset: Dataset, experts: SupervisorHandle, untouched: RunFolder, total: int
) -> None:
    run = tmp_path / "r"
    (before,) = status(experts.endpoints_file)
    session = interrupt_at(
        command(dataset, run, experts.endpoints_file, "--concurrency", "1"),
        run,
        5,
        lambda child: kill_process(before.pid),
    )
    (after,) = status(experts.endpoints_file)
    assert after.restarts == before.restarts + 1
    assert session.returncode == 0
    folder = RunFolder.open(run)
    assert statuses(folder) == {EpisodeStatus.ANSWERED: total}
    assert answers(folder) == answers(untouched)


def test_without_a_supervisor_the_rest_is_incomplete_and_a_later_session_completes_it(
    tmp_path: Path, dataset: Dataset, untouched: RunFolder, total: int
) -> None:
    run = tmp_path / "r"
    with up(["scene"], [dataset.path], "perfect", tmp_path / "experts") as handle:
        session = command(dataset, run, handle.endpoints_file, "--concurrency", "1")
        cut = interrupt_at(session, run, 5, lambda child: kill_process(handle.pid))
    assert cut.returncode == 3
    folder = RunFolder.open(run)
    before = statuses(folder)
    assert before[EpisodeStatus.ANSWERED] >= 5
    assert before[EpisodeStatus.INCOMPLETE] >= total / 2
    assert sum(before.values()) == total
    report = score_run(folder, dataset.path)
    assert report.tally.incomplete == before[EpisodeStatus.INCOMPLETE]
    with up(["scene"], [dataset.path], "perfect", tmp_path / "experts"):
        resumed = interrupt_at(session, run, None)
    assert resumed.returncode == 0
    score_run(folder, dataset.path)
    checked = integrity(folder, untouched)
    assert checked.faults == 0, checked


def test_the_check_itself_sees_what_must_not_happen(
    tmp_path: Path, dataset: Dataset, untouched: RunFolder
) -> None:
    folder = RunFolder.open(shutil.copytree(untouched.path, tmp_path / "r"))
    assert integrity(folder, untouched).faults == 0
    paths = sorted((folder.path / "episodes").iterdir())
    paths[0].unlink()
    paths[1].write_bytes(paths[1].read_bytes() * 2)
    paths[2].write_bytes(
        re.sub(rb'"text":"[^"]*","sources"', b'"text":"0","sources"', paths[2].read_bytes())
    )
    score_run(folder, dataset.path)
    checked = integrity(folder, untouched, rewritten=1)
    assert (checked.lost, checked.twice, checked.rewritten) == (1, 1, 1)
    assert checked.different == 2
