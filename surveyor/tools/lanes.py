"""Keep-alive connections to one place, each in a transport of its own.

A pool of the library looks at all of its connections before and after every request, and at the
sockets of those that rest: with thirty of them that was a third of a run's CPU. Here whoever asks
takes the connection that was let go last, and looks at that one alone.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx2


class Lanes:
    """As many connections as are used at once, and no bound on that: a limiter is the place for
    one, where its queue can be seen.

    ``open_one`` makes a transport; the first at once, so that what can't be used is refused before
    anything is sent. One event loop owns them.
    """

    def __init__(self, open_one: Callable[[], httpx2.AsyncBaseTransport]) -> None:
        self._open_one = open_one
        self._all = [open_one()]
        self._free = self._all.copy()

    @asynccontextmanager
    async def answer(self, request: httpx2.Request) -> AsyncIterator[httpx2.Response]:
        """The response to a request, to be read within the block."""
        if not self._free:
            self._all.append(self._open_one())
            self._free.append(self._all[-1])
        lane = self._free.pop()
        try:
            response = await lane.handle_async_request(request)
            try:
                yield response
            finally:
                await response.aclose()
        finally:
            self._free.append(lane)

    async def aclose(self) -> None:
        """Close every connection."""
        for lane in self._all:
            await lane.aclose()


def trust(url: httpx2.URL) -> ssl.SSLContext:
    """What a connection trusts. Reading the system's certificates takes tens of milliseconds, and
    plain HTTP needs none."""
    if url.scheme == "https":
        return ssl.create_default_context()
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
