"""MCP both ways, with the official SDK on the other side where it is installed."""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from surveyor.agent.survey.tool import survey_tool
from surveyor.core.blobs import BlobStore
from surveyor.core.errors import UserError
from surveyor.memory.events import ToolStatus
from surveyor.tools.builtin import default_tools
from surveyor.tools.registry import Registry
from surveyor.tools.spec import CallRequest
from surveyor.tools.workspace import Workspace
from tests.benchmarks.bench import make_dataset
from tests.support.agent_stage import TOOLS, make_task, make_workspace
from tests.support.box_room import BoxRoom
from tests.tools.conftest import make_client

mcp: Any = pytest.importorskip("mcp", reason="the mcp extra is not installed")


def on_stage(root: Path) -> Any:
    from surveyor.agent.interop.mcp_server import mcp_server

    blobs = BlobStore(root)
    return mcp_server(TOOLS, make_workspace(make_task(blobs), blobs))


def test_a_client_lists_and_calls_our_tools(tmp_path: Path) -> None:
    async def talk() -> None:
        async with mcp.Client(on_stage(tmp_path)) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert set(tools) == {"sum", "look", "broken"}
            assert tools["sum"].input_schema["required"] == ["a", "b"]
            assert tools["sum"].annotations.read_only_hint is True
            total = await client.call_tool("sum", {"a": 1, "b": 2})
            assert (total.is_error, total.content[0].text) == (False, "3 m")
            assert total.structured_content["data"] == 3
            shown = await client.call_tool("look", {"frame": "frame_1"})
            assert [part.type for part in shown.content] == ["text", "image"]
            assert shown.content[1].mime_type == "image/png"
            wrong = await client.call_tool("sum", {"a": 1})
            assert wrong.is_error
            assert "b is missing" in wrong.content[0].text

    asyncio.run(talk())


def test_a_tool_that_has_others_called_works_for_a_client(tmp_path: Path) -> None:
    from surveyor.agent.interop.mcp_server import mcp_server

    room = BoxRoom(BlobStore(tmp_path / "frames"))
    workspace = Workspace(room.task("How many chairs?", (), True), make_client(room, tmp_path))
    registry = Registry([survey_tool(frames=True)], inner=default_tools())

    async def talk() -> None:
        async with mcp.Client(mcp_server(registry, workspace)) as client:
            seen = await client.call_tool("survey", {"categories": ["chair", "sofa"]})
            assert "obj_1" in seen.content[0].text, seen.content[0].text
            inner = await client.call_tool("detect", {"frames": ["frame_0"], "phrases": ["sofa"]})
            assert "there is no tool 'detect'" in inner.content[0].text, "it was not offered"

    asyncio.run(talk())


def test_survey_is_served_where_it_is_named(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "tiny")
    experts = [
        {"expert": name, "url": "http://127.0.0.1:9", "pid": 1, "backend": "x"}
        for name in ("detect", "segment", "depth", "reconstruct")
    ]
    endpoints = tmp_path / "endpoints.json"
    endpoints.write_text(json.dumps({"contract": "1", "supervisor": 1, "experts": experts}))
    said = {"protocolVersion": "2024-11-05", "capabilities": {}}
    said["clientInfo"] = {"name": "test", "version": "1"}
    lines = [
        {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": said},
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/list"},
    ]

    def offered(*typed: str) -> set[str]:
        command = [sys.executable, "-m", "surveyor.cli.main", "mcp", str(dataset.path), "attic"]
        command += ["--experts", str(endpoints), *typed]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen(command, **pipes) as server:  # type: ignore[call-overload]
            server.stdin.write("".join(json.dumps(line) + "\n" for line in lines))
            server.stdin.flush()
            replies = [json.loads(server.stdout.readline()) for _ in range(2)]
            server.stdin.close()
        return {tool["name"] for tool in replies[1]["result"]["tools"]}

    assert offered("--tools", "survey") == {"survey"}
    assert {"survey", "distance"} <= offered("--tools", "measure")
    assert "survey" not in offered()


def test_a_foreign_servers_tools_become_ours(tmp_path: Path) -> None:
    from surveyor.agent.interop.mcp_tools import mcp_tools

    async def talk() -> None:
        blobs = BlobStore(tmp_path / "ours")
        workspace = make_workspace(make_task(blobs), blobs)
        async with mcp_tools(on_stage(tmp_path / "theirs"), prefix="far_") as tools:
            registry = Registry(tools)
            schema = registry.schemas[0]["function"]
            assert schema["name"] == "far_sum"
            assert schema["parameters"]["required"] == ["a", "b"]
            calls = [
                CallRequest("1", "far_sum", '{"a": 2, "b": 3}'),
                CallRequest("2", "far_sum", '{"a": 2}'),
                CallRequest("3", "far_look", '{"frame": "frame_0"}'),
            ]
            good, wrong, shown = await registry.execute(0, calls, workspace)
        assert (good.status, good.text) == (ToolStatus.OK, "5 m")
        assert wrong.status is ToolStatus.MISTAKE
        assert "b is missing" in wrong.text
        assert shown.images[0].sha256 in blobs
        assert good.producers[0].backend == "mcp"

    asyncio.run(talk())


SERVER = """
import asyncio
from mcp.server.mcpserver import MCPServer

server = MCPServer("shelf")

@server.tool()
def double(metres: float) -> str:
    'Twice a length.'
    return f"{2 * metres:g} m"

@server.tool(name="odd name!")
def odd() -> str:
    'Nothing.'
    return "odd"

asyncio.run(server.run_stdio_async())
"""


def test_a_command_line_that_speaks_mcp_is_started_and_its_tools_taken(tmp_path: Path) -> None:
    from surveyor.agent.interop.mcp_tools import mcp_tools

    (tmp_path / "server.py").write_text(SERVER)

    async def talk() -> None:
        blobs = BlobStore(tmp_path)
        workspace = make_workspace(make_task(blobs), blobs)
        # The SDK starts a server with few environment variables, and not with this one.
        path = f"PYTHONPATH={os.environ.get('PYTHONPATH', '')}"
        command = shlex.join(["env", path, sys.executable, str(tmp_path / "server.py")])
        async with mcp_tools(command, prefix="shelf_") as tools:
            assert [tool.name for tool in tools] == ["shelf_double", "shelf_odd_name_"]
            registry = Registry(tools)
            calls = [
                CallRequest("1", "shelf_double", '{"metres": 1.5}'),
                CallRequest("2", "shelf_odd_name_", "{}"),
            ]
            outcomes = await registry.execute(0, calls, workspace)
        assert [outcome.text for outcome in outcomes] == ["3 m", "odd"]

    asyncio.run(talk())


@pytest.mark.parametrize("server", ["no-such-program --x", "http://127.0.0.1:9/mcp", ""])
def test_a_server_that_cannot_be_reached_is_one_sentence(server: str) -> None:
    from surveyor.agent.interop.mcp_tools import mcp_tools

    async def talk() -> None:
        async with mcp_tools(server):
            pass

    with pytest.raises(UserError, match="cannot be used"):
        asyncio.run(talk())
