"""`surveyor store`: runs on a store that many machines share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from surveyor.cli.verbs import Verbs
from surveyor.core.wording import many

app = typer.Typer(
    cls=Verbs, no_args_is_help=True, help="Send runs to a shared store, and bring them from it."
)


@app.command()
def push(
    run: Annotated[Path, typer.Argument(help="The run's folder.")],
    url: Annotated[str, typer.Argument(help="The store, as s3://bucket/folder.")],
) -> None:
    """Send a whole run to a store, which mends what was damaged there.

    `surveyor run --store` sends by itself what the store does not have yet.
    """
    from surveyor.core.object_store import ObjectStore
    from surveyor.memory.runs import RunFolder
    from surveyor.memory.shared_runs import push_run

    folder, store = RunFolder.open(run), ObjectStore.open(url)
    store.check()
    print(push_run(store, folder, whole=True))


@app.command()
def pull(
    url: Annotated[str, typer.Argument(help="The run, as s3://bucket/folder/runs/NAME.")],
    out: Annotated[Path, typer.Argument(help="Its folder here; must not exist.")],
) -> None:
    """Bring a run from a store, as all who pushed it left it; score it then."""
    from surveyor.memory.shared_runs import pull_run, run_at

    folder = pull_run(*run_at(url), out)
    print(f"{folder.path}: {many(len(folder.schedule), 'task')}")
