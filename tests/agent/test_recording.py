"""A log that training can trust: every request can be rebuilt from it, byte for byte."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any

import orjson
import pytest

from surveyor.agent.chat.capabilities import DialectName
from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.core.blobs import BlobStore
from surveyor.memory.events import ModelCall
from surveyor.training.rows.sent import body_of
from tests.support.agent_stage import MemoryLog, play
from tests.support.openai_server import RehearsalServer, Reply, in_order, says

LOOK = ("look", '{"frame": "frame_1"}')
SUM = ("sum", '{"a": 1,  "b": 2}')


def told(reply: Reply, prompt: list[int], ids: list[int]) -> Reply:
    """The reply as a server gives it that is asked for token ids."""
    body = orjson.loads(reply.body)
    body["prompt_token_ids"] = prompt
    body["system_fingerprint"] = "fp_weights"
    choice = body["choices"][0]
    choice["token_ids"] = ids
    choice["logprobs"] = {"content": [{"token": "x", "logprob": -0.5} for _ in ids]}
    return Reply(orjson.dumps(body))


def record(
    root: Path, replies: list[Reply], sampling: dict[str, Any] | None = None, **can: Any
) -> tuple[list[ModelCall], list[bytes]]:
    async def episode() -> MemoryLog:
        config = ChatConfig(
            model="test", base_url=server.url, capabilities=can, sampling=sampling or {}
        )
        stores = [BlobStore(root / "blobs")]
        async with ChatPlanner(config, stores, recording=BlobStore(root / "run")) as planner:
            _, log = await play(planner, root)
        return log

    with RehearsalServer(in_order(replies)) as server:
        log = asyncio.run(episode())
    calls = [event for event in log.events if isinstance(event, ModelCall)]
    return calls, [request.body for request in server.requests]


def test_every_request_can_be_rebuilt_from_the_log(tmp_path: Path) -> None:
    replies = [says("so", calls=(LOOK,)), says(calls=(SUM, LOOK)), says("<answer>A</answer>")]
    calls, bodies = record(tmp_path, replies)
    kept, pixels = BlobStore(tmp_path / "run"), [BlobStore(tmp_path / "blobs")]
    assert len(bodies) == 3
    for position, (call, body) in enumerate(zip(calls, bodies, strict=True)):
        assert call.body == hashlib.sha256(body).hexdigest()
        assert body_of(kept, calls, position, pixels) == body
    assert [call.shared for call in calls] == [0, 2, 5]
    assert len({call.settings for call in calls}) == 1


@pytest.mark.parametrize("dialect", [name for name in DialectName if name is not DialectName.CODE])
def test_settings_that_are_kept_once_are_those_of_every_turn(
    tmp_path: Path, dialect: DialectName
) -> None:
    many = [says("hm")] * 4
    told: dict[str, int] = {}
    for seed in (1, 2):  # a second conversation, of the same planner's kind, has its own
        sampling = {"temperature": 0.5, "seed": seed}
        calls, bodies = record(tmp_path, many, sampling=sampling, dialect=dialect)
        assert len(calls) == len(bodies) > 1
        assert len({call.settings for call in calls}) == 1
        kept = BlobStore(tmp_path / "run")
        for position, body in enumerate(bodies):
            sent = orjson.loads(body)
            assert body_of(kept, calls, position, [BlobStore(tmp_path / "blobs")]) == body
            del sent["messages"]
            told[calls[position].settings] = sent["seed"]
            assert orjson.loads(kept.get(calls[position].settings)) == sent
    assert sorted(told.values()) == [1, 2]


def test_pictures_that_were_made_smaller_are_kept_as_they_were_sent(tmp_path: Path) -> None:
    replies = [says(calls=(LOOK,)), says(calls=(LOOK,)), says("<answer>A</answer>")]
    calls, bodies = record(tmp_path, replies, max_pixels=100, max_images=3)
    kept = BlobStore(tmp_path / "run")
    for position, body in enumerate(bodies):
        assert body_of(kept, calls, position, []) == body, "no frame is needed: all were shrunk"
    grown = [call.shared + len(call.sent) for call in calls]
    assert calls[2].shared < grown[1], "making room rewrites what was sent before"


def test_tokens_are_kept_once(tmp_path: Path) -> None:
    first = told(says(calls=(SUM,)), [1, 2, 3], [4, 5])
    second = told(says("<answer>A</answer>"), [1, 2, 3, 4, 5, 6], [7])
    calls, _ = record(tmp_path, [first, second])
    kept = BlobStore(tmp_path / "run")
    assert [orjson.loads(kept.get(call.prompt_tokens)) for call in calls] == [[1, 2, 3], [6]]
    assert [call.shared_tokens for call in calls] == [0, 5]
    assert calls[0].token_ids == (4, 5)
    assert calls[0].logprobs == (-0.5, -0.5)
    assert calls[1].weights == "fp_weights"
