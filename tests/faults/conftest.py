"""One small real suite for every fault, and its uninterrupted run."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.scoring import score_run
from benchmarks.survival import Command, interrupt_at
from memory.runs import RunFolder
from scenes.suite import Suite
from scenes.suite_vsi_meta import make_vsi_meta_suite
from services.launch import SupervisorHandle, up

META = Path(__file__).parents[1] / "fixtures" / "vsi_meta"
EPOCHS = 2

Commands = Callable[..., Command]


@pytest.fixture(scope="session")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Suite:
    """Questions about four scans, asked of the `scene` expert's table."""
    path = tmp_path_factory.mktemp("faults") / "suite"
    make_vsi_meta_suite(path, META)
    return Suite.open(path)


@pytest.fixture(scope="session")
def total(suite: Suite) -> int:
    """Scheduled episodes of every run here."""
    return EPOCHS * sum(suite.manifest.questions.values())


@pytest.fixture(scope="session")
def experts(suite: Suite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SupervisorHandle]:
    """The `scene` expert, unharmed."""
    with up(["scene"], [suite.path], "perfect", tmp_path_factory.mktemp("experts")) as handle:
        yield handle


def command(suite: Suite, run: Path, endpoints: Path, *more: str) -> Command:
    """One session of a run."""
    where = [str(suite.path), str(run), str(endpoints), "--epochs", str(EPOCHS)]
    return [sys.executable, "-m", "tests.faults.session", *where, *more]


@pytest.fixture(scope="session")
def untouched(
    suite: Suite, experts: SupervisorHandle, tmp_path_factory: pytest.TempPathFactory
) -> RunFolder:
    """A scored run that nothing happened to."""
    run = tmp_path_factory.mktemp("untouched") / "r"
    session = interrupt_at(command(suite, run, experts.endpoints_file), run, None)
    assert session.returncode == 0
    folder = RunFolder.open(run)
    score_run(folder, suite.path)
    return folder
