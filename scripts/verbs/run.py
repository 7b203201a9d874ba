"""`surveyor run`: answer a suite's questions with a planner, and score the answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def run(
    suite: Annotated[str, typer.Argument(help="A suite folder, or: rooms, vsi-meta.")],
    planner: Annotated[str, typer.Option(help="program or chat.")] = "program",
    workflow: Annotated[
        str, typer.Option(help="How the program planner looks: plain, guarded, ...")
    ] = "",
    model: Annotated[str, typer.Option(help="Model name for the chat planner.")] = "",
    base_url: Annotated[
        str, typer.Option(help="OpenAI-compatible endpoint of the chat planner.")
    ] = "",
    meta: Annotated[
        Path | None, typer.Option(help="Folder of VSI-Bench metadata (suite vsi-meta).")
    ] = None,
    scenes: Annotated[int, typer.Option(min=1, help="How many rooms (suite rooms).")] = 6,
    seed: Annotated[int, typer.Option(help="First seed of the suite that is made.")] = 0,
    experts: Annotated[Path | None, typer.Option(help="Endpoints file of running experts.")] = None,
    preset: Annotated[
        str, typer.Option(help="Reference experts' error model, if none run.")
    ] = "perfect",
    out: Annotated[
        Path | None, typer.Option(help="Run folder; the same one again resumes it.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="A TOML file with the run's configuration.")
    ] = None,
    types: Annotated[
        list[str] | None, typer.Option("--type", help="Only these question types.")
    ] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first tasks.")] = None,
    epochs: Annotated[int, typer.Option(min=1, help="How often each task is asked.")] = 1,
    concurrency: Annotated[int, typer.Option(min=1, help="Episodes in flight.")] = 8,
) -> None:
    """Answer every question of SUITE, score the run and write its report.

    Experts that --experts does not name are started for this run. A run that was interrupted, or
    owes episodes because something failed, is completed by the same command.
    """
    from scripts.running import Request, configured, run_and_report

    wanted = {
        "suite": suite,
        "planner": planner,
        "planner_options": _options(workflow=workflow, model=model, base_url=base_url),
        "types": tuple(types or ()),
        "limit": limit,
        "epochs": epochs,
        "concurrency": concurrency,
        "expert_options": {} if experts else {"preset": preset},
    }
    settings = configured(config, wanted)
    run_and_report(Request(settings, meta, scenes, seed, experts, preset, out))


def _options(**given: str) -> dict[str, str]:
    return {name: value for name, value in given.items() if value}
