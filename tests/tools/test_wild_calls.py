"""Whatever a planner calls, it gets a result or a sentence: no call ends a run."""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from pathlib import Path

import pytest

from surveyor.memory.events import ToolOutcome, ToolStatus
from surveyor.tools.builtin import default_tools
from surveyor.tools.registry import Registry
from surveyor.tools.spec import CallRequest
from surveyor.tools.workspace import Workspace
from tests.support.box_room import BoxRoom
from tests.tools.conftest import make_client
from tests.tools.wild_calls import OPENING, wild_calls

REGISTRY = Registry(default_tools())


async def played(room: BoxRoom, path: Path, seed: int, number: int) -> list[ToolOutcome]:
    """Outcomes of the opening and of ``number`` wild calls after it."""
    workspace = Workspace(room.task(), make_client(room, path))
    outcomes: list[ToolOutcome] = []
    handles = list(workspace.frame_handles)
    for index, (name, arguments) in enumerate(OPENING):
        call = CallRequest(f"open_{index}", name, json.dumps(arguments))
        (outcome,) = await REGISTRY.execute(0, [call], workspace)
        assert outcome.status is ToolStatus.OK, outcome.text
        handles += outcome.handles
    for turn, call in enumerate(
        wild_calls(REGISTRY.tools, handles, random.Random(seed), number), start=1
    ):
        outcomes += await REGISTRY.execute(turn, [call], workspace)
    await workspace.experts.aclose()
    return outcomes


@pytest.mark.parametrize("seed", range(6))
def test_no_call_of_any_tool_ends_in_an_exception(room: BoxRoom, tmp_path: Path, seed: int) -> None:
    outcomes = asyncio.run(played(room, tmp_path, seed, 250))
    ends = Counter(outcome.status for outcome in outcomes)
    assert ends[ToolStatus.FAILED] == 0, [o.text for o in outcomes if o.status == "failed"][:3]
    assert ends[ToolStatus.OK] > 40, "the calls are too wild to reach the tools"
    assert all(outcome.text for outcome in outcomes), "an empty text tells a planner nothing"


def test_an_object_has_no_distance_from_itself(room: BoxRoom, tmp_path: Path) -> None:
    workspace = Workspace(room.task(), make_client(room, tmp_path))
    calls = [
        CallRequest("a", "scene", "{}"),
        CallRequest("b", "distance", '{"first": ["obj_1"], "second": ["obj_1"]}'),
    ]
    outcomes = [asyncio.run(REGISTRY.execute(0, [call], workspace))[0] for call in calls]
    assert outcomes[1].status is ToolStatus.MISTAKE
    assert "two different objects" in outcomes[1].text
