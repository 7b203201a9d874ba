"""Actions: read strictly, mended by the model that is told what is wrong, decoded by a schema."""

from __future__ import annotations

import asyncio
import json
import math
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.gbnf import gbnf
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.agent.limits import Limits
from surveyor.agent.loop import run_episode
from surveyor.core.anchor_actions import (
    AnchorAction,
    action_schema,
    faults,
    first_object,
    read_action,
)
from surveyor.core.errors import ModelMistake
from surveyor.core.tasks import AnswerKind
from surveyor.memory.episodes import Episode, fold
from surveyor.memory.events import FormatError
from surveyor.memory.log import EventList
from surveyor.tools.registry import Registry
from surveyor.tools.workspace import Workspace
from tests.support.box_room import BoxRoom
from tests.support.gbnf_sampler import Grammar
from tests.support.mock_endpoint import RehearsalServer, Request, says
from tests.support.openai_server import in_order
from tests.tools.conftest import make_client

GOOD = AnchorAction("boxes", (1.0, 2.0, 0.5), (0.0, 0.0, 1.0), (0.4, 0.4, 0.9))
place = st.tuples(*[st.floats(-50, 50)] * 3)
edge = st.floats(0.001, 20)


@st.composite
def actions(draw: st.DrawFn) -> AnchorAction:
    """Whole actions about things and planes."""
    yaw, lift = draw(st.floats(-3.2, 3.2)), draw(st.floats(-1.5, 1.5))
    flat = math.cos(lift)
    normal = (flat * math.cos(yaw), flat * math.sin(yaw), math.sin(lift))
    extent = draw(st.tuples(edge, edge) | st.tuples(edge, edge, edge))
    return AnchorAction("room_1", draw(place), normal, extent)


@given(actions())
def test_what_is_written_is_read(action: AnchorAction) -> None:
    read = read_action(f"Here it is: {action.text()} as asked.", "room_1")
    assert read.record() == action.record()


@given(st.text(max_size=40) | actions().map(lambda a: a.text()[:-1]))
def test_other_text_is_a_mistake_that_says_what_to_change(text: str) -> None:
    with pytest.raises(ModelMistake, match="no place_anchor action: "):
        read_action(text, "room_1")


@pytest.mark.parametrize(
    ("changed", "says_so"),
    [
        ({"center": [1, 2]}, "center must be a list of 3 numbers; it was 2 of them"),
        ({"normal": [0, 2, 0]}, "normal has length 2: divide it by that"),
        ({"extent": [0.5, -1, 1]}, "every edge of extent must be above 0"),
        ({"scene": "attic"}, 'scene must be "boxes"'),
        ({"action": "move"}, 'action must be "place_anchor"'),
        ({"extent": [0.5] * 4}, "extent must be a list of 2 or 3 numbers"),
    ],
)
def test_each_fault_is_named(changed: dict[str, Any], says_so: str) -> None:
    with pytest.raises(ModelMistake) as caught:
        read_action(json.dumps({**GOOD.record(), **changed}), "boxes")
    assert says_so in str(caught.value)


def test_planes_take_two_edges_only_where_a_plane_is_asked_for() -> None:
    flat = {**GOOD.record(), "extent": [4.0, 2.5]}
    assert not faults(flat, 2)
    assert "arity" in faults(flat, 3)
    assert "arity" in faults(GOOD.record(), 2)


def acted(room: BoxRoom, path: Path, *said: str, **limits: int) -> tuple[Episode, list[Request]]:
    """An episode of a model that says these things in turn, and what it was sent."""
    heard: list[Request] = []
    replies = in_order([says(text) for text in said])

    def script(request: Request) -> Any:
        heard.append(request)
        return replies(request)

    changes = {"answer_kind": AnswerKind.ACTION, "question_type": "roomplan_action"}
    task = room.task("Place an anchor at the lamp.").model_copy(update=changes)

    async def play() -> Episode:
        client, log = make_client(room, path), EventList()
        with RehearsalServer(script) as server:
            model = ChatConfig(model="m", base_url=server.url)
            async with ChatPlanner(model, (room.store,)) as planner:
                await run_episode(
                    task, planner, Registry(()), Workspace(task, client), log, Limits(**limits)
                )
        await client.aclose()
        episode = fold(log)
        assert episode is not None
        return episode

    return asyncio.run(play()), heard


def test_a_wrong_action_comes_back_with_what_to_change_and_is_mended(
    room: BoxRoom, tmp_path: Path
) -> None:
    wrong = json.dumps({**GOOD.record(), "center": [0.5, 0.5]})
    episode, heard = acted(room, tmp_path, wrong, f"Sorry. {GOOD.text()}")
    assert episode.given is not None
    assert episode.given.text == GOOD.text(), "the action alone, as it is written exactly"
    told = str(heard[1].json["messages"][-1]["content"])
    assert "center must be a list of 3 numbers; it was 2 of them" in told
    assert any(isinstance(event, FormatError) for event in episode.events)


def test_a_model_that_cannot_mend_it_is_stopped(room: BoxRoom, tmp_path: Path) -> None:
    episode, heard = acted(room, tmp_path, *["no idea"] * 3, mistakes=3)
    assert episode.given is None
    assert len(heard) == 3


@pytest.mark.parametrize("edges", [2, 3])
def test_whatever_the_grammar_lets_through_has_the_form_of_an_action(edges: int) -> None:
    grammar = Grammar.of(gbnf(action_schema("room_1", edges)))
    dice = random.Random(0)
    for _ in range(50):
        stated = first_object(grammar.sample(dice))
        assert not faults(stated, edges).keys() - {"normal"}, "but for the length of the normal"
