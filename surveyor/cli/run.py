"""`surveyor run`: answer a dataset's questions with a planner, and score the answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()

Dataset = Annotated[
    str,
    typer.Argument(help="A dataset folder, or: rooms, vsi-meta. With --from, --config: theirs."),
]
Planner = Annotated[str, typer.Option(help="program or chat.")]
Workflow = Annotated[str, typer.Option(help="How program looks: plain, guarded, single.")]
Model = Annotated[str, typer.Option(help="Model name for the chat planner.")]
BaseUrl = Annotated[str, typer.Option(help="OpenAI-compatible endpoint of the chat planner.")]
KeyEnv = Annotated[str, typer.Option(help="Environment variable that holds the endpoint's key.")]
Price = Annotated[
    list[str] | None,
    typer.Option(help="Dollars per million tokens: input=1.25; so output, cached. Repeatable."),
]
Sampling = Annotated[
    list[str] | None,
    typer.Option(help="Goes into each request: temperature=0, max_tokens=4096. Repeatable."),
]
Meta = Annotated[Path | None, typer.Option(help="VSI-Bench's metadata (dataset vsi-meta).")]
Scenes = Annotated[int, typer.Option(min=1, help="How many rooms (dataset rooms).")]
Seed = Annotated[int, typer.Option(help="First seed of the dataset that is made.")]
Experts = Annotated[Path | None, typer.Option(help="Endpoints file of running experts.")]
Preset = Annotated[str, typer.Option(help="Reference experts' error model, if none run.")]
Out = Annotated[Path | None, typer.Option(help="Run folder; the same one again resumes it.")]
Config = Annotated[Path | None, typer.Option(help="A TOML file; options go over it.")]
From = Annotated[Path | None, typer.Option("--from", help="Repeat this run; options go over it.")]
Trust = Annotated[
    bool, typer.Option("--trust", help="Run the commands and use the endpoints that it names.")
]
Types = Annotated[list[str] | None, typer.Option("--type", help="Only these question types.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Only so many tasks, every type alike.")]
Epochs = Annotated[int, typer.Option(min=1, help="How often each task is asked.")]
Concurrency = Annotated[int, typer.Option(min=1, help="Episodes in flight.")]
Shard = Annotated[str | None, typer.Option(help="Only part i/n, by scene; see merge.")]
Skills = Annotated[str, typer.Option(help="none, seeds, or the folder of a snapshot.")]
Tools = Annotated[
    list[str] | None, typer.Option(help="Offer only these tools: detect,depth. Repeatable.")
]
Without = Annotated[
    list[str] | None, typer.Option(help="Offer every tool but these: scene,orient. Repeatable.")
]
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
    context: typer.Context,
    dataset: Dataset = "",
    planner: Planner = "program",
    workflow: Workflow = "",
    model: Model = "",
    base_url: BaseUrl = "",
    profile: Prompt = "",
    key_env: KeyEnv = "",
    price: Price = None,
    sampling: Sampling = None,
    meta: Meta = None,
    scenes: Scenes = 6,
    seed: Seed = 0,
    experts: Experts = None,
    preset: Preset = "perfect",
    out: Out = None,
    config: Config = None,
    repeated: From = None,
    trust: Trust = False,
    types: Types = None,
    limit: Limit = None,
    epochs: Epochs = 1,
    concurrency: Concurrency = 8,
    shard: Shard = None,
    skills: Skills = "none",
    tools: Tools = None,
    without: Without = None,
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
    from surveyor.compose.configuration import assignments, configured
    from surveyor.compose.session import Request, run_and_report
    from surveyor.compose.shards import launch

    chat: dict[str, object] = {
        "workflow": workflow,
        "model": model,
        "base_url": base_url,
        "profile": profile,
        "key_env": key_env,
        "price": assignments(price or (), "--price"),
        "sampling": assignments(sampling or (), "--sampling"),
    }
    given: dict[str, object] = {
        "dataset": dataset,
        "planner": planner,
        "types": tuple(types or ()),
        "limit": limit,
        "epochs": epochs,
        "concurrency": concurrency,
        "shard": shard or None,
        "skills": "" if skills == "none" else skills,
        "tools": tuple(tools or ()),
        "without": tuple(without or ()),
        "baseline": baseline,
        "corruption": corrupt or None,
        "embedder": embedder,
        "index": index,
        "memory": memory,
    }
    typed = {name: value for name, value in given.items() if _is_typed(context, name)}
    typed["planner_options"] = {k: v for k, v in chat.items() if _is_typed(context, k)}
    fresh = config is None and repeated is None
    if experts is None and (fresh or _is_typed(context, "preset")):
        typed["expert_options"] = {"preset": preset}
    settings = configured(config, repeated, typed, trusted=trust)
    if experts is not None:
        settings = settings.changed(expert_options={})  # the preset is that of experts we start
    request = Request(
        settings, meta, scenes, seed, experts, out, otel, repeated, cached=not no_cache
    )
    if shards is None:
        run_and_report(request)
    else:
        launch(request, shards, launcher)


def _is_typed(context: typer.Context, name: str) -> bool:
    """Whether an option (or the field that it sets) was really given, and is no default."""
    source = context.get_parameter_source({"corruption": "corrupt"}.get(name, name))
    return source is not None and source.name not in ("DEFAULT", "DEFAULT_MAP")
