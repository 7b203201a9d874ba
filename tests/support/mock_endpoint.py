"""A rehearsal: an OpenAI-compatible server that plays a script over real HTTP.

It knows no model. Tests, `surveyor doctor`'s own tests and the measurements of the agent's cost use
it to have exact replies, exact faults and no weights. It answers from a thread of its own, or from
a process of its own when the CPU time of the caller is what is being measured.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self, TypeAlias

import orjson


@dataclass(frozen=True, slots=True)
class Request:
    """What came in; ``number`` counts requests from 0."""

    number: int
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, Any]:
        """The body as JSON."""
        value: dict[str, Any] = orjson.loads(self.body)
        return value

    @property
    def turn(self) -> int:
        """How often the assistant has spoken in this conversation."""
        return sum(message["role"] == "assistant" for message in self.json["messages"])


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes out: ``cut`` closes the connection after that many bytes of the response."""

    body: bytes = b"{}"
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    delay: float = 0.0
    cut: int | None = None

    def encoded(self) -> bytes:
        """The response on the wire."""
        lines = [f"HTTP/1.1 {self.status} {self.status}", f"content-length: {len(self.body)}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        data = "\r\n".join(lines).encode() + b"\r\n\r\n" + self.body
        return data if self.cut is None else data[: self.cut]


Script: TypeAlias = Callable[[Request], Reply]


def says(
    text: str | None = None,
    *,
    calls: tuple[tuple[str, str], ...] = (),
    finish: str | None = None,
    tokens: tuple[int, int] = (100, 10),
    ids: str = "call_",
    **fields: Any,
) -> Reply:
    """A chat completion with ``text`` and ``calls`` as (tool name, raw arguments), whose ids begin
    with ``ids``."""
    message: dict[str, Any] = {"role": "assistant", "content": text, **fields}
    if calls:
        message["tool_calls"] = [
            {"id": f"{ids}{i}", "type": "function", "function": {"name": n, "arguments": a}}
            for i, (n, a) in enumerate(calls)
        ]
    reason = finish or ("tool_calls" if calls else "stop")
    completion = {
        "id": "rehearsed",
        "object": "chat.completion",
        "created": 0,
        "model": "rehearsal",
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {
            "prompt_tokens": tokens[0],
            "completion_tokens": tokens[1],
            "total_tokens": sum(tokens),
        },
    }
    return Reply(orjson.dumps(completion))


def fails(status: int, message: str = "rehearsed failure", **headers: str) -> Reply:
    """An error as providers word it; header names are written with underscores."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = orjson.dumps({"error": {"message": message, "type": "rehearsed"}})
    return Reply(body, status, {"content-type": "application/json", **named})


class _Connection(asyncio.Protocol):
    """HTTP/1.1 with content lengths and keep-alive: all that a JSON client needs."""

    def __init__(self, server: RehearsalServer) -> None:
        self._server = server
        self._data = bytearray()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server.open.add(transport)

    def connection_lost(self, _error: Exception | None) -> None:
        if self._transport is not None:
            self._server.open.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._data += data
        head_end = self._data.find(b"\r\n\r\n")
        if head_end < 0:
            return
        first, *lines = bytes(self._data[:head_end]).decode("latin-1").split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        end = head_end + 4 + int(headers.get("content-length", "0"))
        if len(self._data) < end:
            return
        method, path, _version = first.split(" ", 2)
        body = bytes(self._data[head_end + 4 : end])
        del self._data[:end]
        reply = self._server.answer(method, path, headers, body)
        if reply.delay:
            asyncio.get_running_loop().call_later(reply.delay, self._send, reply)
        else:
            self._send(reply)

    def _send(self, reply: Reply) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(reply.encoded())
        if reply.cut is not None:
            self._transport.close()


class RehearsalServer:
    """Plays ``script`` on loopback, on a free port by default; use as a context manager.

    The script runs on the server's thread, one request at a time. ``requests`` keeps what came in
    when ``keep`` is set.
    """

    def __init__(self, script: Script, *, keep: bool = True, port: int = 0) -> None:
        self.requests: list[Request] = []
        self.open: set[asyncio.Transport] = set()
        self.port = port
        self._script = script
        self._keep = keep
        self._count = 0
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._done: asyncio.Event | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self.serve()), daemon=True)

    @property
    def url(self) -> str:
        """The API's base URL."""
        return f"http://127.0.0.1:{self.port}/v1"

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Reply:
        """Play the script for one request."""
        request = Request(self._count, method, path, headers, body)
        self._count += 1
        if self._keep:
            self.requests.append(request)
        return self._script(request)

    async def serve(self, announce: Callable[[str], None] = lambda _url: None) -> None:
        """Listen until `stop`; ``announce`` is told the URL as soon as it answers."""
        self._loop, self._done = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port)
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        announce(self.url)
        async with server:
            await self._done.wait()
            for transport in tuple(self.open):
                transport.abort()

    def stop(self) -> None:
        """Close every connection and end the thread."""
        if self._loop is not None and self._done is not None:
            self._loop.call_soon_threadsafe(self._done.set)
        self._thread.join()

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
