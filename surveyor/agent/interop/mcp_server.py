"""Surveyor's tools as an MCP server: any MCP client can look at and measure one scene.

A server process holds one workspace, so handles made by one call can be used by the next. Needs
the ``mcp`` extra.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import orjson

from surveyor.core.blobs import BlobRef
from surveyor.core.errors import UserError
from surveyor.memory.events import ToolOutcome, ToolStatus
from surveyor.tools.nesting import performer, within
from surveyor.tools.registry import Registry
from surveyor.tools.spec import CallRequest, Effects, Tool
from surveyor.tools.workspace import Workspace

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

_OUTPUT = {
    "type": "object",
    "properties": {
        "text": {"type": "string", "description": "the result with units, frame and confidence"},
        "data": {"description": "the same as JSON"},
        "handles": {"type": "array", "items": {"type": "string"}, "description": "made by this"},
        "sources": {"type": "array", "items": {"type": "string"}, "description": "it rests on"},
    },
    "required": ["text", "data", "handles", "sources"],
}


def mcp_server(registry: Registry, workspace: Workspace, name: str = "surveyor") -> Server[Any]:
    """A server that lists and calls ``registry``'s tools on ``workspace``.

    A call that the caller got wrong comes back as a result marked as an error, with the sentence
    that says what to change. Raises `UserError` when the ``mcp`` extra is not installed.
    """
    try:
        from mcp import types
        from mcp.server.lowlevel import Server
    except ImportError:
        raise UserError("this needs the mcp extra: pip install '.[mcp]'") from None

    calls = 0

    async def list_tools(_context: Any, _params: Any) -> types.ListToolsResult:
        return types.ListToolsResult(
            tools=[types.Tool.model_validate(_described(tool)) for tool in registry.tools]
        )

    async def inner(
        parent: str, wanted: Sequence[CallRequest], _why: str
    ) -> tuple[ToolOutcome, ...]:
        token = within.set(parent)
        try:
            return await registry.execute(calls, wanted, workspace)
        finally:
            within.reset(token)

    async def call_tool(_context: Any, params: Any) -> types.CallToolResult:
        nonlocal calls
        calls += 1
        raw = orjson.dumps(params.arguments or {}).decode()
        request = CallRequest(f"mcp_{calls}", params.name, raw)
        performer.set(inner)
        (outcome,) = await registry.execute(calls, (request,), workspace)
        content = [{"type": "text", "text": outcome.text}]
        content += [_image(workspace, ref) for ref in outcome.images]
        return types.CallToolResult.model_validate(
            {
                "content": content,
                "structured_content": _structured(outcome),
                "is_error": outcome.status is not ToolStatus.OK,
            }
        )

    frames = ", ".join(workspace.frame_handles) or "none"
    told = f"Measure a real place from frames of a video. Frames: {frames}. Units are metres."
    return Server(name, instructions=told, on_list_tools=list_tools, on_call_tool=call_tool)


async def serve_stdio(server: Server[Any]) -> None:
    """Speak MCP on stdin and stdout until the client hangs up."""
    from mcp.server.stdio import stdio_server

    async with stdio_server() as (read, write):
        await server.run(read, write, server.create_initialization_options())


def _described(tool: Tool[Any]) -> dict[str, Any]:
    return {
        "name": tool.name,
        "description": tool.description,
        "input_schema": {"type": "object", **tool.schema["function"]["parameters"]},
        "output_schema": _OUTPUT,
        "annotations": {
            "read_only_hint": tool.effects is not Effects.ACTION,
            "open_world_hint": False,
        },
    }


def _structured(outcome: ToolOutcome) -> dict[str, Any]:
    return {
        "text": outcome.text,
        "data": outcome.data,
        "handles": list(outcome.handles),
        "sources": list(outcome.sources),
    }


def _image(workspace: Workspace, ref: BlobRef) -> dict[str, str]:
    data = base64.b64encode(workspace.experts.image(ref.sha256)).decode()
    return {"type": "image", "data": data, "mime_type": ref.media_type}
