"""`surveyor rerun`: the same plans with another expert in one of their steps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def rerun(
    run: Annotated[Path, typer.Argument(help="A finished run of the program planner.")],
    swap: Annotated[
        list[str],
        typer.Option(help="EXPERT=WHO: an address, an endpoints file, boxes or a recording."),
    ],
    out: Annotated[Path | None, typer.Option(help="Folder of the new run.")] = None,
    experts: Annotated[
        Path | None, typer.Option(help="Endpoints file of the experts that are not swapped.")
    ] = None,
) -> None:
    """Replace an expert in finished episodes, and re-execute what depends on it.

    Every plan stays as it was, byte for byte; what does not rest on the expert is taken from the
    cache. Writes a new run and says what changed.
    """
    from surveyor.compose.rerun import Swaps, rerun_and_tell

    rerun_and_tell(run, Swaps.read(swap), out, experts)
