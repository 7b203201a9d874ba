"""Tools of MCP servers, as tools of ours: listed once, called like any other.

Needs the ``mcp`` extra. What a foreign server says is untrusted text of any size: it reaches the
planner as a bounded tool result and nothing else. A server that fails, or doesn't answer in time,
leaves the episode incomplete: its outage is not the planner's mistake.
"""

from __future__ import annotations

import asyncio
import re
import shlex
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import httpx2
from pydantic import ConfigDict

from surveyor.agent.chat.proxies import transport_to
from surveyor.agent.interop.mcp_results import result_of, text_of
from surveyor.agent.limits import waiting
from surveyor.core.errors import ModelMistake, ServiceUnavailable, UserError
from surveyor.core.producer import Producer
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.workspace import Workspace

if TYPE_CHECKING:
    from mcp import Client

_CONNECTING = 30.0
_PATIENCE = 60.0
_MOST_PAGES = 100
_MOST_DESCRIPTION = 4000


@asynccontextmanager
async def mcp_tools(
    server: Any, prefix: str = "", patience: float = _PATIENCE
) -> AsyncIterator[tuple[Tool[Any], ...]]:
    """Connect to ``server`` and yield its tools.

    ``server`` is a URL, a command line that speaks MCP on stdin and stdout, or anything else that
    `mcp.Client` takes. ``prefix`` goes before every name, so that two servers cannot clash.
    ``patience`` is seconds for each call. Raises `UserError` when the ``mcp`` extra is not
    installed and when the server cannot be reached.
    """
    try:
        from mcp import Client
    except ImportError:
        raise UserError("this needs the mcp extra: pip install '.[mcp]'") from None
    told = re.sub(r"//[^/]*@", "//", server) if isinstance(server, str) else type(server).__name__
    async with AsyncExitStack() as stack:
        try:
            async with asyncio.timeout(_CONNECTING):
                client = await stack.enter_async_context(Client(await _reached(server, stack)))
                listed = await _listed(client)
        except TimeoutError:
            raise UserError(
                f"the MCP server {told} cannot be used: no answer within {_CONNECTING:g} s"
            ) from None
        except _failures() as error:
            raise UserError(f"the MCP server {told} cannot be used: {_cause(error)}") from None
        yield tuple(_adopted(client, tool, prefix, patience) for tool in listed)


async def _reached(server: Any, stack: AsyncExitStack) -> Any:
    """What `mcp.Client` is to connect to: a URL goes through the environment's proxy as a model's
    does, a command line is split."""
    if not isinstance(server, str):
        return server
    if not server.startswith(("http://", "https://")):
        from mcp import StdioServerParameters

        command, *arguments = shlex.split(server) or [""]
        return StdioServerParameters(command=command, args=arguments)
    from mcp.client.streamable_http import streamable_http_client

    transport = transport_to(httpx2.URL(server))
    timeout = httpx2.Timeout(30.0, read=300.0)  # a server may hold its stream open
    http = httpx2.AsyncClient(transport=transport, timeout=timeout, trust_env=False)
    return streamable_http_client(server, http_client=await stack.enter_async_context(http))


async def _listed(client: Client) -> list[Any]:
    """Every tool, page by page."""
    page = await client.list_tools()
    tools = list(page.tools)
    for _ in range(_MOST_PAGES):
        if not page.next_cursor:
            return tools
        page = await client.list_tools(cursor=page.next_cursor)
        tools += page.tools
    raise ValueError(f"its list of tools has more than {_MOST_PAGES} pages")


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
    return str(error)[:500] or type(error).__name__


def _adopted(client: Client, remote: Any, prefix: str, patience: float) -> Tool[Any]:
    async def run(asked: Arguments, workspace: Workspace) -> ToolResult:
        answer = await _called(client, remote.name, asked, patience)
        if answer.is_error:
            raise ModelMistake(text_of(answer) or f"{remote.name} refused the call")
        info = client.server_info
        producer = Producer(
            name=info.name if info else "mcp", version=info.version if info else "", backend="mcp"
        )
        return replace(result_of(answer, workspace), producers=(producer,))

    description = (remote.description or remote.name).strip()[:_MOST_DESCRIPTION]
    arguments = _arguments(remote.name, remote.input_schema)
    return Tool(_name(prefix + remote.name), description, arguments, Effects.EXPERT, run)


async def _called(client: Client, name: str, asked: Arguments, patience: float) -> Any:
    """The server's answer; while it is waited for, the episode's working clock stands.

    Raises `ModelMistake` for arguments that the server doesn't take, `ServiceUnavailable` for any
    other failure and when there is no answer in time.
    """
    from mcp import MCPError
    from mcp_types import INVALID_PARAMS

    try:
        with waiting():
            async with asyncio.timeout(patience):
                return await client.call_tool(name, asked.model_dump(mode="json"))
    except TimeoutError:
        raise ServiceUnavailable(
            f"the MCP tool {name} gave no answer within {patience:g} s"
        ) from None
    except _failures() as error:
        if isinstance(error, MCPError) and error.code == INVALID_PARAMS:
            raise ModelMistake(f"{name} does not take these arguments: {_cause(error)}") from None
        raise ServiceUnavailable(f"the MCP tool {name} failed: {_cause(error)}") from error


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
