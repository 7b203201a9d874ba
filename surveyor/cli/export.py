"""`surveyor export`: a run in other programs' formats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.cli.verbs import Verbs
from surveyor.core.wording import many

if TYPE_CHECKING:
    from surveyor.training.rows.filters import Filters

app = typer.Typer(cls=Verbs, no_args_is_help=True, help="Write a run in another program's format.")


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
    print(f"{out}: {many(len(judged), 'sample')}")


Runs = Annotated[list[Path], typer.Option("--run", help="A run to take rows from; repeatable.")]
Out = Annotated[Path, typer.Argument(help="The folder to write; it appears whole or not at all.")]
Test = Annotated[
    list[Path] | None,
    typer.Option("--test", help="A dataset that must share no scene; repeatable."),
]
Split = Annotated[list[str] | None, typer.Option("--split", help="Splits to take (train).")]
Score = Annotated[float | None, typer.Option(min=0, max=1, help="Least score.")]
Effective = Annotated[float, typer.Option(min=0, max=1, help="Least share of effective calls.")]
GuessFree = Annotated[bool, typer.Option(help="Leave out answers that rest on nothing seen.")]
Longest = Annotated[int | None, typer.Option(min=1, help="Most characters of an episode.")]
Skill = Annotated[list[str] | None, typer.Option("--skill", help="Only with this skill.")]
Type = Annotated[list[str] | None, typer.Option("--type", help="Only this question type.")]
Without = Annotated[list[str] | None, typer.Option("--without-scene", help="Leave a scene out.")]
LayoutOption = Annotated[
    str, typer.Option(help="Episodes of programs as: conversation, own or apeiria (accounts).")
]
Images = Annotated[bool, typer.Option(help="Show the frames, for vision-language models.")]


@app.command()
def sft(
    out: Out,
    runs: Runs,
    dialect: Annotated[str, typer.Option(help="trl, swift or llama-factory.")] = "trl",
    test: Test = None,
    split: Split = None,
    score: Score = None,
    effective: Effective = 0.0,
    guess_free: GuessFree = False,
    longest: Longest = None,
    skill: Skill = None,
    types: Type = None,
    without: Without = None,
    images: Images = False,
    layout: LayoutOption = "conversation",
) -> None:
    """Write conversations for supervised fine-tuning, one an episode."""
    from surveyor.compose.export import Wanted, export_sft

    filters = _filters(score, effective, guess_free, longest, skill, types, without)
    export_sft(out, dialect, Wanted(runs, filters, test or [], split or ["train"], images, layout))


@app.command()
def preferences(
    out: Out,
    runs: Runs,
    test: Test = None,
    split: Split = None,
    score: Score = None,
    margin: Annotated[float, typer.Option(min=0, max=1, help="Least gap of scores.")] = 0.2,
    types: Type = None,
    without: Without = None,
    images: Images = False,
    layout: LayoutOption = "conversation",
) -> None:
    """Write pairs of a better and a worse episode of the same task and opening."""
    from surveyor.compose.export import Wanted, export_preferences

    filters = _filters(score, 0.0, False, None, None, types, without)
    wanted = Wanted(runs, filters, test or [], split or ["train"], images, layout)
    export_preferences(out, margin, wanted)


@app.command("pseudo-labels")
def pseudo_labels_(
    out: Out,
    runs: Runs,
    least: Annotated[float, typer.Option(min=0, max=1, help="Least confidence of a mask.")] = 0.5,
) -> None:
    """Write points with the labels that masks in space give them, to train on without any truth."""
    from surveyor.memory.runs import RunFolder
    from surveyor.training.points.pseudo_labels import pseudo_labels, write_pseudo_labels

    scenes = pseudo_labels([RunFolder.open(run) for run in runs], least)
    count = write_pseudo_labels(out, scenes, least)
    names = ", ".join(scenes[0].names)
    print(f"{out}: {count} labelled points of {many(len(scenes), 'scene')}: {names}")


@app.command()
def grpo(
    out: Out,
    runs: Runs,
    test: Test = None,
    split: Split = None,
    types: Type = None,
    without: Without = None,
    images: Images = False,
) -> None:
    """Write prompts for GRPO, with what earlier tries of each scored."""
    from surveyor.compose.export import Wanted, export_prompts

    filters = _filters(None, 0.0, False, None, None, types, without)
    export_prompts(out, Wanted(runs, filters, test or [], split or ["train"], images))


def _filters(
    score: float | None,
    effective: float,
    guess_free: bool,
    longest: int | None,
    skill: list[str] | None,
    types: list[str] | None,
    without: list[str] | None,
) -> Filters:
    from surveyor.training.rows.filters import Filters

    return Filters(
        score=score,
        effective=effective,
        guess_free=guess_free,
        longest=longest,
        skills=tuple(skill or ()),
        types=tuple(types or ()),
        without_scenes=tuple(without or ()),
    )
