"""One small real dataset for every fault, and its uninterrupted run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from surveyor.benchmarks.scoring import score_run
from surveyor.core.dataset import Dataset
from surveyor.memory.runs import RunFolder
from surveyor.scenes.datasets.vsi_meta import make_vsi_meta_dataset
from surveyor.services.launch import SupervisorHandle, up
from tests.claims.runner.crash_tests import Command, interrupt_at

META = Path(__file__).parents[1] / "fixtures" / "vsi_meta"
EPOCHS = 2

Commands = Callable[..., Command]


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Questions about four scans, asked of the `scene` expert's table."""
    path = tmp_path_factory.mktemp("faults") / "dataset"
    make_vsi_meta_dataset(path, META)
    return Dataset.open(path)


@pytest.fixture(scope="session")
def total(dataset: Dataset) -> int:
    """Scheduled episodes of every run here."""
    return EPOCHS * sum(dataset.manifest.questions.values())


@pytest.fixture(scope="session")
def experts(
    dataset: Dataset, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SupervisorHandle]:
    """The `scene` expert, unharmed."""
    with up(["scene"], [dataset.path], "perfect", tmp_path_factory.mktemp("experts")) as handle:
        yield handle


def command(dataset: Dataset, run: Path, endpoints: Path, *more: str) -> Command:
    """One session of a run."""
    where = [str(dataset.path), str(run), str(endpoints), "--epochs", str(EPOCHS)]
    return [sys.executable, "-m", "tests.faults.session", *where, *more]


@pytest.fixture(scope="session")
def untouched(
    dataset: Dataset, experts: SupervisorHandle, tmp_path_factory: pytest.TempPathFactory
) -> RunFolder:
    """A scored run that nothing happened to."""
    run = tmp_path_factory.mktemp("untouched") / "r"
    session = interrupt_at(command(dataset, run, experts.endpoints_file), run, None)
    assert session.returncode == 0
    folder = RunFolder.open(run)
    score_run(folder, dataset.path)
    return folder
