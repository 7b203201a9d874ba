"""Other programs on the other side: the official MCP client, Inspect, and two harnesses' own
base classes, each where it is installed."""

from __future__ import annotations

import asyncio
import importlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from surveyor.agent.interop import lmms_eval, vlmevalkit
from surveyor.agent.interop.inspect_log import RunHeader, ScoredEpisode, write_inspect_log
from surveyor.agent.limits import Limits
from surveyor.agent.loop import run_episode
from surveyor.agent.planner import Turn
from surveyor.agent.scripted import ScriptedPlanner, turns
from surveyor.core.blobs import BlobStore
from surveyor.memory.episodes import fold
from surveyor.tools.builtin import default_tools
from surveyor.tools.registry import Registry
from surveyor.tools.spec import CallRequest
from surveyor.tools.workspace import Workspace
from tests.claims.agent.instant_tools import (
    MemoryLog,
    instant_tools,
    make_tasks,
    no_experts,
    pictures,
)
from tests.claims.claim import Claim


def interop() -> Iterator[Claim]:
    """One row a program; a program that is not installed is a row that says so and misses."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        yield _row("an MCP client lists every tool and calls one", "mcp", _client, root)
        yield _row("inspect_ai reads an exported run back", "inspect_ai.log", _inspect, root)
        yield _row("lmms-eval's base class takes our model", "lmms_eval.api.model", _lmms, root)
        yield _row("VLMEvalKit's base class takes our model", "vlmeval.vlm.base", _vlmeval, root)


def _row(name: str, module: str, check: Callable[[Any, Path], str], root: Path) -> Claim:
    try:
        other = importlib.import_module(module)
    except ImportError:
        return Claim.holds(name, False, "not installed here", f"needs {module.partition('.')[0]}")
    found = check(other, root)
    return Claim.holds(name, not found, note=found)


def _client(mcp: Any, root: Path) -> str:
    """What went wrong, if anything."""
    from surveyor.agent.interop.mcp_server import mcp_server

    blobs = BlobStore(root)
    (task,) = make_tasks(1, pictures(blobs, 4))
    workspace = Workspace(task, no_experts(blobs))
    registry = Registry(default_tools())

    async def talk() -> str:
        async with mcp.Client(mcp_server(registry, workspace)) as client:
            listed = {tool.name for tool in (await client.list_tools()).tools}
            called = await client.call_tool("frames", {"number": 2})
        missing = {tool.name for tool in registry.tools} - listed
        if missing or called.is_error:
            return f"missing {sorted(missing)}; said {called.content}"
        return ""

    return asyncio.run(talk())


def _inspect(log: Any, root: Path) -> str:
    blobs, events = BlobStore(root), MemoryLog()
    (task,) = make_tasks(1, pictures(blobs, 2))
    call = CallRequest("c1", "sum", '{"a": 1, "b": 2}')
    planner = ScriptedPlanner(turns(Turn(calls=(call,)), Turn(answer="A")))
    workspace = Workspace(task, no_experts(blobs))
    asyncio.run(run_episode(task, planner, instant_tools(), workspace, events, Limits()))
    episode = fold(events.events)
    assert episode is not None
    path = root / "run.json"
    write_inspect_log(path, RunHeader("r", "dataset", "m", {}, {}), [ScoredEpisode(episode)])
    (sample,) = log.read_eval_log(str(path)).samples
    made = sample.messages[1].tool_calls[0].function
    return "" if (sample.output.completion, made) == ("A", "sum") else f"read {sample.output}"


def _lmms(other: Any, root: Path) -> str:
    model = lmms_eval.wrap(other.lmms)("m", folder=str(root), base_url="http://127.0.0.1:9/v1")
    return "" if isinstance(model, other.lmms) and not model.is_simple else "another interface"


def _vlmeval(other: Any, root: Path) -> str:
    kind = vlmevalkit.wrap(other.BaseModel)
    model = kind("m", folder=str(root), base_url="http://127.0.0.1:9/v1")
    return "" if isinstance(model, other.BaseModel) and model.is_api else "another interface"
