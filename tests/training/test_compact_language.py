"""The slot language: append-only, lossless for the teacher, and never at a loss for input."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveyor.agent.chat.capabilities import Capabilities
from surveyor.agent.limits import Limits
from surveyor.agent.loop import run_episode
from surveyor.agent.planner import PlannerInput
from surveyor.agent.program.planner import ProgramPlanner
from surveyor.core.blobs import BlobStore
from surveyor.core.errors import UserError
from surveyor.memory.episodes import Episode, fold
from surveyor.skills.entries import RetrievedSkill
from surveyor.skills.workflow import Workflow
from surveyor.tools.builtin import default_tools
from surveyor.tools.registry import Registry
from surveyor.tools.workspace import Workspace
from surveyor.training.compact.drawing import as_skill, draw, name_of, skill_for
from surveyor.training.compact.language import decode, encode, template_words
from surveyor.training.compact.sequences import Order, Spoken
from surveyor.training.compact.vocabulary import Vocabulary
from surveyor.training.rewards.adherence import adherence
from surveyor.training.rows.records import Chat
from surveyor.training.rows.teacher import tell
from tests.support.agent_stage import MemoryLog
from tests.support.box_room import BoxRoom
from tests.tools.conftest import make_client

ASKED = (
    "What is the length of the longest dimension (length, width, or height) of the sofa, measured "
    "in centimeters?",
    "Measuring from the closest point of each object, what is the direct distance between the sofa "
    "and the lamp (in meters)?",
    "How many chair(s) are in this room?",
)


async def play(room: BoxRoom, path: Path, question: str, skill: RetrievedSkill | None) -> Episode:
    """One episode of the teacher in a room of boxes."""
    log, task = MemoryLog(), room.task(question)
    workspace = Workspace(task, make_client(room, path))
    skills = (skill,) if skill else ()
    registry = Registry(default_tools())
    await run_episode(task, ProgramPlanner(), registry, workspace, log, Limits(), skills)
    episode = fold(log.events)
    assert episode is not None
    return episode


def told(
    room: BoxRoom, question: str, skill: RetrievedSkill | None, episode: Episode
) -> list[Chat]:
    task = room.task(question)
    handles = tuple(f"frame_{frame.index}" for frame in task.frames)
    schemas = tuple(tool.schema for tool in default_tools())
    brief = PlannerInput(schemas, handles, (skill,) if skill else ())
    can = Capabilities(images=False)
    return list(tell(task, brief, episode, can, reasoning=False))


@pytest.fixture(scope="module")
def lessons(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Workflow, Episode, list[Chat]]]:
    import asyncio

    root = tmp_path_factory.mktemp("lessons")
    room = BoxRoom(BlobStore(root / "frames"))
    dice = random.Random(3)
    found = []
    for number in range(12):
        workflow = draw(dice, held_out=number % 2 == 0)
        skill = as_skill(workflow)
        question = ASKED[number % len(ASKED)]
        episode = asyncio.run(play(room, root / str(number), question, skill))
        found.append((workflow, episode, told(room, question, skill, episode)))
    return found


def test_every_turn_of_the_teacher_comes_back_as_it_was_said(
    lessons: list[tuple[Workflow, Episode, list[Chat]]],
) -> None:
    words = Vocabulary.of(template_words(messages for _, _, messages in lessons))
    turns = 0
    for _, _, messages in lessons:
        for k, message in enumerate(messages):
            before = encode(messages[:k], words)
            after = encode(messages[: k + 1], words)
            assert after.tokens[: len(before.tokens)] == before.tokens, "append-only"
            assert all(token in words.ids for token in after.tokens)
            if message["role"] != "assistant":
                continue
            turns += 1
            said = decode(after.tokens[len(before.tokens) :], before.table)
            if message.get("tool_calls"):
                calls = [call["function"] for call in message["tool_calls"]]
                wanted = [(call["name"], json.loads(call["arguments"])) for call in calls]
                assert list(said.calls) == wanted
            else:
                assert message["content"] == f"<answer>{said.answer}</answer>"
    assert turns > 60


def test_the_teacher_does_what_the_skill_says_and_another_skill_is_noticed(
    lessons: list[tuple[Workflow, Episode, list[Chat]]],
) -> None:
    for number, (workflow, episode, _) in enumerate(lessons):
        met = adherence(episode, workflow)
        assert met, number
        assert all(met.values()), (number, workflow, met)
        others = [w for w, _, _ in lessons if w.frames.number != workflow.frames.number]
        assert not any(adherence(episode, other)["frames"] for other in others)


TEXT = st.text(max_size=60)
MESSAGE = st.fixed_dictionaries(
    {
        "role": st.sampled_from(["system", "user", "assistant", "tool", "developer"]),
        "content": st.one_of(TEXT, st.none(), st.just("frames_1: frame_0 at 0.0 s")),
    },
    optional={
        "tool_call_id": st.just("a"),
        "tool_calls": st.lists(
            st.fixed_dictionaries(
                {
                    "id": st.just("a"),
                    "function": st.fixed_dictionaries(
                        {
                            "name": st.sampled_from([t.name for t in default_tools()]),
                            "arguments": st.one_of(TEXT, st.just('{"frames": ["frame_0", 3]}')),
                        }
                    ),
                }
            ),
            max_size=2,
        ),
    },
)


@settings(max_examples=200, deadline=None)
@given(st.lists(MESSAGE, max_size=6))
def test_whatever_is_sent_can_be_encoded(messages: list[Chat]) -> None:
    words = Vocabulary.of(["how", "many"])
    whole = encode(messages, words)
    for k in range(len(messages)):
        assert whole.tokens[: len(encode(messages[:k], words).tokens)] == (
            encode(messages[:k], words).tokens
        )
    assert len(whole.tokens) == len(whole.own)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(Vocabulary.of(["how"]).tokens), max_size=12))
def test_whatever_a_model_says_is_read_or_refused(tokens: list[str]) -> None:
    table = encode([{"role": "user", "content": "Question: how?"}], Vocabulary.of(["how"])).table
    try:
        said = decode(tokens, table)
    except ValueError:
        return
    assert said.calls or said.answer is not None


def test_a_vocabulary_is_saved_with_its_version(tmp_path: Path) -> None:
    Vocabulary.of(["b", "A"]).save(tmp_path)
    assert Vocabulary.load(tmp_path).words == ("a", "b")
    (tmp_path / "language.json").write_text('{"version": 99, "words": []}')
    with pytest.raises(UserError, match="version 99"):
        Vocabulary.load(tmp_path)
    with pytest.raises(UserError, match="no compact agent"):
        Vocabulary.load(tmp_path / "nowhere")


def test_drawn_workflows_are_a_function_of_their_name() -> None:
    first = [skill_for(name_of(7), f"t{k}") for k in range(40)]
    assert first == [skill_for(name_of(7), f"t{k}") for k in range(40)]
    assert sum(skill is None for skill in first) > 2, "some tasks get none"
    held = [skill_for(name_of(7, held_out=True), f"t{k}") for k in range(40)]
    seen = {s.workflow.frames.number for s in first if s and s.workflow}
    assert not seen & {s.workflow.frames.number for s in held if s and s.workflow}
    with pytest.raises(UserError, match="drawn:SEED"):
        skill_for("drawn:x", "t")


def test_the_order_of_training_is_a_function_of_seed_and_step() -> None:
    data = [Spoken((0,) * (k + 1), (True,) * (k + 1)) for k in range(21)]
    order = Order.of(data, 4, seed=1)
    steps = [order.step(k) for k in range(10)]
    assert steps == [Order.of(data, 4, seed=1).step(k) for k in range(10)]
    assert len({k for step in steps[:5] for k in step}) == 20, "an epoch takes each once"
    with pytest.raises(UserError, match="21 episodes"):
        Order.of(data, 22, seed=1)
