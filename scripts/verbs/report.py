"""`surveyor report`: one page about one or several scored runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(help="Scored run folders, side by side.")],
    suite: Annotated[Path | None, typer.Option(help="The suite, for its frames.")] = None,
    title: Annotated[str, typer.Option(help="Headline of the page.")] = "",
) -> None:
    """Write report.html into the first run folder: tables, manifest, episodes with pictures."""
    from benchmarks.report.page import write_page
    from memory.blobs import BlobStore
    from memory.runs import RunFolder
    from scenes.suite import Suite
    from scripts.wiring import default_cache

    folders = [RunFolder.open(path) for path in runs]
    stores = [BlobStore(default_cache() / "blobs")]
    if suite is not None:
        stores.insert(0, Suite.open(suite).blobs)
    write_page(folders, stores, title)
    print(runs[0] / "report.html")
