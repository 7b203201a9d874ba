"""`surveyor evolve`: learn skills from training rollouts, round by round."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()

Datasets = Annotated[list[Path] | None, typer.Argument(help="Datasets of split train.")]
Also = Annotated[list[Path] | None, typer.Option("--dataset", hidden=True)]
Planner = Annotated[str, typer.Option(help="Who plays: program or chat.")]
Model = Annotated[str, typer.Option(help="Model name for the chat planner or distiller.")]
BaseUrl = Annotated[str, typer.Option(help="OpenAI-compatible endpoint of that model.")]
Experts = Annotated[Path | None, typer.Option(help="Endpoints file of running experts.")]
Distiller = Annotated[str, typer.Option(help="Who words what was found: rules or chat.")]
Runs = Annotated[
    list[Path] | None,
    typer.Option("--from", help="Learn from a finished run instead of exploring; repeatable."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Print the bill and play nothing.")]
Rounds = Annotated[int, typer.Option(min=1, help="How many rounds; each gate needs fresh rooms.")]
Library = Annotated[Path, typer.Option(help="Folder of the library.")]
Builtin = Annotated[bool, typer.Option("--builtin", help="Start from the builtin skills.")]
Preset = Annotated[str, typer.Option(help="Reference experts' error model, if none run.")]
Seed = Annotated[int, typer.Option(help="Seed of the rooms' order and of experts' errors.")]


@app.command()
def evolve(
    datasets: Datasets = None,
    also: Also = None,
    planner: Planner = "program",
    model: Model = "",
    base_url: BaseUrl = "",
    experts: Experts = None,
    distiller: Distiller = "rules",
    runs: Runs = None,
    dry_run: DryRun = False,
    rounds: Rounds = 1,
    library: Library = Path("out/library"),
    builtin: Builtin = False,
    preset: Preset = "realistic",
    seed: Seed = 0,
) -> None:
    """Roll out, distil, gate and snapshot; interrupt and repeat at will.

    Skills are learned from some rooms and judged on others; a run on any of them is refused.
    """
    from surveyor.agent.chat.config import ChatConfig
    from surveyor.compose.evolve import EvolveRequest, evolve_library
    from surveyor.training.evolution.records import EvolveSettings

    where = {"base_url": base_url} if base_url else {}
    request = EvolveRequest(
        datasets=(*(datasets or ()), *(also or ())),
        library=library,
        settings=EvolveSettings(rounds=rounds, seed=seed, builtin=builtin),
        planner=planner,
        chat=ChatConfig(model=model, **where) if model else None,
        experts=experts,
        distiller=distiller,
        runs=tuple(runs or ()),
        preset=preset,
    )
    evolve_library(request, dry_run=dry_run)
