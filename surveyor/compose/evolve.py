"""What `surveyor evolve` does."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from surveyor.memory.scene_memory import SceneMemory
from surveyor.training.evolution.cases import load_cases
from surveyor.training.evolution.library import Library
from surveyor.training.evolution.players import reference_play
from surveyor.training.evolution.records import (
    EvolveReport,
    EvolveSettings,
    RoundReport,
    plot,
    round_line,
)
from surveyor.training.evolution.rounds import evolve


def evolve_library(
    datasets: Sequence[Path], rounds: int, library: Path, preset: str, seed: int
) -> None:
    """Evolve, telling each round on stderr, and print the plot and the snapshot."""
    settings = EvolveSettings(rounds=rounds, seed=seed)
    report = asyncio.run(_evolve(datasets, Library(library), settings, preset))
    print(plot(report.rounds))
    print(f"snapshot: {library / 'snapshots' / report.snapshot}")


async def _evolve(
    datasets: Sequence[Path], library: Library, settings: EvolveSettings, preset: str
) -> EvolveReport:
    def told(round_: RoundReport) -> None:
        print(round_line(round_, settings.rounds), file=sys.stderr, flush=True)

    cases = load_cases(datasets)
    library.root.mkdir(parents=True, exist_ok=True)
    work = library.root / "experts"
    with SceneMemory(library.memory) as memory:
        async with reference_play(
            datasets, work, preset=preset, seed=settings.seed, memory=memory
        ) as play:
            return await evolve(library, cases, play, settings, on_round=told)
