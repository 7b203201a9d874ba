"""Connections are used again, the last one first, and none is taken by two at once."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from surveyor.tools.lanes import Lanes

ASKED = httpx2.Request("GET", "http://expert/")


class Counted(httpx2.AsyncBaseTransport):
    """Answers after a turn of the loop; fails where two requests are in it together."""

    def __init__(self) -> None:
        self.requests = 0
        self.closed = False
        self._busy = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        assert not self._busy
        self._busy = True
        try:
            await asyncio.sleep(0)
            self.requests += 1
            if request.method == "POST":
                raise httpx2.ConnectError("gone")
            return httpx2.Response(200, content=b"yes")
        finally:
            self._busy = False

    async def aclose(self) -> None:
        self.closed = True


class Opened:
    def __init__(self) -> None:
        self.all: list[Counted] = []

    def __call__(self) -> Counted:
        self.all.append(Counted())
        return self.all[-1]


def test_as_many_are_opened_as_are_used_at_once_and_all_are_closed() -> None:
    opened = Opened()

    async def play() -> None:
        lanes = Lanes(opened)
        for at_once in (1, 3, 2):
            await asyncio.gather(*(_ask(lanes) for _ in range(at_once)))
        for _ in range(5):
            await _ask(lanes)
        await lanes.aclose()

    asyncio.run(play())
    assert len(opened.all) == 3
    assert sum(one.requests for one in opened.all) == 11
    assert max(one.requests for one in opened.all) >= 5  # those one by one shared a connection
    assert all(one.closed for one in opened.all)


def test_a_failed_or_cancelled_request_gives_its_connection_back() -> None:
    opened = Opened()

    async def play() -> None:
        lanes = Lanes(opened)
        with pytest.raises(httpx2.ConnectError):
            async with lanes.answer(httpx2.Request("POST", "http://expert/")):
                pass
        task = asyncio.create_task(_ask(lanes))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert await _ask(lanes) == b"yes"

    asyncio.run(play())
    assert len(opened.all) == 1


async def _ask(lanes: Lanes) -> bytes:
    async with lanes.answer(ASKED) as response:
        return await response.aread()
