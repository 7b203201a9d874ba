"""What `surveyor evolve` does."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from memory.scene_memory import SceneMemory
from training.evolve import evolve
from training.evolve_cases import load_cases
from training.evolve_library import Library
from training.evolve_player import reference_play
from training.evolve_records import EvolveReport, EvolveSettings, RoundReport, plot, round_line


def evolve_library(
    suites: Sequence[Path], rounds: int, library: Path, preset: str, seed: int
) -> None:
    """Evolve, telling each round on stderr, and print the plot and the snapshot."""
    settings = EvolveSettings(rounds=rounds, seed=seed)
    report = asyncio.run(_evolve(suites, Library(library), settings, preset))
    print(plot(report.rounds))
    print(f"snapshot: {library / 'snapshots' / report.snapshot}")


async def _evolve(
    suites: Sequence[Path], library: Library, settings: EvolveSettings, preset: str
) -> EvolveReport:
    def told(round_: RoundReport) -> None:
        print(round_line(round_, settings.rounds), file=sys.stderr, flush=True)

    cases = load_cases(suites)
    library.root.mkdir(parents=True, exist_ok=True)
    work = library.root / "experts"
    with SceneMemory(library.memory) as memory:
        async with reference_play(
            suites, work, preset=preset, seed=settings.seed, memory=memory
        ) as play:
            return await evolve(library, cases, play, settings, on_round=told)
