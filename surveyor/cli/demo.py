"""`surveyor demo`: the main job, end to end, on a laptop and offline."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder for rooms, runs and the report.")] = Path(
        "out/demo"
    ),
    rooms: Annotated[int, typer.Option(min=1, help="How many rooms to make.")] = 6,
    seed: Annotated[int, typer.Option(help="Seed of the first room.")] = 0,
) -> None:
    """Make rooms, start experts over HTTP, answer the rooms' questions twice, and report.

    Once with perfect experts, once with a detector that misses a fifth of what it should see and
    whose boxes jitter by 3 %. Interrupt it at any time: the same command goes on where it was.
    """
    from surveyor.compose.demo import demonstrate

    demonstrate(out, range(seed, seed + rooms))
