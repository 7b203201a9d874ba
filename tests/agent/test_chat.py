"""The chat planner over real HTTP, against a server that plays a script."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson
import pytest

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.agent.limits import Limits
from surveyor.core.blobs import BlobStore
from surveyor.core.errors import UserError
from surveyor.memory.events import (
    Answer,
    EpisodeEnded,
    EpisodeStatus,
    LimitHit,
    ModelCall,
    ToolCall,
)
from tests.support.agent_stage import MemoryLog, play
from tests.support.openai_server import RehearsalServer, Reply, Script, fails, in_order, says

FAST: dict[str, Any] = {"backoff": 0.0, "timeout": 5.0}
SUM = ("sum", '{"a": 1,  "b": 2}')
LOOK = ("look", '{"frame": "frame_1"}')


def chat(
    script: Script,
    root: Path,
    limits: Limits | None = None,
    config: dict[str, Any] | None = None,
    **changes: Any,
) -> tuple[EpisodeEnded, MemoryLog, RehearsalServer]:
    """One episode of a chat planner against ``script``."""

    async def episode() -> tuple[EpisodeEnded, MemoryLog]:
        settings = {"model": "test", "base_url": server.url, **FAST, **(config or {})}
        async with ChatPlanner(ChatConfig(**settings), [BlobStore(root / "blobs")]) as planner:
            return await play(planner, root, limits, **changes)

    with RehearsalServer(script) as server:
        ended, log = asyncio.run(episode())
    return ended, log, server


def test_parallel_calls_are_run_and_answered_in_call_order(tmp_path: Path) -> None:
    script = in_order(
        [says("measuring", calls=(SUM, ("sum", '{"a":5,"b":5}'))), says("<answer>A</answer>")]
    )
    ended, log, server = chat(script, tmp_path)
    assert ended.status is EpisodeStatus.ANSWERED
    calls = [e for e in log.events if isinstance(e, ToolCall)]
    assert [c.call_id for c in calls] == ["call_0", "call_1"]
    assert calls[0].raw_arguments == '{"a": 1,  "b": 2}'
    assistant, *results = server.requests[1].json["messages"][-3:]
    assert assistant["tool_calls"][0]["function"]["arguments"] == '{"a": 1,  "b": 2}'
    assert [(r["role"], r["tool_call_id"], r["content"]) for r in results] == [
        ("tool", "call_0", "3 m"),
        ("tool", "call_1", "10 m"),
    ]


def test_what_was_sent_is_a_prefix_of_what_is_sent_next_byte_for_byte(tmp_path: Path) -> None:
    script = in_order([says(calls=(LOOK,)), says("", calls=(SUM,)), says("<answer>B</answer>")])
    _, log, server = chat(script, tmp_path)
    bodies = [request.body.removesuffix(b"]}") for request in server.requests]
    assert len(bodies) == 3
    assert all(later.startswith(earlier) for earlier, later in pairwise(bodies))
    sent = [e.sent_bytes for e in log.events if isinstance(e, ModelCall)]
    assert sent == [len(request.body) for request in server.requests]


def test_frames_go_in_with_handles_and_result_images_move_to_a_user_message(tmp_path: Path) -> None:
    script = in_order([says(calls=(LOOK,)), says("<answer>B</answer>")])
    _, log, server = chat(script, tmp_path)
    first = server.requests[0].json["messages"][1]["content"]
    texts = [part["text"] for part in first if part["type"] == "text"]
    images = [part for part in first if part["type"] == "image_url"]
    assert {"frame_0:", "frame_1:"} <= set(texts)
    assert images[0]["image_url"]["url"].startswith("data:image/png;base64,iVBOR")
    tool, moved = server.requests[1].json["messages"][-2:]
    assert (tool["role"], moved["role"]) == ("tool", "user")
    assert isinstance(tool["content"], str)
    assert [p["type"] for p in moved["content"]] == ["text", "text", "image_url"]
    shown = [e.images for e in log.events if isinstance(e, ModelCall)]
    assert (len(shown[0]), len(shown[1])) == (2, 3)


def test_images_stay_in_tool_messages_where_the_provider_takes_them(tmp_path: Path) -> None:
    script = in_order([says(calls=(LOOK,)), says("<answer>B</answer>")])
    overrides = {"capabilities": {"images_in_tools": True}}
    _, _, server = chat(script, tmp_path, config=overrides)
    last = server.requests[1].json["messages"][-1]
    assert last["role"] == "tool"
    assert last["content"][-1]["type"] == "image_url"


def test_images_by_url_are_never_sent_as_bytes(tmp_path: Path) -> None:
    script = in_order([says(calls=(LOOK,)), says("<answer>B</answer>")])
    config = {"images_base": "http://blobs:1/"}
    _, _, server = chat(script, tmp_path, config=config)
    assert b"base64" not in server.requests[1].body
    assert server.requests[1].body.count(b"http://blobs:1/v1/blobs/") == 3


def test_reasoning_usage_and_raw_text_reach_the_log(tmp_path: Path) -> None:
    reply = says("<answer>A</answer>", reasoning_content="let me see", tokens=(700, 30))
    _, log, _ = chat(in_order([reply]), tmp_path)
    (call,) = log.of("model_call")
    assert isinstance(call, ModelCall)
    assert call.reasoning == "let me see"
    assert (call.usage.input_tokens, call.usage.output_tokens, call.usage.cost) == (700, 30, None)
    assert call.finish == "stop"
    assert call.elapsed >= call.waited >= 0


def test_reasoning_is_given_back_where_the_provider_wants_it(tmp_path: Path) -> None:
    script = in_order([says("", calls=(SUM,), reasoning_content="hm"), says("<answer>A</answer>")])
    overrides = {"capabilities": {"echo_reasoning": "reasoning_content"}}
    _, _, server = chat(script, tmp_path, config=overrides)
    assert server.requests[1].json["messages"][-2]["reasoning_content"] == "hm"


def test_an_opaque_reasoning_item_is_given_back_as_it_came(tmp_path: Path) -> None:
    item = [{"type": "encrypted", "data": "x1"}]
    script = in_order([says("", calls=(SUM,), reasoning_details=item), says("<answer>A</answer>")])
    overrides = {"capabilities": {"echo_reasoning": "reasoning_details"}}
    _, _, server = chat(script, tmp_path, config=overrides)
    assert server.requests[1].json["messages"][-2]["reasoning_details"] == item


def test_an_answer_beside_calls_runs_nothing(tmp_path: Path) -> None:
    script = in_order([says("<answer>A</answer>", calls=(SUM,)), says("<answer>B</answer>")])
    ended, log, server = chat(script, tmp_path)
    assert ended.status is EpisodeStatus.ANSWERED
    assert log.of("tool_call") == []
    refused = server.requests[1].json["messages"][-1]
    assert refused["role"] == "tool"
    assert "same turn" in refused["content"]


@pytest.mark.parametrize(
    ("text", "answer"), [("B", "B"), ("(B).", "B"), ("**A**", "A"), ("B. lamp", "B. lamp")]
)
def test_a_bare_answer_is_taken_and_the_repair_logged(
    tmp_path: Path, text: str, answer: str
) -> None:
    _, log, _ = chat(in_order([says(text)]), tmp_path)
    (call,), (given,) = log.of("model_call"), log.of("answer")
    assert isinstance(call, ModelCall)
    assert isinstance(given, Answer)
    assert given.text == answer
    assert call.repairs == ("took a bare answer without tags",)


@pytest.mark.parametrize("text", ["I think it is the chair", "C", "A or B", "", "a"])
def test_thinking_aloud_is_no_answer(tmp_path: Path, text: str) -> None:
    ended, log, _ = chat(in_order([says(text)]), tmp_path)
    assert ended.status is EpisodeStatus.LIMIT
    (hit,) = log.of("limit_hit")
    assert isinstance(hit, LimitHit)
    assert hit.limit == "mistakes"


def test_a_model_that_calls_nonsense_twenty_times_is_told_what_to_change(tmp_path: Path) -> None:
    nonsense = [says(calls=(("sum", '{"length": 3}'),)), says(calls=(("fly", "{}"),))] * 10
    ended, log, server = chat(in_order(nonsense), tmp_path)
    assert ended.status is EpisodeStatus.LIMIT
    assert len(server.requests) == 3
    told = server.requests[1].json["messages"][-1]["content"]
    assert "length is not an argument" in told
    ids = [e.call_id for e in log.events if isinstance(e, ToolCall)]
    assert len(set(ids)) == len(ids)


def test_broken_arguments_are_not_sent_back_to_break_the_server(tmp_path: Path) -> None:
    script = in_order([says(calls=(("sum", '{"a": 1, '),)), says("<answer>A</answer>")])
    _, log, server = chat(script, tmp_path)
    sent = server.requests[1].json["messages"][-2]["tool_calls"][0]["function"]["arguments"]
    assert sent == "{}"
    (call,) = (e for e in log.events if isinstance(e, ToolCall))
    assert call.raw_arguments == '{"a": 1, '


@pytest.mark.parametrize(
    "trouble",
    [
        fails(429, retry_after="0"),
        fails(503),
        fails(500),
        Reply(status=502, body=b"<html>bad gateway</html>", headers={"content-type": "text/html"}),
        Reply(cut=0),
        Reply(body=b'{"choices": [{"mess', cut=None),
        Reply(body=b'{"choices": []}'),
        says("<answer>A</answer>").__class__(says("x").body, cut=120),
    ],
    ids=["429", "503", "500", "gateway", "hang up", "truncated", "no choice", "cut"],
)
def test_what_may_pass_is_tried_again(tmp_path: Path, trouble: Reply) -> None:
    script = in_order([trouble, trouble, says("<answer>A</answer>")])
    ended, _, server = chat(script, tmp_path)
    assert ended.status is EpisodeStatus.ANSWERED
    assert len(server.requests) == 3


def test_attempts_are_bounded_and_the_episode_is_incomplete(tmp_path: Path) -> None:
    ended, _, server = chat(in_order([fails(500)]), tmp_path, config={"attempts": 4})
    assert ended.status is EpisodeStatus.INCOMPLETE
    assert "4 attempts" in ended.reason
    assert len(server.requests) == 4


def test_patience_bounds_retries_as_well(tmp_path: Path) -> None:
    script = in_order([fails(429, retry_after="60")])
    ended, _, server = chat(script, tmp_path, config={"patience": 30.0})
    assert ended.status is EpisodeStatus.INCOMPLETE
    assert len(server.requests) == 1


def test_a_slow_model_counts_as_unavailable_and_not_as_wrong(tmp_path: Path) -> None:
    slow = Reply(body=says("<answer>A</answer>").body, delay=0.5)
    config = {"attempts": 1, "timeout": 0.05}
    ended, _, _ = chat(in_order([slow]), tmp_path, config=config)
    assert ended.status is EpisodeStatus.INCOMPLETE
    assert "no answer within 0.05 s" in ended.reason


HTML = Reply(b"<!doctype html><p>hello", headers={"content-type": "text/html"})


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (HTML, "answers with a web page"),
        (Reply(HTML.body, 404, HTML.headers), "answers with a web page"),
        (fails(401, "bad key"), "environment variable OPENAI_API_KEY"),
        (fails(404, "model 'test' not found"), "does not know the model 'test'"),
        (fails(400, "tools are not supported"), "tools are not supported"),
        (fails(429, "insufficient_quota"), "no quota left"),
    ],
)
def test_what_the_user_must_mend_is_one_sentence(
    tmp_path: Path, reply: Reply, sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence) as caught:
        chat(in_order([reply]), tmp_path)
    assert "\n" not in str(caught.value)


def test_nobody_listening_is_incomplete_and_a_bad_address_is_the_users(tmp_path: Path) -> None:
    with RehearsalServer(in_order([says("x")])) as gone:
        pass
    config = {"base_url": gone.url, "attempts": 2}
    ended, _, _ = chat(in_order([says("x")]), tmp_path, config=config)
    assert ended.status is EpisodeStatus.INCOMPLETE
    with pytest.raises(UserError, match="must start with http"):
        chat(in_order([says("x")]), tmp_path, config={"base_url": "localhost:8000/v1"})


def test_an_outgrown_context_is_a_limit(tmp_path: Path) -> None:
    script = in_order(
        [says(calls=(SUM,)), fails(400, "This model's maximum context length is 8192")]
    )
    ended, log, _ = chat(script, tmp_path)
    assert ended.status is EpisodeStatus.LIMIT
    (hit,) = log.of("limit_hit")
    assert isinstance(hit, LimitHit)
    assert hit.limit == "context"


@pytest.mark.parametrize("reply", [fails(413, "too large"), fails(400, "content_filter")])
def test_a_request_that_is_refused_for_good_fails_its_episode_only(
    tmp_path: Path, reply: Reply
) -> None:
    ended, _, server = chat(in_order([says(calls=(SUM,)), reply]), tmp_path)
    assert ended.status is EpisodeStatus.FAILED
    assert len(server.requests) == 2


def test_the_key_travels_in_the_header_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAGE_KEY", "sk-secret")
    config = {"key_env": "STAGE_KEY"}
    _, log, server = chat(in_order([says("<answer>A</answer>")]), tmp_path, config=config)
    assert server.requests[0].headers["authorization"] == "bearer sk-secret"
    assert "sk-secret" not in ChatConfig(model="m", **config).model_dump_json()
    assert all("sk-secret" not in event.model_dump_json() for event in log.events)


def test_without_tools_any_text_is_the_answer() -> None:
    from surveyor.agent.chat.capabilities import Capabilities
    from surveyor.agent.chat.native import NativeDialect
    from surveyor.agent.planner import PlannerInput
    from surveyor.core.tasks import AnswerKind, Task

    task = Task(
        id="t",
        dataset="s",
        scene_id="r",
        question_type="q",
        question="?",
        answer_kind=AnswerKind.TEXT,
    )
    dialect = NativeDialect(task, PlannerInput(()), Capabilities())
    assert dialect.request_fields == {}
    assert dialect.read({"content": "a red chair"}, "stop", 0).answer == "a red chair"


def test_arguments_that_came_as_an_object_are_kept_as_json(tmp_path: Path) -> None:
    call = {
        "id": "1",
        "type": "function",
        "function": {"name": "sum", "arguments": {"a": 1, "b": 2}},
    }
    script = in_order([says("", tool_calls=[call]), says("<answer>A</answer>")])
    _, log, _ = chat(script, tmp_path)
    (made,) = (e for e in log.events if isinstance(e, ToolCall))
    assert orjson.loads(made.raw_arguments) == {"a": 1, "b": 2}
    first = log.of("model_call")[0]
    assert isinstance(first, ModelCall)
    assert len(first.repairs) == 1
