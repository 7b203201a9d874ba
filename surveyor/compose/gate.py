"""What `skills gate` and `skills report --leave-one-out` do: real episodes, then a verdict."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from surveyor.core.errors import UserError
from surveyor.skills.workflow import PLAIN
from surveyor.training.evolution.cases import load_cases
from surveyor.training.evolution.library import Library
from surveyor.training.evolution.records import Verdict
from surveyor.training.evolution.sessions import reference_player
from surveyor.training.evolution.verdicts import gate_skill, leave_one_out


def gate(library: Path, name: str, datasets: Sequence[Path], preset: str, seed: int) -> Verdict:
    """Judge one version on these datasets, act on it, and say what was found."""
    home = Library(library)

    async def judged() -> Verdict:
        async with reference_player(
            datasets, home.rollouts, library / "experts", preset=preset, seed=seed
        ) as player:
            return await gate_skill(home, name, load_cases(datasets), player, PLAIN)

    return asyncio.run(judged())


def left_out(
    library: Path, datasets: Sequence[Path], preset: str, seed: int
) -> tuple[Verdict, ...]:
    """What the library loses on these datasets without each of its active skills."""
    if not datasets:
        raise UserError("leaving one skill out needs tasks to try it on; give --dataset FOLDER")
    home = Library(library)

    async def judged() -> tuple[Verdict, ...]:
        async with reference_player(
            datasets, home.rollouts, library / "experts", preset=preset, seed=seed
        ) as player:
            return await leave_one_out(home, load_cases(datasets), player, PLAIN)

    return asyncio.run(judged())
