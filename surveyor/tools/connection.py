"""One keep-alive HTTP/1.1 connection as a transport of httpx2: h11 on an asyncio protocol.

The library's own transport goes through a pool, locks, traces, cancel scopes and a second event
loop's interface, which costs several times what the exchange itself does. One connection for one
request at a time, as `Lanes` uses it, needs none of that. Proxies are the library's business.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from typing import Final, cast

import h11
import httpx2

RESTS: Final = 5.0
"""Seconds after which a connection at rest is not used again: many servers close theirs then."""
_MOST_UNREAD: Final = 1 << 20
_COPIED: Final = 1 << 16  # bytes of a body that are cheaper to copy than to send by themselves
_MOST_HEAD: Final = 100 * 1024
_HAPPY_EYEBALLS: Final = 0.25
_PORTS: Final = {"http": 80, "https": 443}

Origin = tuple[str, str, int]


class Connection(httpx2.AsyncBaseTransport):
    """Opened by the first request, and again by the next one when the server or time closed it.

    Not for two requests at once. ``verify`` is what it trusts when asked for https. Raises the
    library's own errors: `httpx2.TransportError` of the kinds that its transport raises.
    """

    def __init__(self, verify: ssl.SSLContext, rests: float = RESTS) -> None:
        self._verify, self._rests = verify, rests
        self._link: _Link | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """The head of the answer; its body follows as the response is read."""
        waits = request.extensions.get("timeout", {})
        body = await request.aread()
        link = await self._linked(_origin(request.url), waits.get("connect"))
        answer = _Answer(link, waits.get("read"))
        try:
            link.begin(request, body)
            await link.drained(waits.get("write"))
            head = await answer.head()
        except BaseException:
            link.close()
            raise
        extensions = {
            "http_version": b"HTTP/" + head.http_version,
            "reason_phrase": bytes(head.reason),
        }
        return httpx2.Response(
            head.status_code,
            headers=head.headers.raw_items(),
            stream=answer,
            extensions=extensions,
        )

    async def aclose(self) -> None:
        """Close the connection."""
        if self._link is not None:
            self._link.close()
            self._link = None
            await asyncio.sleep(0)  # until the loop has let go of the socket

    async def _linked(self, origin: Origin, patience: float | None) -> _Link:
        if self._link is not None and self._link.usable(origin, self._rests):
            return self._link
        if self._link is not None:
            self._link.close()
        scheme, host, port = origin
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(patience):
                _, self._link = await loop.create_connection(
                    lambda: _Link(origin),
                    host,
                    port,
                    ssl=self._verify if scheme == "https" else None,
                    happy_eyeballs_delay=_HAPPY_EYEBALLS,
                )
        except TimeoutError as error:
            raise httpx2.ConnectTimeout("no connection in time") from error
        except OSError as error:  # those of TLS and of names are of this kind too
            raise httpx2.ConnectError(str(error)) from error
        return self._link


def _origin(url: httpx2.URL) -> Origin:
    if url.scheme not in _PORTS:
        raise httpx2.UnsupportedProtocol(f"an address begins with http:// or https://, not {url}")
    return url.scheme, url.raw_host.decode(), url.port or _PORTS[url.scheme]


class _Link(asyncio.Protocol):
    """A socket and what h11 knows of the exchange on it."""

    def __init__(self, origin: Origin) -> None:
        self.http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEAD)
        self._origin = origin
        self._socket: asyncio.Transport | None = None
        self._resting_since: float | None = time.monotonic()
        self._unread = bytearray()
        self._lost: Exception | None = None
        self._ended = False
        self._news: asyncio.Future[None] | None = None
        self._held = self._paused = False

    def usable(self, origin: Origin, rests: float) -> bool:
        """Whether another request may be sent here."""
        since = self._resting_since
        fresh = since is not None and time.monotonic() - since <= rests
        return fresh and not self._ended and origin == self._origin

    def begin(self, request: httpx2.Request, body: bytes) -> None:
        """Hand the whole request to the socket."""
        self._resting_since = None
        try:
            head = h11.Request(
                method=request.method,
                target=request.url.raw_path,
                headers=request.headers.raw,
            )
            start = self.http.send(head) or b""
            data = (self.http.send(h11.Data(body)) or b"") if body else b""
            end = self.http.send(h11.EndOfMessage()) or b""
        except h11.LocalProtocolError as error:
            raise httpx2.LocalProtocolError(str(error)) from error
        assert self._socket is not None
        if len(data) < _COPIED:
            self._socket.write(start + data + end)
            return
        for part in (start, data, end):
            self._socket.write(part)

    async def drained(self, patience: float | None) -> None:
        """Wait while the socket is full. A broken one may have answered before: reading tells."""
        try:
            while self._held and not self._ended:
                async with asyncio.timeout(patience):
                    await self._changed()
        except TimeoutError:
            raise httpx2.WriteTimeout(f"nothing could be sent for {patience:g} s") from None

    async def next(self, patience: float | None) -> h11.Event | type[h11.PAUSED]:
        """The next event of the answer."""
        while True:
            try:
                event = self.http.next_event()
                if event is not h11.NEED_DATA:
                    return cast("h11.Event | type[h11.PAUSED]", event)
                if not self._unread:
                    await self._waited(patience)
                if not self._unread and (self._lost or self.http.their_state is h11.SEND_RESPONSE):
                    raise self._why()
                self.http.receive_data(bytes(self._unread))
            except h11.RemoteProtocolError as error:
                raise httpx2.RemoteProtocolError(str(error)) from error
            self._unread.clear()
            if self._paused and self._socket is not None:
                self._paused = False
                self._socket.resume_reading()

    def rest(self) -> None:
        """Ready for the next request when the answer was read to its end; else of no more use."""
        if self.http.our_state is self.http.their_state is h11.DONE and not self._unread:
            self.http.start_next_cycle()
            self._resting_since = time.monotonic()
        else:
            self.close()

    def close(self) -> None:
        """Let go of the socket at once."""
        self._resting_since, self._ended = None, True
        if self._socket is not None:
            self._socket.abort()

    def _why(self) -> httpx2.TransportError:
        if self._lost is not None:
            return httpx2.ReadError(str(self._lost))
        return httpx2.RemoteProtocolError("Server disconnected without sending a response.")

    async def _waited(self, patience: float | None) -> None:
        try:
            while not self._unread and not self._ended:
                async with asyncio.timeout(patience):
                    await self._changed()
        except TimeoutError:
            raise httpx2.ReadTimeout(f"nothing came for {patience:g} s") from None

    async def _changed(self) -> None:
        self._news = asyncio.get_running_loop().create_future()
        try:
            await self._news
        finally:
            self._news = None

    def _tell(self) -> None:
        if self._news is not None and not self._news.done():
            self._news.set_result(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._socket = transport

    def data_received(self, data: bytes) -> None:
        if self._resting_since is not None:
            self.close()  # nobody asked
            return
        self._unread += data
        if len(self._unread) > _MOST_UNREAD and not self._paused and self._socket is not None:
            self._paused = True
            self._socket.pause_reading()
        self._tell()

    def eof_received(self) -> None:
        self._ended = True
        self._tell()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost, self._ended = exc, True
        self._tell()

    def pause_writing(self) -> None:
        self._held = True

    def resume_writing(self) -> None:
        self._held = False
        self._tell()


class _Answer(httpx2.AsyncByteStream):
    """The body of an answer; closing it gives the link back, or closes that too."""

    def __init__(self, link: _Link, patience: float | None) -> None:
        self._link, self._patience = link, patience
        self._closed = False

    async def head(self) -> h11.Response:
        """The answer's head, after whatever the server says before it."""
        while True:
            event = await self._link.next(self._patience)
            if isinstance(event, h11.Response):
                return event
            if not isinstance(event, h11.InformationalResponse):
                raise httpx2.RemoteProtocolError(f"an answer began with {event!r}")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            while True:
                event = await self._link.next(self._patience)
                if not isinstance(event, h11.Data):
                    return
                yield bytes(event.data)
        except BaseException:
            await self.aclose()
            raise

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            self._link.rest()
