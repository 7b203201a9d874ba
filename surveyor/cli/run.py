"""`surveyor run`: answer a dataset's questions with a planner, and score the answers."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from surveyor.agent.chat.config import ChatConfig
from surveyor.benchmarks.run.config import ExpertOptions, RunConfig
from surveyor.cli.options import Group, with_options
from surveyor.cli.verbs import refuse_preset
from surveyor.compose.planner_options import PlannerOptions
from surveyor.core.object_store import STORE

app = typer.Typer()

GROUPS = (
    Group(RunConfig),
    Group(PlannerOptions, "planner_options"),
    Group(ChatConfig, "planner_options"),
    Group(ExpertOptions, "expert_options"),
)
"""Where the options of a run come from; the table in docs/runs.md is made of them too."""

Dataset = Annotated[
    str, typer.Argument(help="A folder, or: rooms, vsi-meta. With --from, --config: theirs.")
]
Config = Annotated[Path | None, typer.Option(help="A TOML file; options go over it.")]
From = Annotated[Path | None, typer.Option("--from", help="Repeat this run; options go over it.")]
Trust = Annotated[
    bool, typer.Option("--trust", help="Run the commands and use the endpoints that it names.")
]
Out = Annotated[Path | None, typer.Option(help="Run folder; the same one again resumes it.")]
Experts = Annotated[Path | None, typer.Option(help="Endpoints file of running experts.")]
NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Ask experts anew, also what earlier runs asked.")
]
Store = Annotated[
    str, typer.Option(help="Share answers and the run: s3://bucket/folder.", envvar=STORE)
]
Rooms = Annotated[
    int | None, typer.Option("--scenes", min=1, help="How many rooms (dataset rooms; default: 6).")
]
Seed = Annotated[int | None, typer.Option(help="First seed of the dataset that is made.")]
Meta = Annotated[Path | None, typer.Option(help="VSI-Bench's metadata (dataset vsi-meta).")]
Shards = Annotated[int | None, typer.Option(min=1, help="Run in so many shards, then merge.")]
Launcher = Annotated[
    str | None, typer.Option(help="Where shards run: here (default), slurm or ray.")
]
Otel = Annotated[str, typer.Option(help="Send OpenTelemetry spans to this collector.")]


@app.command()
@with_options(*GROUPS)
def run(
    dataset: Dataset = "",
    config: Config = None,
    repeated: From = None,
    trust: Trust = False,
    out: Out = None,
    experts: Experts = None,
    no_cache: NoCache = False,
    store: Store = "",
    scenes: Rooms = None,
    seed: Seed = None,
    meta: Meta = None,
    shards: Shards = None,
    launcher: Launcher = None,
    otel: Otel = "",
    *,
    typed: Mapping[str, Any],
) -> None:
    """Answer every question of DATASET, score the run and write its report.

    Experts that --experts does not name are started for this run. A run that was interrupted, or
    whose episodes are incomplete because something failed, is completed by the same command.
    """
    from surveyor.benchmarks.run.surroundings import Surroundings, told
    from surveyor.compose.configuration import configured, environment_experts
    from surveyor.compose.run import default_cache
    from surveyor.compose.session import Request, check_made, run_and_report
    from surveyor.compose.shards import launch
    from surveyor.core.errors import UserError

    around, named = Surroundings.read(os.environ), experts
    experts = named or environment_experts(around, default_cache())
    wanted = {**typed, **({"dataset": dataset} if dataset else {})}
    if experts is not None:
        if wanted.get("expert_options"):
            refuse_preset("those that the environment names")
    elif config is None and repeated is None:
        wanted.setdefault("expert_options", ExpertOptions().model_dump())
    settings = configured(config, repeated, wanted, trusted=trust)
    if experts is not None:
        settings = settings.changed(expert_options={})
    check_made(settings.dataset, {"scenes": scenes, "seed": seed, "meta": meta})
    if launcher and shards is None:
        raise UserError("--launcher says where shards run; say --shards N too, or leave it out")
    used = around.used(settings, servers=named is None)
    for line in told(used):
        print(line, file=sys.stderr)
    many, first = scenes or 6, seed or 0
    request = Request(settings, meta, many, first, experts, out, otel, repeated, not no_cache)
    request = replace(request, environment=used, store=store)
    if shards is None:
        run_and_report(request)
    else:
        launch(request, shards, launcher or "here")
