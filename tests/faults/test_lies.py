"""The corruption probe on real tools and the program planner, which rests on nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path

from surveyor.benchmarks.corruption_effect import read_probe
from surveyor.benchmarks.run.config import Corruption, RunConfig
from surveyor.core.dataset import Dataset
from surveyor.memory.events import EpisodeStatus
from surveyor.memory.runs import RunFolder
from surveyor.services.launch import SupervisorHandle
from tests.claims.runner.crash_tests import statuses
from tests.faults.conftest import EPOCHS
from tests.faults.session import session


def test_the_program_planner_follows_its_instruments(
    tmp_path: Path, dataset: Dataset, experts: SupervisorHandle, untouched: RunFolder, total: int
) -> None:
    run = tmp_path / "r"
    config = RunConfig(dataset=str(dataset.path), epochs=EPOCHS, corruption=Corruption(share=0.5))
    asyncio.run(session(dataset, run, experts.endpoints_file, tmp_path / "cache", config))
    folder = RunFolder.open(run)
    assert statuses(folder) == {EpisodeStatus.ANSWERED: total}
    read = read_probe(untouched, folder)
    assert read.spared > total / 4
    assert read.lied_to > total / 4
    assert read.drifted == 0
    assert read.moved_share > 0.95, read
