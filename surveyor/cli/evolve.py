"""`surveyor evolve`: learn skills from training rollouts, round by round."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def evolve(
    dataset: Annotated[list[Path], typer.Option(help="A dataset of split train; may be repeated.")],
    rounds: Annotated[int, typer.Option(min=1, help="How many rounds.")] = 4,
    library: Annotated[Path, typer.Option(help="Folder of the library.")] = Path("out/library"),
    preset: Annotated[str, typer.Option(help="Reference experts' error model.")] = "realistic",
    seed: Annotated[int, typer.Option(help="Seed of exploration and experts.")] = 0,
) -> None:
    """Roll out, distil, gate and snapshot; interrupt and repeat at will.

    Skills are learned from some rooms and judged on others; a run on any of them is refused.
    """
    from surveyor.compose.evolve import evolve_library

    evolve_library(dataset, rounds, library, preset, seed)
