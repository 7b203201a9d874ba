"""What `skills gate` and `skills report --leave-one-out` do: real episodes, then a verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from memory.errors import UserError
from skills.workflow import GUARDED
from training.evolve_cases import load_cases
from training.evolve_library import Library
from training.evolve_player import reference_play
from training.evolve_records import Verdict
from training.evolve_verdicts import gate_skill, leave_one_out


def gate(library: Path, name: str, suites: Sequence[Path], preset: str, seed: int) -> Verdict:
    """Judge one version on these suites, act on it, and say what was found."""

    async def judged() -> Verdict:
        async with reference_play(suites, library / "experts", preset=preset, seed=seed) as play:
            return await gate_skill(Library(library), name, load_cases(suites), play, GUARDED)

    return asyncio.run(judged())


def left_out(library: Path, suites: Sequence[Path], preset: str, seed: int) -> tuple[Verdict, ...]:
    """What the library loses on these suites without each of its active skills."""
    if not suites:
        raise UserError("leaving one skill out needs tasks to try it on; give --suite FOLDER")

    async def judged() -> tuple[Verdict, ...]:
        async with reference_play(suites, library / "experts", preset=preset, seed=seed) as play:
            return await leave_one_out(Library(library), load_cases(suites), play, GUARDED)

    return asyncio.run(judged())
