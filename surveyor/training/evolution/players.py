"""Players of training tasks with reference experts in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from surveyor.memory.scene_memory import SceneMemory
from surveyor.services.reference.base import WorldCache
from surveyor.services.registry import experts_of
from surveyor.training.evolution.inprocess_experts import experts_in_process
from surveyor.training.evolution.rollouts import ProgramPlay, producers_of
from surveyor.training.evolution.scoring import Judge


@asynccontextmanager
async def reference_play(
    datasets: Sequence[Path],
    work: Path,
    *,
    preset: str = "realistic",
    seed: int = 0,
    shelf: WorldCache | None = None,
    memory: SceneMemory | None = None,
    recalls: bool = False,
) -> AsyncIterator[ProgramPlay]:
    """A player whose experts know these datasets and no others, and the judge of what it answers.

    ``work`` and ``shelf`` as for `experts_in_process`, ``memory`` and ``recalls`` as for
    `ProgramPlay`.
    """
    async with (
        experts_in_process(datasets, work, preset=preset, seed=seed, shelf=shelf) as client,
        Judge(datasets) as judge,
    ):
        producers = await producers_of(client, experts_of("reference"))
        yield ProgramPlay(client, judge, producers, memory=memory, recalls=recalls)
