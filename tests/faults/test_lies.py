"""The corruption probe on real tools and the program planner, which rests on nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path

from benchmarks.probe import read_probe
from benchmarks.run.config import Corruption, RunConfig
from benchmarks.survival import statuses
from memory.events import EpisodeStatus
from memory.runs import RunFolder
from scenes.suite import Suite
from services.launch import SupervisorHandle
from tests.faults.conftest import EPOCHS
from tests.faults.session import session


def test_the_program_planner_follows_its_instruments(
    tmp_path: Path, suite: Suite, experts: SupervisorHandle, untouched: RunFolder, total: int
) -> None:
    run = tmp_path / "r"
    config = RunConfig(suite=str(suite.path), epochs=EPOCHS, corruption=Corruption(share=0.5))
    asyncio.run(session(suite, run, experts.endpoints_file, tmp_path / "cache", config))
    folder = RunFolder.open(run)
    assert statuses(folder) == {EpisodeStatus.ANSWERED: total}
    read = read_probe(untouched, folder)
    assert read.spared > total / 4
    assert read.lied_to > total / 4
    assert read.drifted == 0
    assert read.moved_share > 0.95, read
