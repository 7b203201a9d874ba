"""Tools of MCP servers, as tools of ours: listed once, called like any other.

Needs the ``mcp`` extra. What a foreign server says is untrusted text: it reaches the planner as a
tool result and nothing else.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from pydantic import ConfigDict

from memory.errors import ModelMistake, ServiceUnavailable, UserError
from memory.events import Producer
from tools.spec import Arguments, Effects, Tool, ToolResult
from tools.workspace import Workspace

if TYPE_CHECKING:
    from mcp import Client


@asynccontextmanager
async def mcp_tools(server: Any, prefix: str = "") -> AsyncIterator[tuple[Tool[Any], ...]]:
    """Connect to ``server`` (a URL, or anything that `mcp.Client` takes) and yield its tools.

    ``prefix`` goes before every name, so that two servers cannot clash. Raises `UserError` when
    the ``mcp`` extra is not installed.
    """
    try:
        from mcp import Client
    except ImportError:
        raise UserError("this needs the mcp extra: pip install 'surveyor[mcp]'") from None
    async with Client(server) as client:
        listed = await client.list_tools()
        yield tuple(_adopted(client, tool, prefix) for tool in listed.tools)


def _adopted(client: Client, remote: Any, prefix: str) -> Tool[Any]:
    async def run(asked: Arguments, workspace: Workspace) -> ToolResult:
        from mcp import MCPError

        try:
            result = await client.call_tool(remote.name, asked.model_dump(mode="json"))
        except (MCPError, OSError) as error:
            raise ServiceUnavailable(f"the MCP tool {remote.name} failed: {error}") from error
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
    return Tool(prefix + remote.name, description, arguments, Effects.EXPERT, run)


def _arguments(name: str, schema: dict[str, Any]) -> type[Arguments]:
    """Arguments that are checked by their owner: any object passes, the schema is the server's."""

    class Remote(Arguments):
        model_config = ConfigDict(frozen=True, extra="allow")

        @classmethod
        def model_json_schema(cls, *_args: Any, **_kwargs: Any) -> dict[str, Any]:
            return dict(schema)

    Remote.__name__ = f"{name}_arguments"
    return Remote
