"""Embedded rooms, filmed and answered once, for the claims that look at them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from surveyor.benchmarks.run.config import RunConfig
from surveyor.compose.demo import make_rooms
from surveyor.compose.run import Job, perform
from surveyor.compose.session import finish, reference_experts
from surveyor.memory.runs import RunFolder
from surveyor.scenes.datasets.embedded import RoomsSettings

SEEDS = range(9000, 9008)
ASKED = range(9100, 9160 if os.environ.get("SURVEYOR_CLAIMS") == "full" else 9112)
TYPES = ("object_counting", "object_abs_distance", "object_size_estimation")
SMALL = RoomsSettings(
    n_frames=16, size=(320, 240), types=TYPES, per_type=1, balance=False, light_rays=4
)
"""One question of a type and small pictures, so that many places can be asked about."""


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


@cache
def answered_realistically() -> RunFolder:
    """The same questions by experts that err as networks do."""
    dataset, _ = answered()
    folder = _scratch() / "runs" / "realistic"
    with reference_experts(dataset, "realistic", _scratch() / "erring") as endpoints:
        config = RunConfig(dataset=str(dataset), expert_options={"preset": "realistic"})
        finish(Job(dataset, folder, config, endpoints, _scratch() / "cache"))
    return RunFolder.open(folder)


@cache
def small() -> tuple[Path, RunFolder]:
    """A dataset of many places with few questions, and a run with perfect experts."""
    dataset, folder = _scratch() / "small", _scratch() / "runs" / "small"
    make_rooms(dataset, list(ASKED), SMALL)
    with experts(dataset) as endpoints:
        perform(run_of(dataset, folder, endpoints))
    return dataset, RunFolder.open(folder)


def run_of(dataset: Path, folder: Path, endpoints: Path | None, **changes: object) -> Job:
    """A run of a dataset's questions by the `program` planner, unless ``changes`` say otherwise."""
    config = RunConfig(dataset=str(dataset)).changed(**changes)
    return Job(dataset, folder, config, endpoints, _scratch() / "cache")


@contextmanager
def experts(dataset: Path) -> Iterator[Path]:
    """Running reference experts of a dataset."""
    with reference_experts(dataset, "perfect", _scratch() / "experts") as endpoints:
        yield endpoints
