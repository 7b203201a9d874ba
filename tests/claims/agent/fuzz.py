"""Fuzzing: broken model outputs, thousands of them, through the real loop in both dialects."""

from __future__ import annotations

import asyncio
import json
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from surveyor.agent.chat.capabilities import DialectName
from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.agent.limits import Limits
from surveyor.agent.loop import run_episode
from surveyor.core.blobs import BlobStore
from surveyor.memory.events import EpisodeStatus
from surveyor.tools.workspace import Workspace
from tests.claims.agent.instant_tools import (
    MemoryLog,
    instant_tools,
    make_tasks,
    no_experts,
    pictures,
)
from tests.claims.claim import Claim

_SOUND_TEXTS = (
    '<think>far</think><tool_call>{"name": "sum", "arguments": {"a": 1, "b": 2}}</tool_call>',
    '<tool_call>{"name": "look", "arguments": {"frame": "frame_0"}}</tool_call>' * 2,
    '<think>a chair</think><skill_choice>{"name": "s"}</skill_choice><answer>A</answer>',
    "<answer>B</answer>",
    "The lamp is closer, so B.",
    '{"name": "sum", "arguments": {"a": 1}}',
    "",
)
_SHARDS = (
    *("<think>", "</think>", "<tool_call>", "</tool_call>", "<answer>", "</answer>"),
    *("<skill_choice>", "{", "}", "[", "]", '"', "'", "\\", "```json\n", "\n```", "null", "NaN"),
    *("1e999", "-0", "True", "\x00", "\ud800", "\U0001f600", "\u202e", "[" * 3000, "{" * 3000),
    *('{"name":', '"arguments":', '"parameters":', ",", ":", "9" * 400, "\t", "\r\n", "<|im_end|>"),
)
_ODDITIES: tuple[Any, ...] = (
    *(None, 0, -1, 1e308, True, "", " ", [], {}, [None], {"a": {}}, "x" * 5000, "\ud83d"),
    *([{"type": "text", "text": None}], [{"type": "text", "text": "<answer>A</answer>"}], ["B"]),
)
_SOUND_CALLS = (
    ("sum", '{"a": 1, "b": 2}'),
    ("look", '{"frame": "frame_1"}'),
    ("look", '{"frame": "frame_9"}'),
    ("fly", "{}"),
)


def mutants(number: int, seed: int) -> Iterator[dict[str, Any]]:
    """``number`` assistant messages: sound ones with random damage to text, calls and types."""
    dice = random.Random(seed)
    for _ in range(number):
        message: dict[str, Any] = {
            "role": "assistant",
            "content": _damaged(dice, dice.choice(_SOUND_TEXTS)),
        }
        if dice.random() < 0.6:
            message["tool_calls"] = [_call(dice) for _ in range(dice.choice((1, 1, 2, 5)))]
        if dice.random() < 0.15:
            message[dice.choice(("content", "tool_calls", "reasoning_content"))] = dice.choice(
                _ODDITIES
            )
        yield message


def _damaged(dice: random.Random, text: str) -> str:
    for _ in range(dice.choice((0, 1, 1, 2, 4, 12))):
        at = dice.randint(0, len(text))
        until = min(len(text), at + dice.choice((0, 0, 1, 3, 20)))
        text = text[:at] + dice.choice((*_SHARDS, "", "")) + text[until:]
    return text


def _call(dice: random.Random) -> Any:
    if dice.random() < 0.1:
        return dice.choice(_ODDITIES)
    name, arguments = dice.choice(_SOUND_CALLS)
    function: dict[str, Any] = {"name": name, "arguments": _damaged(dice, arguments)}
    call: dict[str, Any] = {"id": f"c{dice.randint(0, 9)}", "function": function}
    if dice.random() < 0.2:
        function[dice.choice(("name", "arguments"))] = dice.choice(_ODDITIES)
    if dice.random() < 0.2:
        call[dice.choice(("id", "function", "type"))] = dice.choice(_ODDITIES)
    return call


class _Outputs(httpx2.AsyncBaseTransport):
    """Gives each mutant once, as a completion; remembers how many were taken."""

    def __init__(self, messages: Iterator[dict[str, Any]]) -> None:
        self._messages = messages
        self.taken = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        message = next(self._messages, {"content": "<answer>A</answer>"})
        self.taken += 1
        finish = "length" if self.taken % 7 == 0 else "stop"
        body = json.dumps({"choices": [{"message": message, "finish_reason": finish}]})
        return httpx2.Response(200, content=body.encode(), request=request)


@dataclass(frozen=True, slots=True)
class FuzzCount:
    """What became of the outputs of one dialect; ``ends`` counts episodes by status."""

    outputs: int
    logged: int
    outcomes: Counter[str]
    ends: Counter[EpisodeStatus]


async def _fuzz(dialect: DialectName, number: int, seed: int, root: Path) -> FuzzCount:
    outputs = _Outputs(mutants(number, seed))
    blobs = BlobStore(root)
    config = ChatConfig(model="fuzz", attempts=1, capabilities={"dialect": dialect})
    registry, (task,) = instant_tools(), make_tasks(1, pictures(blobs, 2, 8))
    experts = no_experts(blobs)
    outcomes: Counter[str] = Counter()
    ends: Counter[EpisodeStatus] = Counter()
    async with ChatPlanner(config, [blobs], transport=outputs) as planner:
        while outputs.taken < number:
            log, workspace = MemoryLog(), Workspace(task, experts)
            limits = Limits(turns=12, mistakes=6)
            ended = await run_episode(task, planner, registry, workspace, log, limits)
            ends[ended.status] += 1
            outcomes.update(event.type for event in log.events)
    return FuzzCount(outputs.taken, outcomes["model_call"], outcomes, ends)


def fuzz(number: int = 10_000, seed: int = 0) -> list[Claim]:
    """Every output is logged and becomes an answer, results, a format error or a limit; an
    exception that left the loop would leave this function too."""
    claims = []
    with tempfile.TemporaryDirectory() as folder:
        for dialect in DialectName:
            count = asyncio.run(_fuzz(dialect, number, seed, Path(folder)))
            unlogged = count.outputs - count.logged
            accidents = count.ends[EpisodeStatus.INCOMPLETE] + count.ends[EpisodeStatus.FAILED]
            note = ", ".join(
                f"{count.outcomes[kind]} {kind}"
                for kind in ("answer", "tool_result", "format_error", "limit_hit")
            )
            claims += [
                Claim.at_least(f"fuzzed outputs played ({dialect})", count.outputs, number, note),
                Claim.at_most(f"outputs not accounted for ({dialect})", unlogged, 0),
                Claim.at_most(f"episodes that ended any other way ({dialect})", accidents, 0),
            ]
    return claims
