"""The runner's claims, measured by killing the real command line and the real experts.

Everything happens in the folder that is given: two small rooms, their experts, one uninterrupted
run, and runs that are interrupted in every way that a run can be.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from surveyor.benchmarks.scoring import score_apart
from surveyor.memory.events import EpisodeStatus
from surveyor.memory.runs import RunFolder
from tests.claims.claim import Claim
from tests.claims.runner.crash_tests import (
    Command,
    integrity,
    interrupt_at,
    kill_and_resume,
    kill_process,
    statuses,
)

if TYPE_CHECKING:
    from surveyor.services.launch import SupervisorHandle

SEEDS = (7100, 7101)
KILLS = 3


@dataclass(frozen=True, slots=True)
class Site:
    """Where the claims are measured."""

    folder: Path
    total: int

    @property
    def dataset(self) -> Path:
        return self.folder / "dataset"

    def run(self, name: str) -> Path:
        return self.folder / "runs" / name

    def command(self, name: str, endpoints: Path, *more: str) -> Command:
        """One session of `surveyor run`; runs share no cache, so experts are really needed."""
        cache = ["env", f"SURVEYOR_CACHE={self.folder / 'cache' / name}"]
        run = [sys.executable, "-m", "surveyor.cli.main", "run", str(self.dataset), "--out"]
        return [*cache, *run, str(self.run(name)), "--experts", str(endpoints), *more]

    def opened(self, name: str) -> RunFolder:
        return RunFolder.open(self.run(name))

    def scored(self, name: str) -> RunFolder:
        folder = self.opened(name)
        score_apart(folder, self.dataset)
        return folder

    def scored_run(self, name: str, endpoints: Path, *more: str) -> RunFolder:
        """A run that nothing happens to."""
        interrupt_at(self.command(name, endpoints, *more), self.run(name), None)
        return self.scored(name)

    def experts(self) -> SupervisorHandle:
        from surveyor.services.launch import up
        from surveyor.services.registry import experts_of

        return up(experts_of("reference"), [self.dataset], "perfect", self.folder / "experts")


def survival_claims(folder: Path, seed: int = 0) -> Iterator[Claim]:
    """Kill the runner, an expert and the supervisor, and hold what is left against a run that
    nothing happened to. ``seed`` chooses the moments."""
    site = make_site(folder)
    with site.experts() as handle:
        whole = site.scored_run("whole", handle.endpoints_file)
        yield from _runner_killed(site, handle, whole, random.Random(seed))
        yield from _expert_killed(site, handle, whole)
    yield from _supervisor_killed(site, whole)


def make_site(folder: Path) -> Site:
    from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset

    small = RoomsSettings(n_frames=16, size=(320, 240), per_type=4)
    manifest = make_rooms_dataset(folder / "dataset", SEEDS, settings=small)
    return Site(folder, sum(manifest.questions.values()))


def _runner_killed(
    site: Site, handle: SupervisorHandle, whole: RunFolder, rng: random.Random
) -> Iterator[Claim]:
    kills = sorted(rng.uniform(0.05, 0.9) for _ in range(KILLS))
    command = site.command("killed", handle.endpoints_file)
    sessions, rewritten = kill_and_resume(command, site.run("killed"), site.total, kills)
    checked = integrity(site.scored("killed"), whole, rewritten)
    landed = sum(session.killed for session in sessions)
    moments = ", ".join(f"{100 * share:.0f} %" for share in kills)
    note = f"{checked.total} questions, kill -9 at {moments}"
    yield Claim.at_least("runner: sessions that a kill -9 ended", landed, KILLS, note)
    yield Claim.at_most("runner: episodes lost", checked.lost, 0)
    yield Claim.at_most("runner: answered twice", checked.twice + checked.rewritten, 0)
    yield Claim.at_most("runner: scores that differ from a whole run's", checked.different, 0)


def _expert_killed(site: Site, handle: SupervisorHandle, whole: RunFolder) -> Iterator[Claim]:
    from surveyor.services.launch import status

    worker = next(row for row in status(handle.endpoints_file) if row.expert == "detect")
    session = interrupt_at(
        site.command("expert", handle.endpoints_file),
        site.run("expert"),
        site.total // 4,
        lambda child: kill_process(worker.pid),
    )
    after = next(row for row in status(handle.endpoints_file) if row.expert == "detect")
    checked = integrity(site.scored("expert"), whole)
    restarts = after.restarts - worker.restarts
    yield Claim.at_least("expert killed mid-run: restarts", restarts, 1)
    yield Claim.holds("expert killed mid-run: the run ends complete", session.returncode == 0)
    yield Claim.at_most("expert killed mid-run: faults", checked.faults, 0)


def _supervisor_killed(site: Site, whole: RunFolder) -> Iterator[Claim]:
    with site.experts() as handle:
        command = site.command("alone", handle.endpoints_file)
        interrupt_at(
            command, site.run("alone"), site.total // 4, lambda child: kill_process(handle.pid)
        )
    left = statuses(RunFolder.open(site.run("alone")))
    incomplete = left[EpisodeStatus.INCOMPLETE]
    note = f"{left[EpisodeStatus.ANSWERED]} answered before, {incomplete} incomplete"
    other = left[EpisodeStatus.FAILED] + left[EpisodeStatus.LIMIT]
    yield Claim.at_least("supervisor gone: episodes incomplete", incomplete, 1, note)
    yield Claim.at_most("supervisor gone: episodes counted as failed", other, 0)
    with site.experts():
        resumed = interrupt_at(command, site.run("alone"), None)
    checked = integrity(site.scored("alone"), whole)
    yield Claim.holds("supervisor gone: a later resume completes", resumed.returncode == 0)
    yield Claim.at_most("supervisor gone: faults after the resume", checked.faults, 0)
