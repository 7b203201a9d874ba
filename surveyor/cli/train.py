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


@app.command()
def sft(
    checkpoint: Annotated[Path, typer.Argument(help="A Qwen3 or Qwen3-VL checkpoint's folder.")],
    out: Out,
    data: Annotated[
        list[str] | None, typer.Option(help="FOLDER or FOLDER:WEIGHT of rows; repeatable.")
    ] = None,
    steps: Annotated[int, typer.Option(min=1, help="Updates.")] = 100,
    batch: Annotated[int, typer.Option(min=1, help="Episodes a device and step.")] = 1,
    accumulate: Annotated[int, typer.Option(min=1, help="Batches an update.")] = 8,
    rate: Annotated[float, typer.Option(help="Learning rate.")] = 1e-5,
    lora: Annotated[int, typer.Option(min=0, help="Rank of adapters; 0: all weights.")] = 0,
    length: Annotated[int | None, typer.Option(help="Most tokens of an episode.")] = None,
    logger: Annotated[
        list[str] | None, typer.Option(help="tensorboard, trackio or wandb; repeatable.")
    ] = None,
    seed: Seed = 0,
) -> None:
    """Fine-tune a checkpoint on exported conversations; the same command again resumes."""
    from surveyor.compose.tuning import fine_tune

    settings: dict[str, object] = {
        "steps": steps,
        "batch": batch,
        "accumulate": accumulate,
        "rate": rate,
        "lora": lora,
        "length": length,
        "loggers": tuple(logger or ()),
        "seed": seed,
    }
    fine_tune(checkpoint, data or [], out, settings)


@app.command()
def grpo(
    checkpoint: Annotated[Path, typer.Argument(help="A Qwen3 or Qwen3-VL checkpoint's folder.")],
    out: Out,
    prompts: Annotated[Path, typer.Option(help="Folder made by `export grpo`.")],
    dataset: Annotated[
        list[Path] | None, typer.Option(help="What the prompts were made from; repeatable.")
    ] = None,
    experts: Annotated[Path | None, typer.Option(help="Endpoints file of running experts.")] = None,
    preset: Annotated[str, typer.Option(help="Reference experts' error model.")] = "realistic",
    steps: Annotated[int, typer.Option(min=1, help="Updates.")] = 100,
    group: Annotated[int, typer.Option(min=2, help="Rollouts a prompt.")] = 8,
    rate: Annotated[float, typer.Option(help="Learning rate.")] = 1e-6,
    completion: Annotated[int, typer.Option(help="Most tokens after the prompt.")] = 2048,
    turns: Annotated[int, typer.Option(min=1, help="Most turns of calls.")] = 12,
    lora: Annotated[int, typer.Option(min=0, help="Rank of adapters; 0: all weights.")] = 0,
    vllm: Annotated[bool, typer.Option(help="Generate with vLLM in this process.")] = False,
    logger: Annotated[
        list[str] | None, typer.Option(help="tensorboard, trackio or wandb; repeatable.")
    ] = None,
    seed: Seed = 0,
) -> None:
    """Reinforce a checkpoint by the rewards of its own episodes with the real tools."""
    from surveyor.compose.tuning import reinforce

    settings: dict[str, object] = {
        "steps": steps,
        "group": group,
        "rate": rate,
        "completion": completion,
        "turns": turns,
        "lora": lora,
        "vllm": vllm,
        "loggers": tuple(logger or ()),
        "seed": seed,
    }
    reinforce(checkpoint, prompts, dataset or [], out, experts, preset, settings)


@app.command()
def geometry(
    checkpoint: Annotated[Path, typer.Argument(help="A Qwen3 checkpoint's folder.")],
    out: Out,
    data: Annotated[
        list[str] | None,
        typer.Option(help="FOLDER or FOLDER:WEIGHT of records, as qa:0.7; repeatable."),
    ] = None,
    features: Annotated[str, typer.Option(help="vggt, or tiny to try the road.")] = "vggt",
    steps: Annotated[int, typer.Option(min=1, help="Updates.")] = 1000,
    batch: Annotated[int, typer.Option(min=1, help="Records an update.")] = 6,
    rate: Annotated[float, typer.Option(help="The language model's rate; 0: frozen.")] = 5e-6,
    projector_rate: Annotated[float, typer.Option(help="The projector's rate.")] = 1e-4,
    dropout: Annotated[float, typer.Option(help="Share of views left out of a record.")] = 0.3,
    latents: Annotated[int, typer.Option(min=1, help="Vectors that tell of the views.")] = 128,
    width: Annotated[int, typer.Option(min=8, help="Width of the projector.")] = 512,
    layers: Annotated[int, typer.Option(min=1, help="Layers of the projector.")] = 6,
    split: Annotated[list[str] | None, typer.Option(help="What may be trained on.")] = None,
    seed: Seed = 0,
) -> None:
    """Train a projector from views and geometry to a language model; again resumes."""
    from surveyor.compose.geometry import project

    settings: dict[str, object] = {
        "features": features,
        "steps": steps,
        "batch": batch,
        "rate": rate,
        "projector_rate": projector_rate,
        "dropout": dropout,
        "latents": latents,
        "width": width,
        "layers": layers,
        "splits": tuple(split or ("train",)),
        "seed": seed,
    }
    project(checkpoint, data or [], out, settings)


@app.command()
def answer(
    model: Annotated[Path, typer.Argument(help="The model's folder, of `train geometry`.")],
    data: Annotated[Path, typer.Argument(help="Folder of records.")],
    out: Annotated[Path, typer.Argument(help="Predictions to write, .jsonl.")],
    constrained: Annotated[
        bool, typer.Option(help="Decode anchors under the form of an action.")
    ] = True,
) -> None:
    """Let a trained projector and its language model answer records, for `surveyor score`."""
    from surveyor.compose.geometry import answer_records

    answer_records(model, data, out, constrained=constrained)


@app.command()
def watch(
    run: Annotated[Path, typer.Argument(help="Folder of a training.")],
    follow: Annotated[bool, typer.Option(help="Go on until Ctrl-C.")] = True,
) -> None:
    """Show a training's loss, rewards and speed as they come."""
    from surveyor.compose.tuning import watch as show

    show(run, follow)
