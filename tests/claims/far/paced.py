"""An expert as slow as its accelerator: a door that lets few in and makes them wait."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx2
import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

_HOP = frozenset({"connection", "content-length", "host", "transfer-encoding", "keep-alive"})
_PATIENCE = 120.0


@contextmanager
def paced(where: Callable[[], str], host: str, seconds: float, lanes: int = 1) -> Iterator[str]:
    """Address, on ``host``, of the expert that is now at ``where()``, with ``lanes`` requests at a
    time that take ``seconds`` each beside its own time. Blobs and probes pass."""
    gate = asyncio.Semaphore(lanes)
    client = httpx2.AsyncClient(timeout=_PATIENCE, trust_env=False)

    async def passed(request: Request) -> Response:
        try:
            body = await request.body()
        except ClientDisconnect:  # its runner was killed
            return Response(status_code=499)
        if request.method == "POST":
            async with gate:
                await asyncio.sleep(seconds)
        kept = {name: value for name, value in request.headers.items() if name not in _HOP}
        target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        try:
            reply = await client.request(
                request.method, where() + target, content=body, headers=kept
            )
        except httpx2.TransportError:
            return Response(status_code=502)
        told = {name: value for name, value in reply.headers.items() if name.lower() not in _HOP}
        told.pop("content-encoding", None)
        return Response(reply.content, reply.status_code, told)

    methods = ["GET", "HEAD", "POST", "PUT"]
    app = Starlette(routes=[Route("/{path:path}", passed, methods=methods)])
    listening = socket.create_server((host, 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    try:
        yield f"http://{host}:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()
