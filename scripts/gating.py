"""What `skills gate` and `skills report --leave-one-out` do: real episodes, then a verdict."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from memory.errors import UserError
from services.registry import experts_of
from skills.workflow import GUARDED
from training.evolve_cases import load_cases
from training.evolve_experts import experts_in_process
from training.evolve_library import Library
from training.evolve_play import ProgramPlay, producers_of
from training.evolve_records import Verdict
from training.evolve_scoring import Judge
from training.evolve_verdicts import gate_skill, leave_one_out


def gate(library: Path, name: str, suites: Sequence[Path], preset: str, seed: int) -> Verdict:
    """Judge one version on these suites, act on it, and say what was found."""

    async def judged() -> Verdict:
        async with _player(library, suites, preset, seed) as play:
            return await gate_skill(Library(library), name, load_cases(suites), play, GUARDED)

    return asyncio.run(judged())


def left_out(library: Path, suites: Sequence[Path], preset: str, seed: int) -> tuple[Verdict, ...]:
    """What the library loses on these suites without each of its active skills."""
    if not suites:
        raise UserError("leaving one skill out needs tasks to try it on; give --suite FOLDER")

    async def judged() -> tuple[Verdict, ...]:
        async with _player(library, suites, preset, seed) as play:
            return await leave_one_out(Library(library), load_cases(suites), play, GUARDED)

    return asyncio.run(judged())


@asynccontextmanager
async def _player(
    library: Path, suites: Sequence[Path], preset: str, seed: int
) -> AsyncIterator[ProgramPlay]:
    work = library / "experts"
    async with (
        experts_in_process(suites, work, preset=preset, seed=seed) as client,
        Judge(suites) as judge,
    ):
        yield ProgramPlay(client, judge, await producers_of(client, experts_of("reference")))
