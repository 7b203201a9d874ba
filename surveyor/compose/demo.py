"""What `surveyor demo` does."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from surveyor.benchmarks.report.record import RunReport
from surveyor.benchmarks.run.config import RunConfig
from surveyor.benchmarks.scoring import score_apart
from surveyor.compose.run import Job
from surveyor.compose.session import finish, is_complete, reference_experts, write_page
from surveyor.compose.tables import show
from surveyor.core.dataset import what_was_made
from surveyor.core.locks import claimed
from surveyor.core.wording import many
from surveyor.memory.runs import RunFolder

if TYPE_CHECKING:
    from surveyor.scenes.datasets.embedded import RoomsSettings

PRESETS = {"perfect": "perfect experts", "imperfect-detector": "detector misses 20 %"}


def demonstrate(out: Path, seeds: Sequence[int]) -> None:
    """Rooms, two runs, one table, one page. Everything lies under ``out``."""
    began = time.monotonic()
    dataset = out / f"rooms-{seeds[0]}-{len(seeds)}"
    make_rooms(dataset, seeds, workers=makers())
    reports = {
        title: answer(dataset, out / "runs" / f"{dataset.name}-{preset}", preset, out / "cache")
        for preset, title in PRESETS.items()
    }
    show(reports)
    folders = [RunFolder.open(out / "runs" / f"{dataset.name}-{preset}") for preset in PRESETS]
    page = write_page(folders, dataset, title=f"{many(len(seeds), 'room')}, measured twice")
    print(f"report: {page}  ({time.monotonic() - began:.0f} s)")


def makers() -> int:
    """Processes that make rooms at once: each takes half a gigabyte."""
    return min(4, os.cpu_count() or 1)


def make_rooms(
    dataset: Path,
    seeds: Sequence[int],
    settings: RoomsSettings | None = None,
    split: str = "test",
    workers: int = 1,
) -> None:
    """Make the dataset, or finish or keep what is there; says what it does on stderr."""
    from surveyor.scenes.datasets.embedded import make_rooms_dataset

    def told(done: int, total: int) -> None:
        print(f"room {done} of {total}", file=sys.stderr, flush=True)

    manifest = make_rooms_dataset(
        dataset, seeds, settings=settings, split=split, progress=told, workers=workers
    )
    print(what_was_made(manifest, dataset, many(len(manifest.scenes), "room")))


def answer(dataset: Path, folder: Path, preset: str, cache: Path) -> RunReport:
    """One run with reference experts of one preset; they live as long as the run.

    A run that is complete is only scored again.
    """
    config = RunConfig(dataset=str(dataset), expert_options={"preset": preset})
    state = folder.with_name(folder.name + ".experts")
    if is_complete(folder):
        return score_apart(RunFolder.open(folder), dataset)
    with claimed(folder), reference_experts(dataset, preset, state) as endpoints:
        job = Job(dataset, folder, config, endpoints, cache)
        return finish(job, title=PRESETS[preset], page=False)  # one page will show them all
