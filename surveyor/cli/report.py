"""`surveyor report`: one page about one or several scored runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def report(
    runs: Annotated[list[Path], typer.Argument(help="Scored run folders, side by side.")],
    dataset: Annotated[Path | None, typer.Option(help="The dataset, for its frames.")] = None,
    title: Annotated[str, typer.Option(help="Headline of the page.")] = "",
) -> None:
    """Write report.html into the first run folder: tables, manifest, episodes with pictures."""
    from surveyor.benchmarks.report.page import write_page
    from surveyor.compose.run import default_cache
    from surveyor.core.blobs import BlobStore
    from surveyor.core.dataset import Dataset
    from surveyor.memory.runs import RunFolder

    folders = [RunFolder.open(path) for path in runs]
    stores = [BlobStore(default_cache() / "blobs")]
    if dataset is not None:
        stores.insert(0, Dataset.open(dataset).blobs)
    write_page(folders, stores, title)
    print(runs[0] / "report.html")
