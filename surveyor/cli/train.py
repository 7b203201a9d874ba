"""`surveyor train`: from logged trajectories to a model that plans."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Train models on logged trajectories.")

Out = Annotated[Path, typer.Argument(help="Folder to work in; the same one again resumes.")]
Runs = Annotated[list[Path] | None, typer.Option("--run", help="A run to learn from; repeatable.")]
Score = Annotated[float | None, typer.Option(min=0, max=1, help="Least score of an episode.")]
GuessFree = Annotated[bool, typer.Option(help="Leave out answers that rest on nothing seen.")]
Seed = Annotated[int, typer.Option(help="Seed of weights and order.")]


@app.command()
def rollouts(
    dataset: Annotated[Path, typer.Argument(help="A dataset of split train.")],
    out: Annotated[Path, typer.Argument(help="The run to make; the same one again resumes it.")],
    preset: Annotated[str, typer.Option(help="Reference experts' error model.")] = "perfect",
    drawn: Annotated[
        int | None, typer.Option(help="Seed of workflows drawn at random, a skill each.")
    ] = None,
    held_out: Annotated[bool, typer.Option(help="Draw from the numbers held out.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first tasks.")] = None,
) -> None:
    """Let the program planner play a dataset with reference experts in this process."""
    from surveyor.compose.training import roll_out

    roll_out(dataset, out, preset, drawn, held_out, limit)


@app.command()
def compact(
    out: Out,
    runs: Runs = None,
    steps: Annotated[int, typer.Option(min=1, help="Updates.")] = 3000,
    batch: Annotated[int, typer.Option(min=1, help="Episodes an update.")] = 8,
    rate: Annotated[float, typer.Option(help="Learning rate of the matrices.")] = 0.02,
    layers: Annotated[int, typer.Option(min=1, help="Layers of the network.")] = 4,
    width: Annotated[int, typer.Option(min=32, help="Width of the network.")] = 128,
    threads: Annotated[int, typer.Option(min=0, help="Threads; 0 leaves them alone.")] = 0,
    score: Score = None,
    guess_free: GuessFree = False,
    seed: Seed = 0,
) -> None:
    """Train a compact agent from scratch on runs of the program planner."""
    from surveyor.compose.training import train_compact_agent
    from surveyor.training.rows.filters import Filters

    settings: dict[str, object] = {
        "shape": {"layers": layers, "width": width, "inner": 3 * width},
        "steps": steps,
        "batch": batch,
        "rate": rate,
        "threads": threads,
        "seed": seed,
    }
    filters = Filters(score=score, guess_free=guess_free)
    train_compact_agent(out, runs or [], filters, settings)
