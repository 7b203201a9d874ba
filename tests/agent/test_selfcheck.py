"""The measurements measure: small runs of what `make claims NAME=agent` prints."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from surveyor.agent.chat.planner import ChatPlanner
from surveyor.agent.limits import Limits
from surveyor.agent.loop import run_episode
from surveyor.agent.planner import Turn
from surveyor.agent.scripted import ScriptedPlanner, turns
from surveyor.core.blobs import BlobStore
from surveyor.core.tasks import Task
from surveyor.memory.episodes import Episode, fold
from surveyor.memory.events import ToolCall
from surveyor.tools.spec import CallRequest
from surveyor.tools.workspace import Workspace
from tests.claims.agent.cost import orchestration
from tests.claims.agent.fake_model import Manner, chat_config, impersonator
from tests.claims.agent.faults import faulty_run
from tests.claims.agent.instant_tools import (
    MemoryLog,
    instant_tools,
    make_tasks,
    no_experts,
    pictures,
)
from tests.support.mock_endpoint import RehearsalServer


def record(tasks: list[Task], blobs: BlobStore) -> list[tuple[Task, Episode]]:
    """Episodes of a scripted planner: two parallel calls, one more, an answer a task."""

    async def one(task: Task, answer: str) -> Episode:
        first = (
            CallRequest("c1", "sum", '{"a": 1, "b": 2}'),
            CallRequest("c2", "look", '{"frame": "frame_0"}'),
        )
        planner = ScriptedPlanner(
            turns(
                Turn(calls=first),
                Turn(calls=(CallRequest("c3", "sum", '{"a": 4, "b": 4}'),)),
                Turn(answer=answer, sources=("view",)),
            )
        )
        log, workspace = MemoryLog(), Workspace(task, no_experts(blobs))
        await run_episode(task, planner, instant_tools(), workspace, log, Limits())
        episode = fold(log.events)
        assert episode is not None
        return episode

    async def every() -> list[tuple[Task, Episode]]:
        return [(t, await one(t, "AB"[i % 2])) for i, t in enumerate(tasks)]

    return asyncio.run(every())


@pytest.mark.parametrize("manner", list(Manner))
def test_an_impersonated_model_ends_in_the_recorded_answers(tmp_path: Path, manner: Manner) -> None:
    blobs = BlobStore(tmp_path)
    tasks = make_tasks(4, pictures(blobs, 2, 8))
    recorded = record(tasks, blobs)

    async def play() -> list[Episode | None]:
        played = []
        async with ChatPlanner(chat_config(server.url, manner), [blobs]) as planner:
            for task in tasks:
                log, workspace = MemoryLog(), Workspace(task, no_experts(blobs))
                await run_episode(task, planner, instant_tools(), workspace, log, Limits())
                played.append(fold(log.events))
        return played

    with RehearsalServer(impersonator(recorded, manner)) as server:
        played = asyncio.run(play())
    for (_, original), episode in zip(recorded, played, strict=True):
        assert episode is not None
        assert episode.answer == original.answer
        made = [(e.name, e.raw_arguments) for e in episode.events if isinstance(e, ToolCall)]
        assert made == [(c.name, c.raw_arguments) for c in original.calls]
        turns_taken = 4 if manner is Manner.NATIVE else 3
        assert len(episode.model_calls) == turns_taken
        assert all(not call.repairs for call in episode.model_calls)


def test_a_crowd_against_a_failing_server_loses_and_doubles_nothing() -> None:
    claims = {claim.name: claim for claim in faulty_run(60, 30, seed=3, slow=0.5)}
    for name in (
        "tasks lost in the first pass",
        "share of tasks brought to an end after resume",
        "tasks answered twice",
        "tasks with another task's answer, or none",
    ):
        assert claims[name].ok, claims[name]


def test_the_cost_is_measured_against_both_rivals() -> None:
    claims = orchestration(episodes=2)
    assert len(claims) == 5
    assert claims[-1].ok
    assert all(isinstance(c.value, float) and 0 < c.value < 1000 for c in claims)
