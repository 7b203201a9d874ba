"""Calls under a call, tool sets, and what `survey` says."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from pydantic import JsonValue

from surveyor.agent.limits import Limits
from surveyor.agent.loop import run_episode
from surveyor.agent.planner import Planner, RetrievedSkill, Turn
from surveyor.agent.program.planner import ProgramPlanner
from surveyor.agent.replay import recorded_turns
from surveyor.agent.scripted import ScriptedPlanner, turns
from surveyor.agent.survey.offer import MEASURE, TOOL_SETS, offered
from surveyor.benchmarks.tool_use import Use, tool_use
from surveyor.core.errors import UserError
from surveyor.core.tasks import AnswerKind, Task
from surveyor.memory.episodes import Episode, fold
from surveyor.memory.events import ToolCall, ToolStatus
from surveyor.memory.log import EventList
from surveyor.skills.workflow import GUARDED
from surveyor.tools.builtin import default_tools
from surveyor.tools.registry import Registry
from surveyor.tools.spec import CallRequest
from surveyor.tools.workspace import Workspace
from tests.support.box_room import BoxRoom
from tests.tools.conftest import make_client

SKILL = RetrievedSkill("guarded-views", "1", "", GUARDED)


def asked(room: BoxRoom, question: str) -> Task:
    changes: dict[str, JsonValue] = {"question": question, "answer_kind": AnswerKind.NUMBER}
    return room.task().model_copy(update=changes)


def played(
    room: BoxRoom,
    path: Path,
    planner: Planner,
    question: str = "How many chair(s) are in this room?",
) -> Episode:
    async def play() -> Episode:
        task, log = asked(room, question), EventList()
        client = make_client(room, path)
        registry = Registry(offered(frames=True, named=("measure",)), inner=default_tools())
        await run_episode(
            task,
            planner,
            registry,
            Workspace(task, client),
            log,
            Limits(),
            (SKILL,),
        )
        await client.aclose()
        episode = fold(log)
        assert episode is not None
        return episode

    return asyncio.run(play())


def one_call(arguments: str, name: str = "survey") -> ScriptedPlanner:
    return ScriptedPlanner(
        turns(Turn(calls=(CallRequest("c1", name, arguments),)), Turn(answer="2"))
    )


def test_inner_calls_are_logged_under_the_survey(room: BoxRoom, tmp_path: Path) -> None:
    episode = played(room, tmp_path, one_call('{"categories": ["chair"]}'))
    outer = [call for call in episode.calls if not call.parent]
    inner = [call for call in episode.calls if call.parent]
    assert [call.name for call in outer] == ["survey"]
    assert {call.parent for call in inner} == {"c1"}
    assert {"frames", "detect", "reconstruct", "lift", "fuse"} <= {call.name for call in inner}
    assert [call.call_id for call in inner] == [f"c1.{k + 1}" for k in range(len(inner))]
    last = episode.outcomes[-1]
    assert (last.name, last.status) == ("survey", ToolStatus.OK)
    assert last.text.startswith("surveyed by guarded-views: ")
    assert last.cost == 0, "what was paid stands with the calls that paid it"


def test_a_replay_surveys_again_instead_of_repeating_what_it_made(
    room: BoxRoom, tmp_path: Path
) -> None:
    planner = ProgramPlanner()
    episode = played(room, tmp_path, planner)
    script = recorded_turns(episode.events)
    assert [call.name for turn in script for call in turn.calls] == ["survey", "count"]
    again = played(room, tmp_path, ScriptedPlanner(turns(*script)))

    def made(one: Episode) -> list[tuple[str, str, str]]:
        return [(c.name, c.raw_arguments, c.parent) for c in one.calls]

    assert made(again) == made(episode)
    assert again.answer == episode.answer


def test_what_an_answer_rests_on_makes_the_survey_effective(room: BoxRoom, tmp_path: Path) -> None:
    episode = played(room, tmp_path, ProgramPlanner())
    use = tool_use(episode)
    names = {call.call_id: call.name for call in episode.calls}
    effective = {names[key] for key, how in use.uses.items() if how is Use.EFFECTIVE}
    assert {"survey", "count", "fuse", "lift", "detect", "reconstruct"} <= effective


def test_surveying_counts_as_single_calls_do(room: BoxRoom, tmp_path: Path) -> None:
    surveyed = played(room, tmp_path / "a", ProgramPlanner())

    async def single() -> Episode:
        task, log = asked(room, surveyed.started.question), EventList()
        client = make_client(room, tmp_path / "b")
        registry = Registry(default_tools())
        workspace = Workspace(task, client)
        await run_episode(task, ProgramPlanner(), registry, workspace, log, Limits(), (SKILL,))
        await client.aclose()
        episode = fold(log)
        assert episode is not None
        return episode

    alone = asyncio.run(single())
    assert surveyed.answer == alone.answer
    inner = [c.name for c in surveyed.calls if c.name != "survey"]
    assert inner == [c.name for c in alone.calls]


def test_inner_tools_are_not_the_planners_to_call(room: BoxRoom, tmp_path: Path) -> None:
    episode = played(
        room, tmp_path, one_call('{"frames": ["frame_0"], "phrases": ["a"]}', "detect")
    )
    assert episode.outcomes[0].status is ToolStatus.MISTAKE
    assert "there is no tool 'detect'" in episode.outcomes[0].text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ('{"categories": ["a"], "skill": "other"}', "there is no skill 'other'"),
        ('{"categories": ["a"], "boxes": ["box_1"]}', "either categories or boxes"),
    ],
)
def test_wrong_surveys_come_back_with_advice(
    room: BoxRoom, tmp_path: Path, arguments: str, says: str
) -> None:
    episode = played(room, tmp_path, one_call(arguments))
    assert episode.outcomes[-1].status is ToolStatus.MISTAKE
    assert says in episode.outcomes[-1].text


def test_inner_calls_count_against_the_limit_of_calls(room: BoxRoom, tmp_path: Path) -> None:
    async def play() -> Episode:
        task, log = asked(room, "?"), EventList()
        client = make_client(room, tmp_path)
        registry = Registry(offered(frames=True), inner=default_tools())
        planner, limits = one_call('{"categories": ["chair"]}'), Limits(tool_calls=3)
        await run_episode(task, planner, registry, Workspace(task, client), log, limits)
        await client.aclose()
        episode = fold(log)
        assert episode is not None
        return episode

    episode = asyncio.run(play())
    assert episode.limit is not None
    assert episode.limit.limit == "tool_calls"
    assert sum(isinstance(event, ToolCall) for event in episode.events) <= 4


def test_sets_of_tools_go_by_name() -> None:
    assert next(tool.name for tool in offered(frames=True, named=("measure",))) == "survey"
    assert {tool.name for tool in offered(frames=True, named=("measure",))} == set(MEASURE)
    both = {tool.name for tool in offered(frames=True, named=("look", "count"))}
    assert both == {*TOOL_SETS["look"], "count"}
    assert "survey" not in {tool.name for tool in offered(frames=True, survey=False)}
    with pytest.raises(UserError, match="no tool or set of tools 'all-of-it'; choose from: all"):
        offered(frames=True, named=("all-of-it",))
