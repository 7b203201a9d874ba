"""The gate in front of the app, as plain ASGI: who may ask, and how much they may send.

Order matters. The token is compared first, so that a stranger learns nothing from the size check;
the declared size comes next; then bytes are counted as they stream, because a declared size may
be missing or a lie.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from surveyor.services.contract import ErrorCode
from surveyor.services.errors import ExpertError
from surveyor.services.problems import problem_response

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

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


class BodyLimit:
    """Refuses bodies above ``limit`` bytes, by declaration and by count."""

    def __init__(self, app: App, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = _header(scope, b"content-length")
        if declared is not None and not declared.isdigit():
            error = ExpertError(ErrorCode.BAD_INPUT, "Content-Length is not a number", status=400)
            await problem_response(error)(scope, receive, send)
            return
        if declared is not None and int(declared) > self._limit:
            await problem_response(self._refusal(), {"Connection": "close"})(scope, receive, send)
            return
        await self._counted(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        seen = 0
        started = False

        async def counting() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._limit:
                raise _BodyTooLarge
            return message

        async def noting(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._app(scope, counting, noting)
        except _BodyTooLarge:
            if not started:
                response = problem_response(self._refusal(), {"Connection": "close"})
                await response(scope, receive, send)

    def _refusal(self) -> ExpertError:
        message = f"the body is larger than the {self._limit} bytes that this service takes"
        return ExpertError(ErrorCode.TOO_LARGE, message)


class _BodyTooLarge(BaseException):
    """Passes through the framework's own handlers of `Exception` untouched."""


def _header(scope: Scope, name: bytes) -> bytes | None:
    return next((bytes(value) for key, value in scope["headers"] if key == name), None)
