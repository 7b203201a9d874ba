"""The gate in front of the app, as plain ASGI: who may ask, and how much they may send.

Order matters. The name by which the service was called comes first; the token is compared next, so
that a stranger learns nothing from the size check; then the declared size; then bytes are counted
as they stream, because a declared size may be missing or a lie.
"""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any

from surveyor.services.contract import ErrorCode
from surveyor.services.errors import ExpertError, shutting_down
from surveyor.services.problems import problem_response
from surveyor.services.settings import RequestLimits

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

STREAMED = "/v1/blobs/"
OPEN_PATHS = frozenset({"/healthz", "/readyz", "/docs", "/openapi.json"})


class BearerToken:
    """Lets requests with ``Authorization: Bearer <token>`` pass; the comparison takes as long for
    a nearly right token as for a wrong one."""

    def __init__(self, app: App, token: str) -> None:
        self._app = app
        self._expected = b"Bearer " + token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        given = _header(scope, b"authorization") or b""
        if hmac.compare_digest(given, self._expected):
            await self._app(scope, receive, send)
            return
        error = ExpertError(
            ErrorCode.UNAUTHORIZED,
            "send the service's token in the header `Authorization: Bearer <token>`",
        )
        response = problem_response(error, {"WWW-Authenticate": "Bearer"})
        await response(scope, receive, send)


class QuietEnd:
    """Tells requests that the end of the server cuts off so, where it would log each traceback."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def noting(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except asyncio.CancelledError:  # only a server that ends cancels its requests
            if not started:
                response = problem_response(shutting_down(), {"Connection": "close"})
                await response(scope, receive, send)


class KnownHost:
    """Refuses requests that call the service by a name that is not among ``hosts``.

    A web page that points its own name at this address (DNS rebinding) is stopped here.
    """

    def __init__(self, app: App, hosts: Sequence[str]) -> None:
        self._app = app
        self._hosts = frozenset(host.casefold() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = _header(scope, b"host") if scope["type"] == "http" else None
        if given is None or _name(given) in self._hosts:
            await self._app(scope, receive, send)
            return
        error = ExpertError(
            ErrorCode.UNAUTHORIZED,
            "this service is not called by that name; ask at the address in its endpoints file, "
            "or add the name to `hosts` in experts.toml",
            status=421,
        )
        await problem_response(error, {"Connection": "close"})(scope, receive, send)


class BodyLimit:
    """Bounds what bodies cost: bytes by declaration and by count, seconds until all has come, and
    bytes of all bodies that are held in memory at once. Blobs stream to disk and are not held."""

    def __init__(self, app: App, limits: RequestLimits) -> None:
        self._app = app
        self._limits = limits
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = _header(scope, b"content-length")
        if declared is not None and not declared.isdigit():
            error = ExpertError(ErrorCode.BAD_INPUT, "Content-Length is not a number", status=400)
            await problem_response(error)(scope, receive, send)
            return
        if declared is not None and int(declared) > self._limits.body_bytes:
            response = problem_response(self._too_large(), {"Connection": "close"})
            await response(scope, receive, send)
            return
        await self._counted(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        streams = scope["path"].startswith(STREAMED)
        until = time.monotonic() + self._limits.body_seconds
        seen, whole, started = 0, False, False

        async def counting() -> Message:
            nonlocal seen, whole
            message = await receive() if whole else await self._in_time(receive, until)
            size = len(message.get("body", b""))
            whole = whole or not message.get("more_body", False)
            seen += size
            self._held += 0 if streams else size
            if seen > self._limits.body_bytes:
                raise _Refused(self._too_large())
            if self._held > self._limits.held_bytes and self._held > seen:
                raise _Refused(_too_many())
            return message

        async def noting(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, counting, noting)
        except _Refused as refused:
            if not started:
                response = problem_response(refused.error, {"Connection": "close"})
                await response(scope, receive, send)
        finally:
            self._held -= 0 if streams else seen

    async def _in_time(self, receive: Receive, until: float) -> Message:
        try:
            return await asyncio.wait_for(receive(), until - time.monotonic())
        except TimeoutError:
            seconds = self._limits.body_seconds
            message = f"the body did not arrive within {seconds:g} s; send it without pauses"
            raise _Refused(ExpertError(ErrorCode.DEADLINE, message, status=408)) from None

    def _too_large(self) -> ExpertError:
        most = self._limits.body_bytes
        message = f"the body is larger than the {most} bytes that this service takes"
        return ExpertError(ErrorCode.TOO_LARGE, message)


def _too_many() -> ExpertError:
    message = "the requests of others fill the memory for bodies; ask again in 1 s"
    return ExpertError(ErrorCode.BUSY, message, retry_after=1)


class _Refused(BaseException):
    """Passes through the framework's own handlers of `Exception` untouched."""

    def __init__(self, error: ExpertError) -> None:
        super().__init__(str(error))
        self.error = error


def _name(host: bytes) -> str:
    """The name in a Host header, without the port and the brackets of an IPv6 address."""
    text = host.decode("latin-1").strip().casefold()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0].removesuffix(".")


def _header(scope: Scope, name: bytes) -> bytes | None:
    return next((bytes(value) for key, value in scope["headers"] if key == name), None)
