"""Embedded rooms, filmed and answered once, for the claims that look at them."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from surveyor.benchmarks.run.config import RunConfig
from surveyor.compose.demo import make_rooms
from surveyor.compose.run import Job
from surveyor.compose.session import finish, reference_experts
from surveyor.memory.runs import RunFolder

SEEDS = range(9000, 9004)


@cache
def _scratch() -> Path:
    return Path(tempfile.mkdtemp(prefix="surveyor-view-"))


@cache
def answered() -> tuple[Path, RunFolder]:
    """A dataset of rooms, and a run of all its questions with perfect experts."""
    dataset, folder = _scratch() / "rooms", _scratch() / "runs" / "rooms"
    make_rooms(dataset, list(SEEDS))
    with experts(dataset) as endpoints:
        finish(
            Job(dataset, folder, RunConfig(dataset=str(dataset)), endpoints, _scratch() / "cache")
        )
    return dataset, RunFolder.open(folder)


@contextmanager
def experts(dataset: Path) -> Iterator[Path]:
    """Running reference experts of a dataset."""
    with reference_experts(dataset, "perfect", _scratch() / "experts") as endpoints:
        yield endpoints
