"""Tools of MCP servers, as tools of ours: listed once, called like any other.

Needs the ``mcp`` extra. What a foreign server says is untrusted text: it reaches the planner as a
tool result and nothing else.
"""

from __future__ import annotations

import base64
import re
import shlex
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx2
from pydantic import ConfigDict

from surveyor.core.errors import ModelMistake, ServiceUnavailable, UserError
from surveyor.memory.events import Producer
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.workspace import Workspace

if TYPE_CHECKING:
    from mcp import Client


@asynccontextmanager
async def mcp_tools(server: Any, prefix: str = "") -> AsyncIterator[tuple[Tool[Any], ...]]:
    """Connect to ``server`` and yield its tools.

    ``server`` is a URL, a command line that speaks MCP on stdin and stdout, or anything else that
    `mcp.Client` takes. ``prefix`` goes before every name, so that two servers cannot clash. Raises
    `UserError` when the ``mcp`` extra is not installed and when the server cannot be reached.
    """
    try:
        from mcp import Client, StdioServerParameters
    except ImportError:
        raise UserError("this needs the mcp extra: pip install 'surveyor[mcp]'") from None
    told = server if isinstance(server, str) else type(server).__name__
    if isinstance(server, str) and not server.startswith(("http://", "https://")):
        command, *arguments = shlex.split(server) or [""]
        server = StdioServerParameters(command=command, args=arguments)
    async with AsyncExitStack() as stack:
        try:
            client = await stack.enter_async_context(Client(server))
            listed = await _listed(client)
        except _failures() as error:
            raise UserError(f"the MCP server {told} cannot be used: {_cause(error)}") from None
        yield tuple(_adopted(client, tool, prefix) for tool in listed)


async def _listed(client: Client) -> list[Any]:
    """Every tool, page by page."""
    page = await client.list_tools()
    tools = list(page.tools)
    while page.next_cursor:
        page = await client.list_tools(cursor=page.next_cursor)
        tools += page.tools
    return tools


def _failures() -> tuple[type[Exception], ...]:
    """Everything that a foreign server, or the way to it, can do to a call."""
    from anyio import BrokenResourceError, ClosedResourceError, EndOfStream
    from mcp import MCPError

    streams = (BrokenResourceError, ClosedResourceError, EndOfStream)
    return (MCPError, httpx2.HTTPError, OSError, ValueError, RuntimeError, ExceptionGroup, *streams)


def _cause(error: BaseException) -> str:
    """The first plain error in a group, in words."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__


def _adopted(client: Client, remote: Any, prefix: str) -> Tool[Any]:
    async def run(asked: Arguments, workspace: Workspace) -> ToolResult:
        try:
            result = await client.call_tool(remote.name, asked.model_dump(mode="json"))
        except _failures() as error:
            raise ServiceUnavailable(
                f"the MCP tool {remote.name} failed: {_cause(error)}"
            ) from error
        text = "\n".join(part.text for part in result.content if part.type == "text")
        if result.is_error:
            raise ModelMistake(text or f"{remote.name} refused the call")
        images = tuple(
            workspace.experts.blobs.put(base64.b64decode(part.data), part.mime_type)
            for part in result.content
            if part.type == "image"
        )
        info = client.server_info
        producer = Producer(
            name=info.name if info else "mcp", version=info.version if info else "", backend="mcp"
        )
        return ToolResult(
            text or "done", data=result.structured_content, images=images, producers=(producer,)
        )

    description = (remote.description or remote.name).strip()
    arguments = _arguments(remote.name, remote.input_schema)
    return Tool(_name(prefix + remote.name), description, arguments, Effects.EXPERT, run)


def _name(name: str) -> str:
    """A name that every provider takes: letters, digits, ``_`` and ``-``, at most 64."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64]


def _arguments(name: str, schema: dict[str, Any]) -> type[Arguments]:
    """Arguments that are checked by their owner: any object passes, the schema is the server's."""

    class Remote(Arguments):
        model_config = ConfigDict(frozen=True, extra="allow")

        @classmethod
        def model_json_schema(cls, *_args: Any, **_kwargs: Any) -> dict[str, Any]:
            return dict(schema)

    Remote.__name__ = f"{name}_arguments"
    return Remote
