"""Players of training tasks with reference experts in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from memory.scene_memory import SceneMemory
from services.reference.base import Shelf
from services.registry import experts_of
from training.evolve_experts import experts_in_process
from training.evolve_play import ProgramPlay, producers_of
from training.evolve_scoring import Judge


@asynccontextmanager
async def reference_play(
    suites: Sequence[Path],
    work: Path,
    *,
    preset: str = "realistic",
    seed: int = 0,
    shelf: Shelf | None = None,
    memory: SceneMemory | None = None,
    recalls: bool = False,
) -> AsyncIterator[ProgramPlay]:
    """A player whose experts know these suites and no others, and the judge of what it answers.

    ``work`` and ``shelf`` as for `experts_in_process`, ``memory`` and ``recalls`` as for
    `ProgramPlay`.
    """
    async with (
        experts_in_process(suites, work, preset=preset, seed=seed, shelf=shelf) as client,
        Judge(suites) as judge,
    ):
        producers = await producers_of(client, experts_of("reference"))
        yield ProgramPlay(client, judge, producers, memory=memory, recalls=recalls)
