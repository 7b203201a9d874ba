"""Every reply of ``tests/fixtures/replies`` through the real loop, against a real local server.

A file holds one reply as it goes over the wire (status, headers, body), the settings that it is
played under, and what is right. ``KEY`` in a body stands for the key that we sent. After it the
server answers A, unless the file says ``always``.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.agent.chat.prompt_profiles import profile_named
from surveyor.agent.limits import Limits
from surveyor.agent.loop import run_episode
from surveyor.core.blobs import BlobStore
from surveyor.core.errors import UserError
from surveyor.core.tasks import AnswerKind
from surveyor.core.untrusted_text import clean
from surveyor.memory.events import EpisodeEnded, Event
from surveyor.memory.log import EpisodeLog, read_events
from surveyor.tools.registry import Registry
from tests.support.agent_stage import TOOLS, make_task, make_workspace
from tests.support.openai_server import RehearsalServer, Reply, Script, in_order, says

KEY = "sk-made-up-0123456789abcdef"
FILES = sorted((Path(__file__).parents[1] / "fixtures" / "replies").glob("*.json"))


def cases() -> list[Any]:
    found = []
    for path in FILES:
        case = json.loads(path.read_text())
        for setting in case["settings"]:
            tools = "tools" if setting["tools"] else "no tools"
            name = f"{path.stem} {setting['profile']} {setting['dialect']} {tools}"
            found.append(pytest.param(case, setting, id=name))
    return found


def script_of(case: dict[str, Any]) -> Script:
    body = case["body"]
    data = body.encode() if isinstance(body, str) else orjson.dumps(body)
    reply = Reply(data.replace(b"KEY", KEY.encode()), case["status"], case["headers"])
    return in_order([reply] if case.get("always") else [reply, says("<answer>A</answer>")])


async def episode(
    case: dict[str, Any], setting: dict[str, Any], url: str, root: Path
) -> EpisodeEnded:
    config = ChatConfig(
        model="m",
        base_url=url,
        key_env="REPLIES_KEY",
        backoff=0.0,
        timeout=20.0,
        patience=20.0,
        attempts=case.get("attempts", 6),
        capabilities={"dialect": setting["dialect"]},
    )
    blobs = BlobStore(root / "blobs")
    kind = AnswerKind(setting.get("kind", "choice"))
    task = make_task(blobs, dataset="vsi-bench", answer_kind=kind)
    workspace = make_workspace(task, blobs)
    tools = TOOLS if setting["tools"] else Registry([])
    profile = profile_named(setting["profile"])
    async with ChatPlanner(config, [blobs], profile=profile) as planner:
        with EpisodeLog(root / "episode.jsonl") as log:
            ended = await run_episode(task, planner, tools, workspace, log, Limits())
    await workspace.experts.aclose()
    return ended


@pytest.mark.parametrize(("case", "setting"), cases())
def test_the_reply_is_taken_for_what_it_is(
    case: dict[str, Any], setting: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPLIES_KEY", KEY)
    expected = case["expected"]
    began = time.monotonic()
    with RehearsalServer(script_of(case)) as server:
        if "error" in expected:
            with pytest.raises(UserError, match=expected["error"]) as refused:
                asyncio.run(episode(case, setting, server.url, tmp_path))
            assert KEY not in clean(str(refused.value))
        else:
            ended = asyncio.run(episode(case, setting, server.url, tmp_path))
            assert ended.status == expected["status"], ended.reason
            assert re.search(expected.get("reason", ""), ended.reason), ended.reason
            assert KEY[:12] not in ended.reason
    assert len(server.requests) == expected["requests"]
    assert time.monotonic() - began >= expected.get("waits", 0.0)
    log = (tmp_path / "episode.jsonl").read_text()
    assert KEY not in log
    assert not re.search(r"\\u00[01]", log)
    check_events(list(read_events(tmp_path / "episode.jsonl")), expected)


def check_events(events: list[Event], expected: dict[str, Any]) -> None:
    """What the log of an episode holds, where the file says something about it."""
    answers = [e.text for e in events if e.type == "answer"]
    assert answers == ([expected["answer"]] if "answer" in expected else [])
    asked = [e for e in events if e.type == "model_call"]
    mistakes = [e.observation for e in events if e.type == "format_error"]
    assert len(mistakes) == len(expected.get("mistakes", []))
    for pattern, told in zip(expected.get("mistakes", []), mistakes, strict=True):
        assert re.search(pattern, told), told
    if "says_not" in expected:
        assert not re.search(expected["says_not"], mistakes[0])
    calls = [e for e in events if e.type == "tool_call"]
    if "calls" in expected:
        assert [call.arguments for call in calls] == expected["calls"]
    assert all(re.search(expected.get("ids", ""), call.call_id) for call in calls)
    outcomes = [e.text for e in events if e.type == "tool_result"]
    for pattern, told in zip(expected.get("mistakes_of_calls", []), outcomes, strict=False):
        assert re.search(pattern, told), told
    repairs = [repair for call in asked for repair in call.repairs]
    assert set(expected.get("repairs", [])) <= set(repairs)
    if "reasoning" in expected:
        assert expected["reasoning"] in asked[0].reasoning
    if "text" in expected:
        assert asked[0].text == expected["text"]
    limits = [e.limit for e in events if e.type == "limit_hit"]
    assert limits == ([expected["limit"]] if "limit" in expected else [])


def test_the_corpus_is_not_lost() -> None:
    assert len(FILES) >= 60
