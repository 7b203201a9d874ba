"""`surveyor merge`: put the shards of a run together."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surveyor.core.wording import many

app = typer.Typer()


@app.command()
def merge(
    out: Annotated[Path, typer.Argument(help="Folder of the merged run; must not exist.")],
    shards: Annotated[
        list[str], typer.Argument(help="All shards of one run: folders, or URLs on a store.")
    ],
    dataset: Annotated[
        Path | None, typer.Option(help="The dataset to score with; that of the shards if left out.")
    ] = None,
) -> None:
    """Merge shards into one run, after checking that every task is there exactly once.

    It is scored where the dataset is at hand.
    """
    from surveyor.benchmarks.run.merge import merge as joined
    from surveyor.benchmarks.scoring import metric_of, score_apart
    from surveyor.compose.session import write_page
    from surveyor.compose.sharing import gathered
    from surveyor.compose.tables import show

    with gathered(shards, out) as parts:
        whole = joined(out, parts)
    print(f"{whole.path}: {many(len(whole.schedule), 'task')} from {many(len(shards), 'shard')}")
    made_with = dataset or Path(str(whole.record.config["dataset"]))
    if not made_with.is_dir():
        print(f"score it: surveyor score {whole.path} --dataset DATASET ({made_with} is not here)")
        return
    types = {task.question_type for task in whole.schedule}
    report = score_apart(whole, made_with, metric_of(made_with, types))
    show({report.planner: report})
    print(f"report: {write_page([whole], made_with)}")
