"""A recorded episode, replayed, makes the same calls and gives the same answer."""

from __future__ import annotations

import asyncio
from pathlib import Path

from surveyor.agent.limits import Limits
from surveyor.agent.planner import Turn
from surveyor.agent.replay import ReplayPlanner
from surveyor.agent.scripted import ScriptedPlanner, turns
from surveyor.memory.episodes import Episode, fold
from surveyor.memory.events import EpisodeStatus, ModelCall
from surveyor.memory.log import EpisodeLog, read_events
from surveyor.tools.spec import CallRequest
from tests.support.agent_stage import play


def test_replay_through_a_file_repeats_calls_results_and_answer(tmp_path: Path) -> None:
    sequence = (
        Turn(calls=(CallRequest("x", "sum", '{"a":1,"b":1}'), CallRequest("y", "sum", "{}"))),
        Turn(mistake="what?", raw="hm"),
        Turn(calls=(CallRequest("z", "look", '{"frame":"frame_1"}'),)),
        Turn(answer="B", sources=("crop_1",), model=ModelCall(model="m", turn=0)),
    )
    _, first = asyncio.run(play(ScriptedPlanner(turns(*sequence)), tmp_path))
    with EpisodeLog(tmp_path / "e.jsonl") as log:
        for event in first.events:
            log.append(event)
    episode = fold(read_events(tmp_path / "e.jsonl"))
    assert episode is not None

    ended, second = asyncio.run(play(ReplayPlanner(lambda _task: episode), tmp_path))

    def essence(events: list[object]) -> list[object]:
        drop = {"t", "mono", "seq", "elapsed"}
        return [e.model_dump(exclude=drop) for e in events]  # type: ignore[attr-defined]

    skip = ("tool_call", "tool_result", "answer", "format_error")
    assert essence(list(first.of(*skip))) == essence(list(second.of(*skip)))
    assert ended.status is EpisodeStatus.ANSWERED
    assert second.of("model_call") == []


def test_a_replay_that_runs_out_ends_at_the_mistake_limit(tmp_path: Path) -> None:
    ended, log = asyncio.run(play(ScriptedPlanner(turns()), tmp_path, Limits(mistakes=2)))
    episode: Episode | None = fold(log.events)
    assert episode is not None
    replayed, _ = asyncio.run(play(ReplayPlanner(lambda _task: episode), tmp_path))
    assert ended.status is replayed.status is EpisodeStatus.LIMIT
