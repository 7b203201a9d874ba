"""Who may look: the gate in front of the viewer, as plain ASGI.

Loopback is no login, since every program and every user of a machine reaches it. The first address
holds a random token, which is exchanged for a cookie and leaves the address bar. The name by which
the viewer is called must be one of a list (a foreign page that points its own name here is stopped
there), and browsers say when a request comes from another site.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOCAL: Final = frozenset({"127.0.0.1", "localhost", "::1"})
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)


class Guard:
    """Lets requests pass that call the viewer by one of ``hosts``, come from its own pages and
    carry its token; an empty ``token`` asks for none. Everything that leaves gets the policy."""

    def __init__(self, app: App, token: str, hosts: Iterable[str] = LOCAL) -> None:
        self._app = app
        self._token = token
        self._hosts = frozenset(name.casefold() for name in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        headers = {bytes(k).lower(): bytes(v).decode("latin-1") for k, v in scope["headers"]}
        problem = self._problem(scope, headers)
        if problem is not None:
            await _say(send, *problem)
            return
        if self._token:
            given = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
            if given and hmac.compare_digest(given.encode(), self._token.encode()):
                await self._enter(scope, send, headers[b"host"])
                return
            if not self._known(headers):
                await _say(
                    send, 403, "open the address that `surveyor view` printed: it has a token"
                )
                return
        await self._app(scope, receive, _with_headers(send))

    def _problem(self, scope: Scope, headers: dict[bytes, str]) -> tuple[int, str] | None:
        host = headers.get(b"host", "")
        if _name(host) not in self._hosts:
            return 421, "the viewer is not called by that name; see --trust-host"
        if scope["method"] not in ("GET", "HEAD", "POST"):
            return 405, "the viewer only shows"
        origin = headers.get(b"origin")
        if origin is not None and urlsplit(origin).netloc.casefold() != host.casefold():
            return 403, "requests from other sites are refused"
        site = headers.get(b"sec-fetch-site", "")
        walked = scope["path"] == "/" and headers.get(b"sec-fetch-mode") == "navigate"
        if site in ("cross-site", "same-site") and not walked:
            return 403, "requests from other sites are refused"
        if scope["method"] == "POST" and origin is None and site != "same-origin":
            return 403, "only the viewer's own pages may send"
        return None

    def _known(self, headers: dict[bytes, str]) -> bool:
        cookies = SimpleCookie()
        try:
            cookies.load(headers.get(b"cookie", ""))
        except CookieError:
            return False
        held = cookies.get(_cookie(headers.get(b"host", "")))
        return held is not None and hmac.compare_digest(held.value.encode(), self._token.encode())

    async def _enter(self, scope: Scope, send: Send, host: str) -> None:
        """Keep the token in a cookie and show the address without it."""
        cookie = f"{_cookie(host)}={self._token}; HttpOnly; SameSite=Strict; Path=/"
        path = scope["path"] if scope["path"].startswith("/") else "/"
        start = {
            "type": "http.response.start",
            "status": 303,
            "headers": [
                (b"location", b"/" + path.lstrip("/\\").encode("ascii", "ignore")),
                (b"set-cookie", cookie.encode()),
                (b"cache-control", b"no-store"),
                *_HEADERS,
            ],
        }
        await send(start)
        await send({"type": "http.response.body", "body": b""})


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            held = list(message.get("headers", []))
            names = {bytes(name).lower() for name, _ in held}
            held += [(name, value) for name, value in _HEADERS if name not in names]
            if b"content-security-policy" not in names:
                held.append((b"content-security-policy", POLICY.encode()))
            if b"cache-control" not in names:
                held.append((b"cache-control", b"no-store"))
            message["headers"] = held
        await send(message)

    return sending


async def _say(send: Send, status: int, text: str) -> None:
    headers = [(b"content-type", b"text/plain; charset=utf-8"), *_HEADERS]
    headers += [(b"content-security-policy", POLICY.encode()), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text.encode()})


def _cookie(host: str) -> str:
    """Cookies do not know ports, so their names must."""
    port = host.rpartition(":")[2]
    return f"surveyor_{port if port.isdecimal() else '80'}"


def _name(host: str) -> str:
    text = host.strip().casefold()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0].removesuffix(".")
