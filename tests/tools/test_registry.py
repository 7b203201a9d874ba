from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from surveyor.core.errors import InfrastructureError, ModelMistake, UserError
from surveyor.memory.events import ToolOutcome, ToolStatus
from surveyor.tools.builtin import default_tools
from surveyor.tools.records import MeasureRecord
from surveyor.tools.registry import Registry
from surveyor.tools.spec import Arguments, CallRequest, Effects, Tool, ToolResult
from surveyor.tools.workspace import Workspace
from tests.support.box_room import BoxRoom
from tests.tools.conftest import make_client


class Note(Arguments):
    """Arguments of the test tool."""

    text: str
    turns: int = 0


class Bench:
    """A tool that yields to others ``turns`` times before it mints a handle."""

    def __init__(self) -> None:
        self.running = self.most = 0

    async def run(self, asked: Note, workspace: Workspace) -> ToolResult:
        self.running += 1
        self.most = max(self.most, self.running)
        for _ in range(asked.turns):
            await asyncio.sleep(0)
        self.running -= 1
        match asked.text:
            case "mistake":
                raise ModelMistake("say something else")
            case "failure":
                raise InfrastructureError("the expert is gone")
            case "user":
                raise UserError("bring a key")
            case "bug":
                raise ZeroDivisionError
        await workspace.settle()
        handle = workspace.add("meas", MeasureRecord(asked.text, ""))
        return ToolResult(f"{handle} {asked.text}", handles=(handle,))

    def registry(self, parallel: bool = True) -> Registry:
        return Registry([Tool("note", "Note it.", Note, Effects.PURE, self.run, parallel)])


@pytest.fixture
def workspace(room: BoxRoom, tmp_path: Path) -> Workspace:
    return Workspace(room.task(), make_client(room, tmp_path))


def execute(registry: Registry, workspace: Workspace, *calls: CallRequest) -> list[ToolOutcome]:
    return list(asyncio.run(registry.execute(3, calls, workspace)))


def note(number: int, text: str, turns: int = 0) -> CallRequest:
    return CallRequest(f"c{number}", "note", json.dumps({"text": text, "turns": turns}))


def test_outcomes_and_handles_follow_call_order_however_long_each_takes(
    workspace: Workspace,
) -> None:
    bench = Bench()
    calls = [note(1, "slow", 9), note(2, "mistake", 3), note(3, "quick", 2), note(4, "middling", 4)]
    outcomes = execute(bench.registry(), workspace, *calls)
    assert [o.call_id for o in outcomes] == ["c1", "c2", "c3", "c4"]
    assert [o.text for o in outcomes] == [
        "meas_1 slow",
        "say something else",
        "meas_2 quick",
        "meas_3 middling",
    ]
    assert bench.most == 4
    assert {o.turn for o in outcomes} == {3}


def test_calls_that_are_not_safe_together_run_one_by_one(workspace: Workspace) -> None:
    bench = Bench()
    execute(bench.registry(parallel=False), workspace, note(1, "a", 3), note(2, "b", 3))
    assert bench.most == 1


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ("{}", "text is missing"),
        ('{"text": "a", "txet": 1}', "txet is not an argument"),
        ('{"text": ["a"]}', "text was ['a']"),
        ('{"text": "a"', "not valid JSON"),
        ("[1]", "arguments"),
        ("", "text is missing"),
    ],
)
def test_wrong_arguments_come_back_by_name(workspace: Workspace, raw: str, says: str) -> None:
    (outcome,) = execute(Bench().registry(), workspace, CallRequest("c1", "note", raw))
    assert outcome.status is ToolStatus.MISTAKE
    assert says in outcome.text
    assert "note" in outcome.text


def test_an_unknown_tool_is_answered_with_the_known_ones(workspace: Workspace) -> None:
    (outcome,) = execute(Registry(default_tools()), workspace, CallRequest("c1", "look", "{}"))
    assert outcome.status is ToolStatus.MISTAKE
    assert "detect" in outcome.text
    assert "distance" in outcome.text


def test_a_failure_is_told_from_a_mistake(workspace: Workspace) -> None:
    failed, fine = execute(Bench().registry(), workspace, note(1, "failure"), note(2, "a"))
    assert failed.status is ToolStatus.FAILED
    assert fine.status is ToolStatus.OK


@pytest.mark.parametrize(("text", "error"), [("bug", ZeroDivisionError), ("user", UserError)])
def test_bugs_and_user_mistakes_are_not_swallowed(
    workspace: Workspace, text: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        execute(Bench().registry(), workspace, note(1, text), note(2, "a", 2))


def test_every_default_tool_has_a_described_schema() -> None:
    for tool in default_tools():
        function = tool.schema["function"]
        assert function["name"] == tool.name
        assert function["description"].endswith(".")
        assert function["parameters"]["additionalProperties"] is False


def test_handles_of_the_wrong_kind_are_named(workspace: Workspace) -> None:
    registry = Registry(default_tools())
    calls = [
        CallRequest("c1", "size", '{"object": "frame_0"}'),
        CallRequest("c2", "size", '{"object": "obj_9"}'),
    ]
    wrong, missing = execute(registry, workspace, *calls)
    assert "frame_0 is a frame, not a object" in wrong.text
    assert "there is no obj_9" in missing.text
