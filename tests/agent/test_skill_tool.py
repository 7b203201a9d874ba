"""Loading a skill in full, mid-episode, by name."""

from __future__ import annotations

import asyncio
from pathlib import Path

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.agent.limits import Limits
from surveyor.agent.loop import run_episode
from surveyor.agent.skill_tool import load_skill_tool
from surveyor.core.blobs import BlobStore
from surveyor.core.errors import UserError
from surveyor.memory.events import Answer, ToolStatus
from surveyor.tools.registry import Registry
from surveyor.tools.spec import CallRequest
from tests.support.agent_stage import MemoryLog, make_task, make_workspace
from tests.support.openai_server import RehearsalServer, Request, says

TEXTS = {"dark-rooms": "Restore dark frames first.\n", "far-things": "Zoom before you measure."}
USES = {"dark-rooms": "frames measure dark", "far-things": "objects\nare small"}


def read(name: str) -> str:
    if name not in TEXTS:
        raise UserError(f"there is no skill {name!r}")
    return TEXTS[name]


def test_every_skill_is_listed_with_its_use_and_read_by_name(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path)
    workspace = make_workspace(make_task(blobs), blobs)
    registry = Registry([load_skill_tool(read, USES)])
    (schema,) = registry.schemas
    told = schema["function"]["description"]
    assert "- dark-rooms: frames measure dark\n- far-things: objects are small" in told
    calls = [
        CallRequest("a", "load_skill", '{"name": "dark-rooms"}'),
        CallRequest("b", "load_skill", '{"name": "no-such"}'),
    ]
    good, bad = asyncio.run(registry.execute(0, calls, workspace))
    assert (good.status, good.text) == (
        ToolStatus.OK,
        "# Skill: dark-rooms\nRestore dark frames first.",
    )
    assert bad.status is ToolStatus.MISTAKE
    assert "there is no skill 'no-such'; skills: dark-rooms, far-things" in bad.text


def test_a_large_library_does_not_fill_the_prompt() -> None:
    many = {f"skill-{i:03}": "rooms" for i in range(500)}
    told = load_skill_tool(read, many).description
    assert told.count("\n- ") == 41
    assert told.endswith("- and 460 more")


def test_a_chat_model_loads_one_and_goes_on(tmp_path: Path) -> None:
    def model(request: Request) -> object:
        last = request.json["messages"][-1]
        if last["role"] != "tool":
            return says(calls=(("load_skill", '{"name": "far-things"}'),))
        return says(f"<answer>{'A' if 'Zoom before' in last['content'] else 'B'}</answer>")

    async def play(url: str) -> MemoryLog:
        blobs, log = BlobStore(tmp_path), MemoryLog()
        task = make_task(blobs)
        registry = Registry([load_skill_tool(read, USES)])
        async with ChatPlanner(ChatConfig(model="m", base_url=url), [blobs]) as planner:
            workspace = make_workspace(task, blobs)
            await run_episode(task, planner, registry, workspace, log, Limits())
        return log

    with RehearsalServer(model) as server:  # type: ignore[arg-type]
        log = asyncio.run(play(server.url))
    (answer,) = (event for event in log.events if isinstance(event, Answer))
    assert answer.text == "A"
