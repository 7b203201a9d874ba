"""What `surveyor demo` does."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.report.record import RunReport
from benchmarks.run.config import RunConfig
from benchmarks.scoring import score_apart
from memory.runs import RunFolder
from scripts.running import finish, is_complete, reference_experts, write_page
from scripts.tables import show
from scripts.wiring import Job

if TYPE_CHECKING:
    from scenes.suite_rooms import RoomsSettings

PRESETS = {"perfect": "perfect experts", "imperfect-detector": "detector misses 20 %"}


def demonstrate(out: Path, seeds: Sequence[int]) -> None:
    """Rooms, two runs, one table, one page. Everything lies under ``out``."""
    began = time.monotonic()
    suite = out / f"rooms-{seeds[0]}-{len(seeds)}"
    make_rooms(suite, seeds)
    reports = {
        title: answer(suite, out / "runs" / f"{suite.name}-{preset}", preset, out / "cache")
        for preset, title in PRESETS.items()
    }
    show(reports)
    folders = [RunFolder.open(out / "runs" / f"{suite.name}-{preset}") for preset in PRESETS]
    page = write_page(folders, suite, title=f"{len(seeds)} rooms, measured twice")
    print(f"report: {page}  ({time.monotonic() - began:.0f} s)")


def make_rooms(
    suite: Path,
    seeds: Sequence[int],
    settings: RoomsSettings | None = None,
    split: str = "test",
) -> None:
    """Make the suite, or finish or keep what is there; says what it does on stderr."""
    from scenes.suite_rooms import make_rooms_suite

    def told(done: int, total: int) -> None:
        print(f"room {done} of {total}", file=sys.stderr, flush=True)

    manifest = make_rooms_suite(suite, seeds, settings=settings, split=split, progress=told)
    asked = sum(manifest.questions.values())
    print(f"{len(manifest.scenes)} rooms, {asked} questions in {suite}")


def answer(suite: Path, folder: Path, preset: str, cache: Path) -> RunReport:
    """One run with reference experts of one preset; they live as long as the run.

    A run that is complete is only scored again.
    """
    config = RunConfig(suite=str(suite), expert_options={"preset": preset})
    state = folder.with_name(folder.name + ".experts")
    if is_complete(folder):
        return score_apart(RunFolder.open(folder), suite)
    with reference_experts(suite, preset, state) as endpoints:
        return finish(Job(suite, folder, config, endpoints, cache), title=PRESETS[preset])
