"""`surveyor runs`: which runs there are and how they stand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def runs(
    places: Annotated[
        list[Path] | None, typer.Argument(help="Runs, or folders of runs; out/ if left out.")
    ] = None,
) -> None:
    """List runs, newest first: score, episodes ended, what is to do."""
    from surveyor.viewer.index import open_runs
    from surveyor.viewer.text import names_of

    for line in names_of(open_runs(places or [Path("out")])):
        print(line)
