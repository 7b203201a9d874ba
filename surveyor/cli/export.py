"""`surveyor export`: a run in other programs' formats."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Write a run in another program's format.")


@app.callback()
def _export() -> None:
    """Kept apart so that every format is a command of its own."""


@app.command()
def inspect(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    out: Annotated[Path, typer.Argument(help="The log to write; its name ends in .json.")],
) -> None:
    """Write a run as an Inspect evaluation log (version 2), for `inspect view`."""
    from surveyor.agent.interop.inspect_log import RunHeader, ScoredEpisode, write_inspect_log
    from surveyor.core.errors import UserError
    from surveyor.memory.runs import RunFolder

    if out.suffix != ".json":
        raise UserError(f"name the log {out.with_suffix('.json')}: Inspect opens .json files only")
    folder = RunFolder.open(run)
    record = folder.record
    scores = {(score.task_id, score.epoch): score for score in folder.results()}
    judged = [
        ScoredEpisode(episode, tuple(filter(None, [scores.get((task.id, epoch))])))
        for task, epoch in folder.scheduled()
        if (episode := folder.episode(task.id, epoch)) is not None
    ]
    header = RunHeader(
        run_id=record.id,
        dataset=record.manifest.dataset.name,
        model=str(record.config.get("planner", "")),
        config=dict(record.config),
        packages=record.manifest.packages,
    )
    write_inspect_log(out, header, judged)
    print(f"{out}: {len(judged)} samples")
