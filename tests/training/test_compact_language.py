"""The slot language: append-only, lossless for the teacher, and never at a loss for input."""

from __future__ import annotations

import json
import random
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveyor.agent.chat.capabilities import Capabilities
from surveyor.agent.limits import Limits
from surveyor.agent.loop import run_episode
from surveyor.agent.planner import PlannerInput
from surveyor.agent.program.planner import ProgramPlanner
from surveyor.agent.program.trace import plan
from surveyor.core.blobs import BlobStore
from surveyor.core.errors import UserError
from surveyor.memory.episodes import Episode, fold
from surveyor.skills.entries import RetrievedSkill
from surveyor.skills.workflow import Join, Stop, Workflow
from surveyor.tools.builtin import default_tools
from surveyor.tools.registry import Registry
from surveyor.tools.workspace import Workspace
from surveyor.training.compact.drawing import as_skill, draw, name_of, skill_for
from surveyor.training.compact.language import decode, encode, template_words
from surveyor.training.compact.lexicon import heads
from surveyor.training.compact.needs import beginning, with_need
from surveyor.training.compact.sequences import Order, Spoken, blurred
from surveyor.training.compact.table import Table
from surveyor.training.compact.turns import call_tokens
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
    "Measuring from the closest point of each object, which of these objects (lamp, chair) is the "
    "closest to the sofa?",
    "If I am standing by the lamp and facing the sofa, is the chair to my front-left, front-right, "
    "back-left, or back-right?",
)
OPTIONS = {
    ASKED[3]: ("A. chair", "B. lamp"),
    ASKED[4]: ("A. back-right", "B. front-left", "C. back-left", "D. front-right"),
}


async def play(room: BoxRoom, path: Path, question: str, skill: RetrievedSkill | None) -> Episode:
    """One episode of the teacher in a room of boxes."""
    log, task = MemoryLog(), room.task(question, OPTIONS.get(question, ()))
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
    task = room.task(question, OPTIONS.get(question, ()))
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
    for number in range(15):
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
    assert turns > 80


def test_an_option_that_says_what_was_measured_is_a_slot_to_copy(
    lessons: list[tuple[Workflow, Episode, list[Chat]]],
) -> None:
    words = Vocabulary.of(template_words(messages for _, _, messages in lessons))
    copied = 0
    for _, episode, messages in lessons:
        if episode.started.question not in OPTIONS:
            continue
        tokens = encode(messages, words).tokens
        answered = tokens[tokens.index("<ans>") + 1 :]
        assert answered[0] == "N1", "the result's slot, as with numbers"
        copied += any(a == "meas" and b == answered[0] for a, b in pairwise(tokens))
        names = {token for token in tokens if re.fullmatch(r"E\d+", token)}
        told = 3 if "nearest" in tokens else 7
        assert len(names) == told, "no name is made of words around one"
    assert copied >= 4


def test_objects_stand_by_name_in_the_order_in_which_they_were_asked_about() -> None:
    user = {"role": "user", "content": "Question: how far is the lamp from the sofa?"}
    call = {"id": "a", "function": {"name": "fuse", "arguments": '{"clouds": ["clouds_1"]}'}}
    text = (
        "objs_1: 3 objects\nobj_1 sofa: 1.0 x 1.0 x 1.0 m, 3 of 4 views, confidence 0.80\n"
        "obj_2 lamp: 1.0 x 1.0 x 1.0 m, 2 of 4 views, confidence 0.70\n"
        "obj_3 sofa: 1.0 x 1.0 x 1.0 m, 1 of 4 views, confidence 0.10 [weak]"
    )
    said: list[Chat] = [user, {"role": "assistant", "tool_calls": [call]}]
    result = {"role": "tool", "tool_call_id": "a", "content": text}
    words = Vocabulary.of(["how", "far", "is", "the", "from"])
    tokens = encode([*said, result], words).tokens[len(encode(said, words).tokens) :]
    assert tokens[1:] == (
        [
            "objs_1",
            "E1",
            "obj_2",
            "2",
            "4",
            ".070",
            "E2",
            "obj_1",
            "3",
            "4",
            ".080",
            "E2",
            "obj_3",
            "1",
            "4",
            ".010",
            "weak",
        ]
    )


def test_a_view_in_which_names_are_looked_up_is_the_captured_one() -> None:
    words = Vocabulary.of(["how", "long"])
    call = {"id": "a", "function": {"name": "restore", "arguments": '{"frames": ["frame_2"]}'}}
    said: list[Chat] = [{"role": "assistant", "tool_calls": [call]}]
    text = "frames_1: 1 frame\nframe_9 from frame_2"
    said.append({"role": "tool", "tool_call_id": "a", "content": text})
    arguments = {"object": "sofa", "within": "frame_2"}
    sized = {"id": "b", "function": {"name": "size", "arguments": json.dumps(arguments)}}
    before = encode(said, words)
    after = encode([*said, {"role": "assistant", "tool_calls": [sized]}], words)
    own = after.tokens[len(before.tokens) :]
    assert own == ["<call>", "size", "@object", "E1", "@within", "f2", "<end>"]
    assert decode(own, after.table).calls == (("size", arguments),)


def test_a_search_that_stops_is_told_in_how_many_frames_each_name_was_seen() -> None:
    words = Vocabulary.of(["how", "far", "is", "the", "from"])
    user = {"role": "user", "content": "Question: how far is the lamp from the sofa?"}
    arguments = json.dumps({"frames": ["frame_1", "frame_2"], "phrases": ["lamp", "sofa"]})
    call = {"id": "a", "function": {"name": "detect", "arguments": arguments}}
    boxes = "box_1 sofa (1, 2, 3, 4) 0.9; box_2 sofa (1, 2, 3, 4) 0.8"
    text = f"boxes_1: 3 boxes\nframe_1: {boxes}\nframe_2: box_3 sofa (1, 2, 3, 4) 0.9"
    choice = {"id": "f", "function": {"name": "frames", "arguments": '{"number": 3}'}}
    times = "frames_1: frame_1 at 1.0 s, frame_2 at 2.0 s, frame_3 at 3.0 s (3 of 3 frames)"
    said: list[Chat] = [user, {"role": "assistant", "tool_calls": [choice]}]
    said.append({"role": "tool", "tool_call_id": "f", "content": times})
    said.append({"role": "assistant", "tool_calls": [call]})
    said.append({"role": "tool", "tool_call_id": "a", "content": text})
    plain = encode(said, words).tokens
    assert plain[-5:] == ["boxes_1", "f1", "E2", "f2", "E2"]
    stop = Stop(first=2, seen=2)
    way = draw(random.Random(1)).model_copy(update={"stop": stop})
    system = {"role": "system", "content": as_skill(way).text}
    counted = encode([system, *said], words).tokens
    assert counted[-12:-7] == ["boxes_1", "f1", "E2", "f2", "E2"]
    assert counted[-7:] == ["E1", "0", "false", "E2", "2", "true", "false"], "not all are enough"
    last = json.dumps({"frames": ["frame_3"], "phrases": ["lamp", "sofa"]})
    said.append({"role": "assistant", "tool_calls": [
        {"id": "b", "function": {"name": "detect", "arguments": last}},
    ]})  # fmt: skip
    said.append(
        {"role": "tool", "tool_call_id": "b", "content": "boxes_2: 0 boxes\nframe_3: nothing"}
    )
    done = encode([system, *said], words).tokens
    assert done[-7:] == ["E1", "0", "false", "E2", "2", "true", "true"], "no frame is left"


def test_the_teacher_does_what_the_skill_says_and_another_skill_is_noticed(
    lessons: list[tuple[Workflow, Episode, list[Chat]]],
) -> None:
    for number, (workflow, episode, _) in enumerate(lessons):
        met = adherence(episode, workflow)
        assert met, number
        assert all(met.values()), (number, workflow, met)
        others = [w for w, _, _ in lessons if w.frames.number != workflow.frames.number]
        assert not any(adherence(episode, other)["frames"] for other in others)
        if "views" in met:
            flipped = Join.BEST if workflow.join is Join.VOTE else Join.VOTE
            other_way = workflow.model_copy(update={"join": flipped, "fallback": None})
            assert not adherence(episode, other_way)["views"]
    assert any("views" in adherence(episode, workflow) for workflow, episode, _ in lessons)


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
    Vocabulary.of(["video", "Far"]).save(tmp_path)
    assert set(Vocabulary.load(tmp_path).words) == {"video", *heads()}, "the lexicon has far"
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


@pytest.mark.parametrize("question", ASKED)
def test_a_turn_says_what_the_question_needs_and_is_read_back(question: str) -> None:
    call = {"id": "c1", "function": {"name": "frames", "arguments": '{"number": 8}'}}
    asked = "\n".join((f"16 frames of a video.\nQuestion: {question}", *OPTIONS.get(question, ())))
    plain = ({"role": "user", "content": asked}, {"role": "assistant", "tool_calls": [call]})
    messages = with_need(plain)
    assert str(messages[1]["content"]) == plan(question)
    encoded = encode(messages, Vocabulary.of([]))
    own = [token for token, mine in zip(encoded.tokens, encoded.own, strict=True) if mine]
    assert own[0] == "<need>"
    said = decode(own, encoded.table)
    assert said.need == plan(question)
    assert said.calls == (("frames", {"number": 8}),)
    assert encode(beginning((*messages, messages[1])), Vocabulary.of([])).tokens == encoded.tokens
    with pytest.raises(ValueError, match="need"):
        decode(["<need>", "direction", "E1", *own[own.index("<call>") :]], encoded.table)


def test_words_that_are_no_things_end_a_name() -> None:
    table = Table(Vocabulary.of([]).known)
    said = table.say("Is the trash can beside the copper harp, or near my copper loom?")
    assert table.names == ["trash can", "copper harp", "copper loom"]
    assert said == ["is", "the", "E1", "by", "the", "E2", ",", "or", "near", "i", "E3", "?"]


def test_options_are_names_wherever_they_stand() -> None:
    table = Table(Vocabulary.of([]).known, options={"A": "bed side lamp", "B": "left"})
    assert table.say("a bed side lamp on the left") == ["the", "E1", "<w>", "the", "left"]


def test_blurring_takes_words_of_the_question_alone() -> None:
    vocabulary = Vocabulary.of([])
    tokens = ["<plain>", "16", "<q>", "how", "far", "E1", "?", "O1", "E2", "<go>", "<call>", "size"]
    one = Spoken(tuple(vocabulary.encode(tokens)), (False,) * 10 + (True, True))
    all_of_it = blurred(one, vocabulary, random.Random(0), 1.0)
    assert vocabulary.decode(all_of_it.ids) == [
        "<w>" if token in ("how", "far") else token for token in tokens
    ]
    assert blurred(one, vocabulary, random.Random(0), 0.0) == one


def test_what_is_left_is_said_in_one_way_and_may_be_nothing() -> None:
    way = draw(random.Random(1)).model_copy(update={"stop": Stop(first=2, seen=2)})
    call = {"id": "a", "function": {"name": "frames", "arguments": '{"number": 3}'}}
    shown = "frames_1: frame_0 at 0.0 s, frame_1 at 1.0 s, frame_2 at 2.0 s (3 of 3 frames)"
    said: list[Chat] = [
        {"role": "system", "content": as_skill(way).text},
        {"role": "user", "content": "Question: how far is the lamp from the sofa?"},
        {"role": "assistant", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "a", "content": shown},
    ]
    words = Vocabulary.of([])
    table = encode(said, words).table
    frames = ["frame_0", "frame_1", "frame_2"]
    assert call_tokens("reconstruct", {"frames": frames}, table)[3:] == ["<left>"]
    table.search.batch = 1  # the next takes four of the three
    assert call_tokens("detect", {"frames": frames}, table)[3:] == [
        "<even>", "<left>", "W.first", "x2",
    ]  # fmt: skip
    table.search.left = []
    own = ["<call>", "reconstruct", "@frames", "frames_1", "<even>", "<left>", "W.first", "x2"]
    assert decode([*own, "<end>"], table).calls == (("reconstruct", {"frames": ["frames_1"]}),)


@pytest.mark.parametrize(
    "shown", ["1 frame of a video", "16 frames of a video", "1 photo", "2 photos"]
)
def test_the_number_of_pictures_is_read_as_prompts_say_it(shown: str) -> None:
    asked = f"{shown}.\nQuestion: What is the size of this room (in square meters)?"
    encoded = encode(({"role": "user", "content": asked},), Vocabulary.of([]))
    assert encoded.tokens[encoded.tokens.index("<q>") - 1] == shown.split(" ")[0]
