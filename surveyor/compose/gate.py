"""What `skills gate` and `skills report --leave-one-out` do: real episodes, then a verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from surveyor.core.errors import UserError
from surveyor.skills.workflow import GUARDED
from surveyor.training.evolution.cases import load_cases
from surveyor.training.evolution.library import Library
from surveyor.training.evolution.players import reference_play
from surveyor.training.evolution.records import Verdict
from surveyor.training.evolution.verdicts import gate_skill, leave_one_out


def gate(library: Path, name: str, datasets: Sequence[Path], preset: str, seed: int) -> Verdict:
    """Judge one version on these datasets, act on it, and say what was found."""

    async def judged() -> Verdict:
        async with reference_play(datasets, library / "experts", preset=preset, seed=seed) as play:
            return await gate_skill(Library(library), name, load_cases(datasets), play, GUARDED)

    return asyncio.run(judged())


def left_out(
    library: Path, datasets: Sequence[Path], preset: str, seed: int
) -> tuple[Verdict, ...]:
    """What the library loses on these datasets without each of its active skills."""
    if not datasets:
        raise UserError("leaving one skill out needs tasks to try it on; give --dataset FOLDER")

    async def judged() -> tuple[Verdict, ...]:
        async with reference_play(datasets, library / "experts", preset=preset, seed=seed) as play:
            return await leave_one_out(Library(library), load_cases(datasets), play, GUARDED)

    return asyncio.run(judged())
