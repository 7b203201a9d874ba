"""`surveyor merge`: put the shards of a run together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def merge(
    out: Annotated[Path, typer.Argument(help="Folder of the merged run; must not exist.")],
    shards: Annotated[list[Path], typer.Argument(help="All shards of one run.")],
) -> None:
    """Merge shards into one run, after checking that every task is there exactly once."""
    from surveyor.benchmarks.run.merge import merge as joined
    from surveyor.memory.runs import RunFolder

    whole = joined(out, [RunFolder.open(path) for path in shards])
    print(f"{whole.path}: {len(whole.schedule)} tasks from {len(shards)} shards")
