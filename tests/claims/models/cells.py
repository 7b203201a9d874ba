"""Cells of code: a scripted chat model that acts in them, beside typed calls."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from surveyor.agent.cells.host import CellBounds, KernelProcess
from surveyor.agent.cells.tool import CELL, cell_tool
from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.agent.limits import Limits
from surveyor.agent.loop import run_episode
from surveyor.agent.planner import Planner
from surveyor.agent.program.planner import ProgramPlanner
from surveyor.agent.replay import ReplayPlanner
from surveyor.agent.survey.offer import offered
from surveyor.core.tasks import Task
from surveyor.memory.episodes import Episode, fold
from surveyor.memory.events import Answer, ToolCall, ToolOutcome
from surveyor.memory.log import EventList
from surveyor.tools.builtin import default_tools
from surveyor.tools.experts import ExpertClient
from surveyor.tools.registry import Registry
from surveyor.tools.workspace import Workspace
from surveyor.training.evolution.cases import load_cases
from surveyor.training.evolution.inprocess_experts import experts_in_process
from surveyor.training.evolution.scoring import Scorer
from tests.claims.claim import Claim
from tests.claims.models.coder import coding
from tests.claims.models.survey import SKILL
from tests.support.cell_stage import cell_stage
from tests.support.escapes import ATTEMPTS
from tests.support.mock_endpoint import RehearsalServer

REPLAYED = 20
"""Every so many-th episode is replayed."""


@dataclass(frozen=True, slots=True)
class Coded:
    """One question by typed calls and by cells: answers, scores, and how the cells went; ``alike``
    says whether a replay gave the same log, where one was made."""

    typed: tuple[str | None, float]
    cells: tuple[str | None, float]
    overheads: tuple[float, ...]
    number: int
    alike: bool | None = None


def coder(url: str) -> ChatPlanner:
    """A chat planner that speaks the code dialect to a scripted model."""
    capabilities = {"images": False, "dialect": "code"}
    return ChatPlanner(ChatConfig(model="coding", base_url=url, capabilities=capabilities), ())


async def episode_of(task: Task, planner: Planner, client: ExpertClient, *, cells: bool) -> Episode:
    """One attempt at a task, with cells or with single typed calls."""
    named = ("measure",) if cells else ()
    tools = offered(frames=True, named=named, survey=False)
    registry = Registry(tools)
    if cells:
        registry = Registry((*tools, cell_tool(tools)), inner=default_tools())
    log = EventList()
    limits = Limits(turns=60, tool_calls=400)
    await run_episode(task, planner, registry, Workspace(task, client), log, limits, (SKILL,))
    episode = fold(log)
    assert episode is not None
    return episode


async def coded(folder: Path, datasets: Sequence[Path], limit: int) -> Mapping[str, Coded]:
    """What both ways made of every question."""
    found = {}
    with RehearsalServer(coding, keep=False) as server:
        async with (
            experts_in_process(datasets, folder, preset="perfect") as client,
            Scorer(datasets) as scorer,
            coder(server.url) as chat,
        ):
            cases = islice(load_cases(datasets, split="test"), limit)
            for number, case in enumerate(cases):
                typed = await episode_of(case.task, ProgramPlanner(), client, cells=False)
                cells = await episode_of(case.task, chat, client, cells=True)
                again = None
                if number % REPLAYED == 0:
                    replay = ReplayPlanner(lambda _task, done=cells: done)  # type: ignore[misc]
                    played = await episode_of(case.task, replay, client, cells=True)
                    again = essence(cells) == essence(played)
                scores = [await scorer.score(case.id, one.answer) for one in (typed, cells)]
                found[case.id] = Coded(
                    (typed.answer, scores[0].score),
                    (cells.answer, scores[1].score),
                    overheads(cells),
                    sum(call.name == CELL for call in cells.calls),
                    again,
                )
    return found


def essence(episode: Episode) -> list[object]:
    """What has to be the same in a replay: calls, outcomes, answers, in order, without clocks."""
    drop = {"t", "mono", "seq", "elapsed", "cost", "cached", "expert_calls", "notes"}
    kinds = (ToolCall, ToolOutcome, Answer)
    return [one.model_dump(exclude=drop) for one in episode.events if isinstance(one, kinds)]


def overheads(episode: Episode) -> tuple[float, ...]:
    """Seconds of each cell beyond the tools that it called; the first holds the kernel's start."""
    took: dict[str, float] = {}
    parents = {call.call_id: call.parent for call in episode.calls}
    for outcome in episode.outcomes:
        if outcome.name == CELL:
            took[outcome.call_id] = took.get(outcome.call_id, 0.0) + outcome.elapsed
        elif (parent := parents[outcome.call_id]) and parents.get(parent) == "":
            took[parent] = took.get(parent, 0.0) - outcome.elapsed
    return tuple(took[call.call_id] for call in episode.calls if call.name == CELL)


def parity(found: Mapping[str, Coded]) -> Iterator[Claim]:
    """Rows of both ways' outcomes."""
    rows = list(found.values())
    apart = max(abs(one.typed[1] - one.cells[1]) for one in rows)
    mean = 100 * statistics.fmean(one.cells[1] for one in rows)
    other = sum(one.typed[0] != one.cells[0] for one in rows)
    note = f"{len(rows)} questions, mean score {mean:.1f}"
    yield Claim.at_most("cells: answers that differ from typed calls'", other, 0, note)
    yield Claim.at_most("cells: score of any question, less typed calls'", apart, 1e-9, note)
    later = [1000 * one for row in rows for one in row.overheads[1:]]
    first = [1000 * row.overheads[0] for row in rows]
    each = f"{statistics.fmean(row.number for row in rows):.2f} cells a question, start of a kernel"
    yield Claim.at_most(
        "cells: overhead of a cell in ms, median",
        statistics.median(later),
        30,
        f"{each} {statistics.median(first):.0f} ms once a question",
    )
    replayed = [row.alike for row in rows if row.alike is not None]
    same = f"{sum(replayed)} of {len(replayed)}"
    yield Claim.holds("cells: a replay gives the same log", all(replayed), same)


def escapes() -> Iterator[Claim]:
    """Attempts to get out, and how many of them would succeed without the wall."""
    bare = [one for one in ATTEMPTS if one.bare]
    with (
        tempfile.TemporaryDirectory(prefix="surveyor-claims-") as name,
        cell_stage(Path(name)) as stage,
    ):
        out = [one.name for one in ATTEMPTS if asyncio.run(stage.escaped(one))]
        free = sum(map(stage.bare, bare))
    note = f"{len(ATTEMPTS)} attempts; {free} of {len(bare)} tried without a wall succeed there"
    yield Claim.at_most("cells: attempts that get out", len(out), 0, "; ".join([note, *out]))


async def _idle(number: int) -> float:
    """Milliseconds of a cell that does nothing, in a kernel that runs."""

    async def carry(_call: object) -> dict[str, str]:
        raise AssertionError("it calls nothing")

    kernel = await KernelProcess.start([], [], CellBounds())
    loop = asyncio.get_running_loop()
    began = loop.time()
    for _ in range(number):
        await kernel.run("x = 1", carry)
    took = loop.time() - began
    await kernel.aclose()
    return 1000 * took / number


def idle() -> Iterator[Claim]:
    """What the kernel itself costs."""
    yield Claim.at_most("cells: an empty cell in ms", asyncio.run(_idle(500)), 30, "500 cells")
