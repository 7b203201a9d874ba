"""Putting training together: runs with their datasets and skills, rows, models, servers."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

from surveyor.agent.chat.capabilities import Capabilities
from surveyor.benchmarks.run.config import RunConfig
from surveyor.benchmarks.run.preflight import check_place
from surveyor.benchmarks.run.progress import PlainLines
from surveyor.benchmarks.run.schedule import select
from surveyor.compose.run import default_cache
from surveyor.core.dataset import Dataset
from surveyor.core.errors import InfrastructureError, UserError
from surveyor.core.tasks import Task
from surveyor.core.wording import many
from surveyor.memory.events import SkillsRetrieved
from surveyor.memory.runs import RunFolder
from surveyor.skills.entries import RetrievedSkill
from surveyor.skills.snapshot import find_snapshot, open_snapshot
from surveyor.training.compact.drawing import PREFIX, name_of, skill_for
from surveyor.training.rows.accounts import Layout
from surveyor.training.rows.filters import Filters, chosen
from surveyor.training.rows.guard import Apart, guarded, refuse_test
from surveyor.training.rows.records import Chat, Row
from surveyor.training.rows.source import RunSource, SkillTexts

WORK = Path("out") / "training"


def source_of(
    run: Path,
    capabilities: Capabilities,
    *,
    reasoning: bool = True,
    layout: Layout = Layout.CONVERSATION,
) -> RunSource:
    """A run with the dataset that it names and the skills that it used."""
    folder = RunFolder.open(run)
    dataset = Path(str(folder.record.config.get("dataset", "")))
    if not dataset.is_dir():
        raise UserError(
            f"the dataset of {run} is not at {dataset}, seen from this folder; put it back, or "
            "start where the run was started"
        )
    texts = skill_texts(folder)
    return RunSource(folder, Dataset.open(dataset), texts, capabilities, reasoning, layout)


def rows_of(
    runs: Sequence[Path], filters: Filters, capabilities: Capabilities, *, reasoning: bool = True
) -> Iterator[Row]:
    """The rows of several runs that pass; one at a time."""
    if not runs:
        raise UserError("name at least one run to train on with --run")
    for run in runs:
        yield from chosen(source_of(run, capabilities, reasoning=reasoning).rows(), filters)


def skill_texts(folder: RunFolder) -> SkillTexts:
    """How the skills of a run's episodes are found in full."""

    def drawn(task: Task, event: SkillsRetrieved) -> tuple[RetrievedSkill, ...]:
        skill = skill_for(event.snapshot, task.id)
        return (skill,) if skill is not None else ()

    @cache  # a snapshot is named by its content, and opening one reads all of it
    def document(snapshot: str, skill: str) -> RetrievedSkill:
        with open_snapshot(_snapshot(folder, snapshot)).store as store:
            found = store.find(skill).document
        return RetrievedSkill(found.name, found.version, found.text, found.workflow)

    def kept(task: Task, event: SkillsRetrieved) -> tuple[RetrievedSkill, ...]:
        used = [one.skill for one in event.candidates if one.used]
        return tuple(document(event.snapshot, skill) for skill in used)

    def either(task: Task, event: SkillsRetrieved) -> tuple[RetrievedSkill, ...]:
        return (drawn if event.snapshot.startswith(PREFIX) else kept)(task, event)

    return either


def _snapshot(folder: RunFolder, name: str) -> Path:
    given = Path(str(folder.record.config.get("skills", "")))
    if given.is_dir():
        return given
    return find_snapshot(default_cache() / "seeds" / "snapshots", name)


def roll_out(
    dataset: Path,
    out: Path,
    preset: str,
    drawn: int | None,
    held_out: bool,
    limit: int | None,
    written: bool = False,
    types: Sequence[str] = (),
) -> None:
    """The `train rollouts` verb: the teacher plays a dataset, with drawn skills or without;
    ``written``: it writes programs for the tool `program`."""
    from surveyor.agent.program.tool import program_tool
    from surveyor.services.reference.presets import preset as preset_of
    from surveyor.training.compact.programs import ProgramWriter
    from surveyor.training.compact.rollouts import play_run

    preset_of(preset)  # named in a sentence before anything is made
    config = RunConfig(
        dataset=str(dataset),
        skills="" if drawn is None else name_of(drawn, held_out=held_out),
        expert_options={"preset": preset},
        limit=limit,
        types=tuple(types),
        tools=("all", "program") if written else (),
    )
    planner, tools = (ProgramWriter(), [program_tool()]) if written else (None, [])
    work, told = _work(dataset, preset), [PlainLines(sys.stderr)]
    run, summary = asyncio.run(play_run(out, dataset, work, config, planner, told, tools))
    if summary.interrupted:
        raise KeyboardInterrupt(summary.saved(out))
    if not summary.complete:
        raise InfrastructureError(
            f"{many(summary.progress.left, 'episode')} left incomplete "
            f"({summary.progress.last_error}); run the same command again to complete them"
        )
    scores = [score.value for score in run.results()]
    print(f"{out}: {many(len(scores), 'episode')}, score {sum(scores) / len(scores):.3f}")


def _work(dataset: Path, preset: str) -> Path:
    """Where reference experts in this process keep what they are asked; `UserError` where they
    cannot."""
    work = WORK / "experts" / f"{dataset.name}-{preset}"
    check_place(work, "start in another folder")
    return work


@dataclass(frozen=True, slots=True)
class Retelling:
    """How episodes are told to a compact agent besides as they were.

    ``reworded`` is how often with the question in other words, ``beginnings`` how often in yet
    others up to the first call, ``untold`` the share of those with a skill that are told without
    it, ``strange`` the share whose question has made-up words in it.
    """

    reworded: float = 0.0
    beginnings: float = 0.0
    untold: float = 0.0
    strange: float = 0.0


AS_THEY_WERE = Retelling()


def train_compact_agent(
    out: Path,
    runs: Sequence[Path],
    filters: Filters,
    settings: dict[str, object],
    retelling: Retelling = AS_THEY_WERE,
    start: Path | None = None,
    test: Sequence[Path] = (),
) -> None:
    """The `train compact` verb, from scratch or on an agent to ``start`` with.

    Only runs on split train are learnt from, and no scene of a ``test`` dataset.
    """
    from surveyor.core.wording import first_problem
    from surveyor.training.compact.language import template_words
    from surveyor.training.compact.needs import with_need
    from surveyor.training.compact.programs import program_words
    from surveyor.training.compact.sequences import sequences
    from surveyor.training.compact.train import CompactSettings, train_compact
    from surveyor.training.compact.vocabulary import Vocabulary

    try:
        wanted = CompactSettings.model_validate(settings)
    except ValueError as error:
        raise UserError(f"train compact: {first_problem(error)}") from None  # type: ignore[arg-type]
    if (out / "model").exists():
        raise UserError(f"{out} holds an agent whose training is done; choose another folder")
    blind = Capabilities(images=False)
    given = rows_of(runs, filters, blind, reasoning=False)
    rows = list(guarded(given, Apart.of(test)))
    if not rows:
        raise UserError("no episode is left to train on; loosen the filters, or roll out more")
    rows = [_changed(row, with_need) for row in _untold(rows, retelling.untold, wanted.seed)]
    told_by = [row.messages for row in rows]
    words = template_words(told_by) | program_words(told_by)
    vocabulary = Vocabulary.of(words | set(Vocabulary.load(start).words if start else ()))
    rows = _retold(rows, retelling, vocabulary.known, wanted.seed)
    scenes = sorted({row.scene_id for row in rows})
    apart = set(scenes[:: max(2, len(scenes) // 3)]) if len(scenes) > 3 else set()
    longest = wanted.shape.longest
    data = list(sequences([r for r in rows if r.scene_id not in apart], vocabulary, longest))
    measured = list(sequences([r for r in rows if r.scene_id in apart], vocabulary, longest))
    print(
        f"{many(len(data), 'episode')} to train on, {len(measured)} held out, of {len(rows)}",
        flush=True,
    )

    def told(row: dict[str, float]) -> None:
        print(
            f"step {row['step']:.0f} of {wanted.steps}  loss {row['loss']:.4f}  own tokens right "
            f"{row['accuracy']:.3f}  {row['tokens_per_second']:.0f} tokens/s  "
            f"{row['seconds_left'] / 60:.1f} min left",
            flush=True,
        )

    model = train_compact(data, measured, vocabulary, out, wanted, told, start)
    summary = json.loads((model / "training.json").read_text())
    print(f"{model}: {summary['parameters']} parameters, held-out {_percent(summary)} right")


def _untold(rows: Sequence[Row], share: float, seed: int) -> list[Row]:
    from surveyor.training.compact.language import without_skill

    def told(row: Row) -> Row:
        if not row.skills or random.Random(f"{seed}/{row.workflow}/{row.key}").random() >= share:
            return row
        return replace(row, messages=without_skill(row.messages))

    return [told(row) for row in rows]


def reinforce_agent(
    agent: Path,
    dataset: Path,
    out: Path,
    preset: str,
    settings: dict[str, object],
    types: Sequence[str] = (),
) -> None:
    """The `train reinforce` verb: GRPO with reference experts in this process, on the tasks of
    these question types, or all."""
    from surveyor.agent.program.tool import PROGRAM, program_tool
    from surveyor.core.wording import first_problem
    from surveyor.tools.builtin import default_tools
    from surveyor.tools.registry import Registry
    from surveyor.training.compact.episodes import Episodes
    from surveyor.training.compact.reinforce import ReinforceSettings, reinforce
    from surveyor.training.compact.vocabulary import Vocabulary
    from surveyor.training.evolution.inprocess_experts import experts_in_process
    from surveyor.training.evolution.scoring import Scorer

    try:
        wanted = ReinforceSettings.model_validate(settings)
    except ValueError as error:
        raise UserError(f"train reinforce: {first_problem(error)}") from None  # type: ignore[arg-type]
    refuse_test([dataset])
    chosen = RunConfig(dataset=str(dataset), types=tuple(types))
    tasks = tuple(select(Dataset.open(dataset).tasks(), chosen))

    def told(row: Mapping[str, float]) -> None:
        print(
            f"step {row['step']:.0f} of {wanted.steps}  reward {row['reward']:.3f}  score "
            f"{row['score']:.3f}  seconds {row['seconds']:.1f}  learnt from "
            f"{row['learnt_from']:.0f} stretches",
            flush=True,
        )

    async def play() -> Path:
        async with (
            experts_in_process([dataset], _work(dataset, preset), preset=preset) as client,
            Scorer([dataset]) as scorer,
        ):
            known = Vocabulary.load(agent).known
            tools = [program_tool()] if PROGRAM in known else []
            registry = Registry([*default_tools(), *tools])
            episodes = Episodes(client, scorer, registry=registry)
            return await reinforce(agent, tasks, episodes, out, wanted, told)

    print(f"{asyncio.run(play())}: its rewards are drawn in {out / 'curve.svg'}")


def _changed(row: Row, change: Callable[[tuple[Chat, ...]], tuple[Chat, ...]]) -> Row:
    return replace(row, messages=change(row.messages))


def _retold(
    rows: Sequence[Row], retelling: Retelling, known: frozenset[str], seed: int
) -> list[Row]:
    from surveyor.training.compact.needs import beginning

    told_again = _in_other_words(rows, retelling.reworded, seed)
    begun = _in_other_words(rows, retelling.beginnings, seed + 1)
    every = [*rows, *told_again, *(_changed(row, beginning) for row in begun)]
    return _with_strange_words(every, retelling.strange, known, seed)


def _in_other_words(rows: Sequence[Row], times: float, seed: int) -> list[Row]:
    from surveyor.training.compact.wordings import in_other_words

    told = []
    for row in rows:
        dice = random.Random(f"{seed}/{row.planner}/{row.workflow}/{row.key}")
        for _ in range(int(times) + (dice.random() < times % 1)):
            told.append(_changed(row, partial(in_other_words, dice=dice)))
    return told


def _with_strange_words(
    rows: Sequence[Row], share: float, known: frozenset[str], seed: int
) -> list[Row]:
    from surveyor.training.compact.wordings import with_strange_words

    dice = random.Random(f"{seed}/strange")
    return [
        replace(row, messages=with_strange_words(row.messages, known, dice))
        if dice.random() < share
        else row
        for row in rows
    ]


def _percent(summary: dict[str, object]) -> str:
    return f"{100 * float(str(summary['held_out_accuracy'])):.2f} % of own tokens"


def serve_folder(folder: Path, host: str, port: int, name: str) -> None:
    """The `serve-model` verb: until Ctrl-C."""
    import uvicorn

    from surveyor.training.serving.app import build_server
    from surveyor.training.serving.load import backend_of

    app = build_server(backend_of(folder), name or folder.name)
    print(f"serving {name or folder.name} at http://{host}:{port}/v1", flush=True)
    uvicorn.run(app, host=host, port=port, log_level="warning")
