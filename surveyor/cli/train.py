"""`surveyor train`: from logged trajectories to a model that plans."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from surveyor.cli.verbs import Verbs

app = typer.Typer(cls=Verbs, no_args_is_help=True, help="Train models on logged trajectories.")


def _place(out: Path) -> Path:
    from surveyor.benchmarks.run.preflight import check_place

    check_place(out, "choose another folder")
    return out


Out = Annotated[
    Path, typer.Argument(help="Folder to work in; the same one again resumes.", callback=_place)
]
Runs = Annotated[list[Path] | None, typer.Option("--run", help="A run to learn from; repeatable.")]
Score = Annotated[float | None, typer.Option(min=0, max=1, help="Least score of an episode.")]
GuessFree = Annotated[bool, typer.Option(help="Leave out answers that rest on nothing seen.")]
Seed = Annotated[int, typer.Option(help="Seed of weights and order.")]
Checkpoint = Annotated[Path, typer.Argument(help="A Qwen3 or Qwen3-VL checkpoint's folder.")]
Steps = Annotated[int, typer.Option(min=1, help="Updates.")]
Rate = Annotated[float, typer.Option(help="Learning rate.")]
Lora = Annotated[int, typer.Option(min=0, help="Rank of adapters; 0: all weights.")]
Data = Annotated[
    list[str] | None, typer.Option(help="FOLDER or FOLDER:WEIGHT of rows; repeatable.")
]
Loggers = Annotated[
    list[str] | None, typer.Option("--logger", help="tensorboard, trackio or wandb; repeatable.")
]
Reward = Annotated[
    list[str] | None,
    typer.Option(help="A part of the reward, NAME or NAME:WEIGHT; repeatable. All by default."),
]
Type = Annotated[
    list[str] | None, typer.Option("--type", help="Only this question type; repeatable.")
]
Preset = Annotated[str, typer.Option(help="Reference experts' error model.")]


def _settings(given: Mapping[str, Any], *names: str, **more: object) -> dict[str, object]:
    """Options under the names of the settings' fields."""
    return {**{name: given[name] for name in names}, **more}


@app.command()
def rollouts(
    dataset: Annotated[Path, typer.Argument(help="A dataset of split train.")],
    out: Annotated[
        Path,
        typer.Argument(help="The run to make; the same one again resumes it.", callback=_place),
    ],
    preset: Preset = "perfect",
    drawn: Annotated[
        int | None, typer.Option(help="Seed of workflows drawn at random, a skill each.")
    ] = None,
    held_out: Annotated[bool, typer.Option(help="Draw from the numbers held out.")] = False,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first tasks.")] = None,
    written: Annotated[
        bool, typer.Option(help="Compute by the tool `program` on the table of objects.")
    ] = False,
    types: Type = None,
) -> None:
    """Let the program planner play a dataset with reference experts in this process."""
    from surveyor.compose.training import roll_out

    roll_out(dataset, out, preset, drawn, held_out, limit, written, types or ())


@app.command()
def compact(
    out: Out,
    runs: Runs = None,
    steps: Steps = 3000,
    batch: Annotated[int, typer.Option(min=1, help="Episodes an update.")] = 8,
    rate: Annotated[float, typer.Option(help="Learning rate of the matrices.")] = 0.02,
    layers: Annotated[int, typer.Option(min=1, help="Layers of the network.")] = 4,
    width: Annotated[int, typer.Option(min=32, help="Width of the network.")] = 128,
    reworded: Annotated[
        float, typer.Option(min=0, max=8, help="How often episodes are also told in other words.")
    ] = 3.0,
    beginnings: Annotated[
        float,
        typer.Option(min=0, max=32, help="How often in yet other words, up to the first call."),
    ] = 12.0,
    strange: Annotated[
        float, typer.Option(min=0, max=1, help="Share with made-up words in their question.")
    ] = 0.15,
    untold: Annotated[
        float, typer.Option(min=0, max=1, help="Share of skilled episodes told without the skill.")
    ] = 0.0,
    permuted: Annotated[
        float, typer.Option(min=0, max=1, help="Share whose name slots are permuted.")
    ] = 0.2,
    threads: Annotated[int, typer.Option(min=0, help="Threads; 0 leaves them alone.")] = 0,
    start: Annotated[
        Path | None, typer.Option(help="An agent's folder to go on from, instead of from scratch.")
    ] = None,
    test: Annotated[
        list[Path] | None, typer.Option(help="A dataset kept for testing; repeatable.")
    ] = None,
    score: Score = None,
    guess_free: GuessFree = False,
    seed: Seed = 0,
) -> None:
    """Train a compact agent from scratch on runs of the program planner."""
    from surveyor.compose.training import Retelling, train_compact_agent
    from surveyor.training.rows.filters import Filters

    shape = {"layers": layers, "width": width, "inner": 3 * width}
    named = ("steps", "batch", "rate", "permuted", "threads", "seed")
    settings = _settings(locals(), *named, shape=shape)
    filters = Filters(score=score, guess_free=guess_free)
    retelling = Retelling(reworded, beginnings, untold, strange)
    train_compact_agent(out, runs or [], filters, settings, retelling, start, test or ())


@app.command()
def reinforce(
    agent: Annotated[Path, typer.Argument(help="A compact agent's folder.")],
    out: Annotated[Path, typer.Argument(help="Folder to work in.", callback=_place)],
    dataset: Annotated[Path, typer.Option(help="Tasks to play; a dataset of split train.")],
    preset: Preset = "perfect",
    steps: Steps = 30,
    groups: Annotated[int, typer.Option(min=1, help="Tasks an update.")] = 4,
    group: Annotated[int, typer.Option(min=2, help="Episodes a task.")] = 8,
    rate: Rate = 1e-4,
    temperature: Annotated[float, typer.Option(help="Of sampling.")] = 1.0,
    price: Annotated[
        float | None, typer.Option(min=0, help="Reward score less PRICE a second of experts.")
    ] = None,
    reward: Reward = None,
    types: Type = None,
    seed: Seed = 0,
) -> None:
    """Reinforce a compact agent by its own episodes with reference experts in this process."""
    from surveyor.compose.training import reinforce_agent
    from surveyor.training.rewards.parts import weights_of

    settings = _settings(
        locals(),
        "steps",
        "groups",
        "group",
        "rate",
        "temperature",
        "price",
        "seed",
        weights=weights_of(reward or ()),
    )
    reinforce_agent(agent, dataset, out, preset, settings, types or ())


@app.command()
def sft(
    checkpoint: Checkpoint,
    out: Out,
    data: Data = None,
    steps: Steps = 100,
    batch: Annotated[int, typer.Option(min=1, help="Episodes a device and step.")] = 1,
    accumulate: Annotated[int, typer.Option(min=1, help="Batches an update.")] = 8,
    rate: Rate = 1e-5,
    lora: Lora = 0,
    length: Annotated[int | None, typer.Option(help="Most tokens of an episode.")] = None,
    loss: Annotated[str, typer.Option(help="nll, or dft: Dynamic Fine-Tuning.")] = "nll",
    loggers: Loggers = None,
    seed: Seed = 0,
) -> None:
    """Fine-tune a checkpoint on exported conversations; the same command again resumes."""
    from surveyor.compose.tuning import fine_tune

    settings = _settings(
        locals(),
        "steps",
        "batch",
        "accumulate",
        "rate",
        "lora",
        "length",
        "loss",
        "seed",
        loggers=loggers or (),
    )
    fine_tune(checkpoint, data or [], out, settings)


@app.command()
def grpo(
    checkpoint: Checkpoint,
    out: Out,
    prompts: Annotated[Path, typer.Option(help="Folder made by `export grpo`.")],
    dataset: Annotated[
        list[Path] | None, typer.Option(help="What the prompts were made from; repeatable.")
    ] = None,
    experts: Annotated[Path | None, typer.Option(help="Endpoints file of running experts.")] = None,
    preset: Preset = "realistic",
    steps: Steps = 100,
    group: Annotated[int, typer.Option(min=2, help="Rollouts a prompt.")] = 8,
    rate: Rate = 1e-6,
    completion: Annotated[int, typer.Option(help="Most tokens after the prompt.")] = 2048,
    turns: Annotated[int, typer.Option(min=1, help="Most turns of calls.")] = 12,
    lora: Lora = 0,
    vllm: Annotated[bool, typer.Option(help="Generate with vLLM in this process.")] = False,
    reward: Reward = None,
    loggers: Loggers = None,
    seed: Seed = 0,
) -> None:
    """Reinforce a checkpoint by the rewards of its own episodes with the real tools."""
    from surveyor.compose.tuning import reinforce
    from surveyor.training.rewards.parts import weights_of

    settings = _settings(
        locals(),
        "steps",
        "group",
        "rate",
        "completion",
        "turns",
        "lora",
        "vllm",
        "seed",
        loggers=loggers or (),
        weights=weights_of(reward or ()),
    )
    reinforce(checkpoint, prompts, dataset or [], out, experts, preset, settings)


@app.command()
def probe(
    checkpoint: Checkpoint,
    data: Data = None,
    wanted: Annotated[int, typer.Option(min=1, help="Episodes an update, over all devices.")] = 8,
    devices: Annotated[int, typer.Option(min=1, help="Devices that train together.")] = 1,
    lora: Lora = 0,
) -> None:
    """Say which --batch and --accumulate fit this machine's memory, measured with long rows."""
    from surveyor.compose.tuning import probe_memory

    probe_memory(checkpoint, data or [], wanted, devices, lora)


@app.command()
def job(
    config: Annotated[Path, typer.Argument(help="TOML: command, nodes, gpus, sharding, ...")],
    shown: Annotated[bool, typer.Option("--print", help="Show both files, write none.")] = False,
    out: Annotated[Path, typer.Option(help="Folder for job.sh and accelerate.yaml.")] = Path(),
) -> None:
    """Make a SLURM job and accelerate's configuration, for one node or many, from one file."""
    from surveyor.compose.tuning import make_job

    make_job(config, None if shown else out)


@app.command()
def merge(
    checkpoint: Annotated[Path, typer.Argument(help="A checkpoint whose weights are in pieces.")],
    out: Annotated[
        Path, typer.Argument(help="Folder to make; anything can load it.", callback=_place)
    ],
) -> None:
    """Put the weights of a sharded checkpoint (FSDP, numbered files) into one file."""
    from surveyor.training.operations.shards import merge_shards

    typer.echo(f"{merge_shards(checkpoint, out)}: serve it with `surveyor serve-model`")


@app.command()
def geometry(
    checkpoint: Checkpoint,
    out: Out,
    data: Data = None,
    features: Annotated[str, typer.Option(help="vggt, or tiny to try the road.")] = "vggt",
    steps: Steps = 1000,
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

    settings = _settings(
        locals(),
        "features",
        "steps",
        "batch",
        "rate",
        "projector_rate",
        "dropout",
        "latents",
        "width",
        "layers",
        "seed",
        splits=tuple(split or ("train",)),
    )
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


@app.command()
def points(
    labels: Annotated[Path, typer.Argument(help="A folder of surveyor export pseudo-labels.")],
    out: Annotated[Path, typer.Argument(help="The folder to make.", callback=_place)],
    start: Annotated[Path | None, typer.Option(help="A probe to fine-tune.")] = None,
    held_out: Annotated[
        list[str] | None, typer.Option("--hold-out", help="A scene to score on; repeatable.")
    ] = None,
    embedder: Annotated[
        str, typer.Option(help="lexical, minilm or a sentence encoder, of class names.")
    ] = "lexical",
) -> None:
    """Fit a small model that names points from masks alone; seconds on a CPU."""
    from surveyor.compose.points import train_points

    for line in train_points(labels, out, start, held_out or (), embedder):
        print(line)
