"""The tag dialect: strict, repaired only where there is one reading, every repair named."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.agent.chat.tagged_text import RawCall, read_blocks
from surveyor.core.blobs import BlobStore
from surveyor.memory.events import Answer, EpisodeEnded, EpisodeStatus, ModelCall, ToolCall
from tests.support.agent_stage import MemoryLog, play
from tests.support.openai_server import RehearsalServer, in_order, says

SUM = '{"name": "sum", "arguments": {"a": 1,  "b": 2}}'


def test_a_sound_turn_needs_no_repair() -> None:
    text = (
        f"<think>far?</think>\n<skill_choice>{{}}</skill_choice><tool_call>\n{SUM}\n</tool_call>"
        f"<tool_call>{SUM}</tool_call>"
    )
    blocks = read_blocks(text)
    assert blocks.repairs == blocks.faults == []
    assert blocks.thought == "far?"
    assert blocks.skill_choice == "{}"
    assert blocks.calls == [RawCall("sum", '{"a": 1,  "b": 2}')] * 2


def test_what_is_thought_is_not_done() -> None:
    blocks = read_blocks(f"<think>maybe <answer>A</answer> or <tool_call>{SUM}</tool_call></think>")
    assert blocks.calls == blocks.answers == blocks.repairs == []


@pytest.mark.parametrize(
    ("block", "repair"),
    [
        (f"<tool_call>{SUM}", "closed an open <tool_call>"),
        (f"<tool_call>```json\n{SUM}\n```</tool_call>", "took a call out of a code fence"),
        (f"<tool_call>[{SUM}]</tool_call>", "took a list as several calls"),
        (f"<tool_call>{SUM}}}</tool_call>", "dropped surplus brackets after a call"),
        (f"<tool_call>{SUM[:-1]}</tool_call>", "added missing closing braces"),
        (
            "<tool_call>{'name': 'sum', 'arguments': {'a': 1, 'b': 2}}</tool_call>",
            "read a Python literal as JSON",
        ),
        (
            f'<tool_call>{{"type": "function", "function": {SUM}}}</tool_call>',
            "took a call out of its function wrapper",
        ),
        (
            '<tool_call>{"name": "sum", "parameters": {"a": 1, "b": 2}}</tool_call>',
            "read parameters as arguments",
        ),
        (
            '<tool_call>{"name": "sum", "arguments": "{\\"a\\": 1, \\"b\\": 2}"}</tool_call>',
            "read arguments out of a string",
        ),
        (f"hm</think><tool_call>{SUM}</tool_call>", "opened a missing <think>"),
        (f"<think>hm<tool_call>{SUM}</tool_call>", "closed an open <think>"),
    ],
)
def test_each_repair_is_made_and_named(block: str, repair: str) -> None:
    blocks = read_blocks(block)
    assert blocks.faults == []
    assert [call.name for call in blocks.calls] == ["sum"]
    assert json.loads(blocks.calls[0].arguments) == {"a": 1, "b": 2}
    assert blocks.repairs == [repair]


@pytest.mark.parametrize(
    "block",
    [
        "detect chair",
        '{"name": "sum"} {"name": "look"}',
        '{"tool": "sum", "arguments": {}}',
        '{"name": 3, "arguments": {}}',
        '{"name": "sum", "arguments": [1, 2]}',
        '[{"name": "sum", "arguments": {}}, 3]',
        "[]",
        "{'name': __import__('os')}",
        "{" * 5000,
        "sum(a=1, b=2)",
    ],
)
def test_what_has_no_single_reading_is_a_fault_and_runs_nothing(block: str) -> None:
    blocks = read_blocks(f"<tool_call>{block}</tool_call>")
    assert blocks.calls == []
    assert blocks.faults


def test_what_was_cut_off_is_never_completed() -> None:
    blocks = read_blocks(f"<tool_call>{SUM}", cut=True)
    assert blocks.calls == []
    assert "cut off" in blocks.faults[0]
    assert read_blocks("<answer>1", cut=True).answers == []


@given(
    st.lists(
        st.sampled_from(
            [
                "<think>",
                "</think>",
                "<tool_call>",
                "</tool_call>",
                "<answer>",
                "</answer>",
                SUM,
                "{",
                "}",
                "'",
                "x",
                "\ud800",
            ]
        ),
        max_size=25,
    )
)
def test_any_text_can_be_read(parts: list[str]) -> None:
    blocks = read_blocks("".join(parts))
    assert all(isinstance(json.loads(call.arguments), dict) for call in blocks.calls)


def tagged(
    texts: list[str], root: Path, **changes: object
) -> tuple[EpisodeEnded, MemoryLog, RehearsalServer]:
    async def episode() -> tuple[EpisodeEnded, MemoryLog]:
        config = ChatConfig(
            model="surveyor-4b", base_url=server.url, capabilities={"dialect": "tags"}
        )
        async with ChatPlanner(config, [BlobStore(root / "blobs")]) as planner:
            return await play(planner, root, **changes)

    with RehearsalServer(in_order([says(text) for text in texts])) as server:
        ended, log = asyncio.run(episode())
    return ended, log, server


def test_an_episode_in_tags_end_to_end(tmp_path: Path) -> None:
    look = '{"name": "look", "arguments": {"frame": "frame_1"}}'
    texts = [
        f"<think>look</think><tool_call>{look}</tool_call><tool_call>{SUM}</tool_call>",
        "<think>so</think><answer>B</answer>",
    ]
    ended, log, server = tagged(texts, tmp_path)
    assert ended.status is EpisodeStatus.ANSWERED
    assert [e.name for e in log.events if isinstance(e, ToolCall)] == ["look", "sum"]
    request = server.requests[1].json
    assert "tools" not in request
    assert '"name":"look"' in request["messages"][0]["content"]
    parts = request["messages"][-1]["content"]
    assert [part["type"] for part in parts] == ["text", "text", "image_url", "text"]
    assert parts[0]["text"] == "<tool_response>\nlook: a crop\n</tool_response>"
    first = log.of("model_call")[0]
    assert isinstance(first, ModelCall)
    assert first.reasoning == "look"
    assert first.text == texts[0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"<answer>A</answer><tool_call>{SUM}</tool_call>", "either calls tools or answers"),
        ("<answer>A</answer><answer>B</answer>", "several different answers"),
        ("<answer> </answer>", "empty"),
        ("<think>hm</think>", "neither"),
        ("<tool_call>eh</tool_call>", "could not be read"),
    ],
)
def test_mistakes_come_back_as_sentences(tmp_path: Path, text: str, said: str) -> None:
    ended, log, server = tagged([text, "<answer>A</answer>"], tmp_path)
    assert ended.status is EpisodeStatus.ANSWERED
    assert log.of("tool_call") == []
    told = server.requests[1].json["messages"][-1]["content"]
    assert told.startswith("<format_error>")
    assert said in told


def test_an_answer_given_twice_is_one_answer(tmp_path: Path) -> None:
    _, log, _ = tagged(["<answer>A</answer><answer>A</answer>"], tmp_path)
    (answer,) = log.of("answer")
    assert isinstance(answer, Answer)
    assert answer.text == "A"


def test_native_calls_that_a_server_left_in_the_text_are_read_and_recorded(tmp_path: Path) -> None:
    async def episode() -> tuple[EpisodeEnded, MemoryLog]:
        config = ChatConfig(model="m", base_url=server.url)
        async with ChatPlanner(config, [BlobStore(tmp_path / "blobs")]) as planner:
            return await play(planner, tmp_path)

    left = says(f"let me see\n<tool_call>\n{SUM}\n</tool_call>")
    with RehearsalServer(in_order([left, says("<answer>A</answer>")])) as server:
        ended, log = asyncio.run(episode())
    assert ended.status is EpisodeStatus.ANSWERED
    first = log.of("model_call")[0]
    assert isinstance(first, ModelCall)
    assert first.repairs == ("read tool calls that stood in the text",)
    assistant, result = server.requests[1].json["messages"][-2:]
    assert assistant["tool_calls"][0]["function"]["name"] == "sum"
    assert result["role"] == "tool"
