"""Replies of any size: what is read, what is kept, and what the model is told."""

from __future__ import annotations

import asyncio
import gzip
import json
from pathlib import Path

import pytest

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.agent.chat.reply_parser import MOST_ARGUMENTS, MOST_TEXT, kept, made_id
from surveyor.core.blobs import BlobStore
from surveyor.memory.events import EpisodeEnded, EpisodeStatus
from tests.support.agent_stage import MemoryLog, play
from tests.support.openai_server import RehearsalServer, Reply, in_order, says

HUGE = 3_000_000


def chat(first: Reply, root: Path, dialect: str) -> tuple[EpisodeEnded, MemoryLog, int]:
    """An episode whose first reply is ``first``, its log, and the size of the second request."""

    async def episode(url: str) -> tuple[EpisodeEnded, MemoryLog]:
        config = ChatConfig(
            model="m",
            base_url=url,
            backoff=0.0,
            attempts=2,
            capabilities={"dialect": dialect, "images": False},
        )
        async with ChatPlanner(config, [BlobStore(root / "blobs")]) as planner:
            return await play(planner, root)

    with RehearsalServer(in_order([first, says("<answer>A</answer>")])) as server:
        ended, log = asyncio.run(episode(server.url))
    return ended, log, len(server.requests[1].body)


def tagged(arguments: str) -> Reply:
    return says(f'<tool_call>{{"name": "sum", "arguments": {arguments}}}</tool_call>')


LONG = json.dumps({"a": "x" * (MOST_ARGUMENTS + 1)})


@pytest.mark.parametrize(
    ("dialect", "reply", "told"),
    [
        ("native", says("x" * HUGE), "message was 3000000 characters"),
        ("tags", says("x" * HUGE), "message was 3000000 characters"),
        ("native", says(calls=(("sum", LONG),)), "arguments of sum were"),
        ("tags", tagged(LONG), "arguments of sum were"),
        ("native", says(calls=(("s" * HUGE, "{}"),)), "tool name was 3000000 characters"),
    ],
)
def test_what_is_too_long_is_not_run_and_the_model_is_told(
    tmp_path: Path, dialect: str, reply: Reply, told: str
) -> None:
    ended, log, sent = chat(reply, tmp_path, dialect)
    assert ended.status is EpisodeStatus.ANSWERED
    (mistake,) = log.of("format_error")
    assert mistake.type == "format_error"
    assert told in mistake.observation
    assert log.of("tool_call") == []
    assert sent < MOST_TEXT + 20_000
    assert max(len(event.model_dump_json()) for event in log.events) < MOST_TEXT + 20_000


@pytest.mark.parametrize("dialect", ["native", "tags"])
@pytest.mark.parametrize("levels", [60, 70, 250, 500, 900, 1100, 4000])
def test_arguments_of_any_depth_are_a_mistake_of_the_model_and_end_no_run(
    tmp_path: Path, dialect: str, levels: int
) -> None:
    deep = '{"a":' * levels + "1" + "}" * levels
    reply = says(calls=(("sum", deep),)) if dialect == "native" else tagged(deep)
    ended, log, _ = chat(reply, tmp_path, dialect)
    assert ended.status is EpisodeStatus.ANSWERED
    told = [*log.of("format_error"), *log.of("tool_result")]
    assert told
    for event in log.of("tool_call"):
        assert event.type == "tool_call"
        assert (event.arguments is None) == (levels > 64)


def test_long_reasoning_is_kept_to_a_bound(tmp_path: Path) -> None:
    reply = says("<answer>B</answer>", reasoning_content="y" * HUGE)
    ended, log, _ = chat_once(reply, tmp_path)
    (call,) = log.of("model_call")
    assert ended.status is EpisodeStatus.ANSWERED
    assert call.type == "model_call"
    assert call.reasoning.endswith("y [and 2000000 more characters]")


def chat_once(reply: Reply, root: Path) -> tuple[EpisodeEnded, MemoryLog, int]:
    """An episode that the first reply ends."""

    async def episode(url: str) -> tuple[EpisodeEnded, MemoryLog]:
        config = ChatConfig(model="m", base_url=url, backoff=0.0, attempts=2)
        async with ChatPlanner(config, [BlobStore(root / "blobs")]) as planner:
            return await play(planner, root)

    with RehearsalServer(lambda _request: reply) as server:
        ended, log = asyncio.run(episode(server.url))
    return ended, log, len(server.requests)


def test_a_reply_that_unpacks_beyond_all_bounds_leaves_the_episode_incomplete(
    tmp_path: Path,
) -> None:
    body = gzip.compress(says("x" * 100_000_000).body)
    packed = Reply(body, headers={"content-encoding": "gzip"})
    ended, _, requests = chat_once(packed, tmp_path)
    assert ended.status is EpisodeStatus.INCOMPLETE
    assert "larger than 32 MB" in ended.reason
    assert requests == 2


def test_a_note_says_what_was_left_out_and_ids_are_taken_everywhere() -> None:
    assert kept("abc", 3) == "abc"
    assert kept("abcd", 3) == "abc [and 1 more characters]"
    made = {made_id(turn, number) for turn in range(20) for number in range(20)}
    assert len(made) == 400
    assert all(len(i) == 9 and i.isalnum() for i in made)
