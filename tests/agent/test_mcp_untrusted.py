"""Foreign tools that hang, die, or answer more than anybody can read."""

from __future__ import annotations

import asyncio
import base64
import os
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from surveyor.agent.limits import Limits
from surveyor.agent.loop import run_episode
from surveyor.agent.planner import Turn
from surveyor.agent.scripted import ScriptedPlanner, turns
from surveyor.core.blobs import BlobStore
from surveyor.memory.events import EpisodeEnded, EpisodeStatus, ToolOutcome, ToolStatus
from surveyor.tools.registry import Registry
from surveyor.tools.spec import CallRequest
from tests.support.agent_stage import MemoryLog, make_task, make_workspace, png

mcp: Any = pytest.importorskip("mcp", reason="the mcp extra is not installed")


def stranger() -> Any:
    """A server whose tools misbehave, each in its own way."""
    from mcp.server.mcpserver import MCPServer
    from mcp_types import CallToolResult, ImageContent

    server = MCPServer("stranger")

    @server.tool()
    async def hang() -> str:
        """Never answers."""
        await asyncio.sleep(600)
        return ""

    @server.tool()
    def flood(size: int) -> str:
        """Answers a lot."""
        return "x" * size

    @server.tool()
    def grumble(size: int) -> str:
        """Refuses at length."""
        raise ValueError("no " * size)

    @server.tool(structured_output=False)
    def pictures() -> Any:
        """Two pictures, and two things that are called pictures."""
        good = base64.b64encode(png((9, 9, 9))).decode()
        shown = [
            ImageContent(type="image", data=good, mime_type="image/png"),
            ImageContent(type="image", data=good, mime_type='image/png","x":"'),
            ImageContent(type="image", data="not base64!", mime_type="image/png"),
            ImageContent(type="image", data="AAAA", mime_type="image/jpeg"),
        ]
        return CallToolResult(content=list(shown))

    return server


def play(
    root: Path, server: Any, name: str, arguments: str = "{}"
) -> tuple[EpisodeEnded, ToolOutcome]:
    """An episode in which a planner calls one tool of the stranger, then answers."""
    from surveyor.agent.interop.mcp_tools import mcp_tools

    async def episode() -> tuple[EpisodeEnded, MemoryLog]:
        blobs, log = BlobStore(root / "blobs"), MemoryLog()
        task = make_task(blobs)
        calls = Turn(calls=(CallRequest("1", f"far_{name}", arguments),))
        planner = ScriptedPlanner(turns(calls, Turn(answer="A")))
        patience = 0.3 if name == "hang" else 60.0
        async with mcp_tools(server, prefix="far_", patience=patience) as tools:
            workspace = make_workspace(task, blobs)
            ended = await run_episode(task, planner, Registry(tools), workspace, log, Limits())
            await workspace.experts.aclose()
        return ended, log

    ended, log = asyncio.run(episode())
    (outcome,) = log.of("tool_result")
    assert isinstance(outcome, ToolOutcome)
    return ended, outcome


def test_a_tool_that_hangs_leaves_the_episode_incomplete(tmp_path: Path) -> None:
    ended, outcome = play(tmp_path, stranger(), "hang")
    assert ended.status is EpisodeStatus.INCOMPLETE
    assert "gave no answer within 0.3 s" in ended.reason
    assert outcome.status is ToolStatus.FAILED


_DIES = """
import asyncio, os
from mcp.server.mcpserver import MCPServer

server = MCPServer("mortal")

@server.tool()
def die() -> str:
    'Takes the server with it.'
    os._exit(3)

asyncio.run(server.run_stdio_async())
"""


def test_a_server_that_dies_leaves_the_episode_incomplete(tmp_path: Path) -> None:
    (tmp_path / "server.py").write_text(_DIES)
    path = f"PYTHONPATH={os.environ.get('PYTHONPATH', '')}"
    command = shlex.join(["env", path, sys.executable, str(tmp_path / "server.py")])
    ended, outcome = play(tmp_path, command, "die")
    assert ended.status is EpisodeStatus.INCOMPLETE
    assert outcome.status is ToolStatus.FAILED


def test_a_flood_is_cut_and_says_so(tmp_path: Path) -> None:
    ended, outcome = play(tmp_path, stranger(), "flood", '{"size": 3000000}')
    assert ended.status is EpisodeStatus.ANSWERED
    assert len(outcome.text) < 51_000
    assert "[cut: the result has 3000000 characters" in outcome.text
    assert outcome.text.endswith("[its structured data is too large or too deep and was left out]")
    assert outcome.data is None


def test_a_long_refusal_is_cut_too(tmp_path: Path) -> None:
    _, outcome = play(tmp_path, stranger(), "grumble", '{"size": 100000}')
    assert outcome.status is ToolStatus.MISTAKE
    assert len(outcome.text) < 51_000


def test_only_pictures_are_taken_for_pictures(tmp_path: Path) -> None:
    ended, outcome = play(tmp_path, stranger(), "pictures")
    assert ended.status is EpisodeStatus.ANSWERED
    (image,) = outcome.images
    assert (image.media_type, image.width, image.height) == ("image/png", 32, 24)
    assert outcome.text == "[3 of 4 images cannot be shown]"


def test_a_server_on_our_own_machine_is_not_asked_through_a_proxy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from surveyor.agent.interop.mcp_tools import mcp_tools
    from surveyor.core.errors import UserError

    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:9")
    monkeypatch.delenv("no_proxy", raising=False)

    async def connect(url: str) -> None:
        async with mcp_tools(url):
            pass

    with pytest.raises(UserError, match="cannot be used") as refused:
        asyncio.run(connect("http://me:secret@127.0.0.1:9/mcp"))
    assert "secret" not in str(refused.value)
    assert "socks" not in str(refused.value)
