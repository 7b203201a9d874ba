"""`surveyor run`: answer a dataset's questions with a planner, and score the answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()

Dataset = Annotated[
    str,
    typer.Argument(help="A dataset folder, or: rooms, vsi-meta. With --from: the same as then."),
]
Planner = Annotated[str, typer.Option(help="program or chat.")]
Workflow = Annotated[str, typer.Option(help="How program looks: plain, guarded, single.")]
Model = Annotated[str, typer.Option(help="Model name for the chat planner.")]
BaseUrl = Annotated[str, typer.Option(help="OpenAI-compatible endpoint of the chat planner.")]
Meta = Annotated[Path | None, typer.Option(help="VSI-Bench's metadata (dataset vsi-meta).")]
Scenes = Annotated[int, typer.Option(min=1, help="How many rooms (dataset rooms).")]
Seed = Annotated[int, typer.Option(help="First seed of the dataset that is made.")]
Experts = Annotated[Path | None, typer.Option(help="Endpoints file of running experts.")]
Preset = Annotated[str, typer.Option(help="Reference experts' error model, if none run.")]
Out = Annotated[Path | None, typer.Option(help="Run folder; the same one again resumes it.")]
Config = Annotated[Path | None, typer.Option(help="A TOML file with the run's configuration.")]
From = Annotated[Path | None, typer.Option("--from", help="Repeat this run's configuration.")]
Types = Annotated[list[str] | None, typer.Option("--type", help="Only these question types.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Only the first tasks.")]
Epochs = Annotated[int, typer.Option(min=1, help="How often each task is asked.")]
Concurrency = Annotated[int, typer.Option(min=1, help="Episodes in flight.")]
Shard = Annotated[str | None, typer.Option(help="Only part i/n, by scene; see merge.")]
Skills = Annotated[str, typer.Option(help="none, builtin, or the folder of a snapshot.")]
Prompt = Annotated[str, typer.Option(help="Chat prompt: agent, official or easi.")]
Baseline = Annotated[str, typer.Option(help="all, no-tools or blind (no images either).")]
Corrupt = Annotated[
    str | None, typer.Option(help="Let a tool lie in a share of episodes: detect:0.2, or 0.2.")
]
Shards = Annotated[int | None, typer.Option(min=1, help="Run in so many shards, then merge.")]
Launcher = Annotated[str, typer.Option(help="Where shards run: here, slurm or ray.")]
Otel = Annotated[str, typer.Option(help="Send OpenTelemetry spans to this collector.")]
Memory = Annotated[str, typer.Option(help="Scene memory: a file to recall from and add to.")]
Embedder = Annotated[str, typer.Option(help="lexical, minilm, or a sentence-transformers model.")]
NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Ask experts anew, also what earlier runs asked.")
]
Index = Annotated[str, typer.Option(help="Search the skills' vectors on the cpu or a gpu.")]


@app.command()
def run(
    dataset: Dataset = "",
    planner: Planner = "program",
    workflow: Workflow = "",
    model: Model = "",
    base_url: BaseUrl = "",
    profile: Prompt = "",
    meta: Meta = None,
    scenes: Scenes = 6,
    seed: Seed = 0,
    experts: Experts = None,
    preset: Preset = "perfect",
    out: Out = None,
    config: Config = None,
    repeated: From = None,
    types: Types = None,
    limit: Limit = None,
    epochs: Epochs = 1,
    concurrency: Concurrency = 8,
    shard: Shard = None,
    skills: Skills = "none",
    baseline: Baseline = "all",
    corrupt: Corrupt = None,
    shards: Shards = None,
    launcher: Launcher = "here",
    otel: Otel = "",
    memory: Memory = "",
    embedder: Embedder = "lexical",
    index: Index = "cpu",
    no_cache: NoCache = False,
) -> None:
    """Answer every question of DATASET, score the run and write its report.

    Experts that --experts does not name are started for this run. A run that was interrupted, or
    owes episodes because something failed, is completed by the same command.
    """
    from surveyor.compose.session import Request, configured, run_and_report
    from surveyor.compose.shards import launch

    named = {"workflow": workflow, "model": model, "base_url": base_url, "profile": profile}
    wanted = {
        "dataset": dataset,
        "planner": planner,
        "planner_options": {name: value for name, value in named.items() if value},
        "types": tuple(types or ()),
        "limit": limit,
        "epochs": epochs,
        "concurrency": concurrency,
        "shard": shard,
        "skills": "" if skills == "none" else skills,
        "baseline": baseline,
        "corruption": corrupt,
        "expert_options": {} if experts else {"preset": preset},
    }
    remembered = {"embedder": embedder, "index": index, "memory": memory}
    settings = configured(config, repeated, {**wanted, **remembered})
    request = Request(
        settings, meta, scenes, seed, experts, out, otel, repeated, cached=not no_cache
    )
    if shards is None:
        run_and_report(request)
    else:
        launch(request, shards, launcher)
