"""Requests in flight to each expert: bounded, cut by overload, given back on every way out."""

from __future__ import annotations

import asyncio
from collections import Counter

import httpx2

from surveyor.services.contract import Endpoints, ExpertEndpoint
from surveyor.tools.endpoints import FixedEndpoints
from surveyor.tools.transport import ExpertTransport
from tests.tools.conftest import QUICK

EXPERTS = ("detect", "depth")


class Door(httpx2.AsyncBaseTransport):
    """Experts that answer when told to, and refuse as often as told to."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.inside: Counter[str] = Counter()
        self.peak: Counter[str] = Counter()
        self.arrived = {name: asyncio.Semaphore(0) for name in EXPERTS}
        self.refusals = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        expert = request.url.host.removesuffix(".test")
        self.inside[expert] += 1
        self.peak[expert] = max(self.peak[expert], self.inside[expert])
        self.arrived[expert].release()
        try:
            await self.open.wait()
        finally:
            self.inside[expert] -= 1
        if self.refusals:
            self.refusals -= 1
            return httpx2.Response(503, headers={"retry-after": "0"})
        return httpx2.Response(200)


def transport(door: Door) -> ExpertTransport:
    served = tuple(
        ExpertEndpoint(expert=name, url=f"http://{name}.test", pid=1, backend="door")
        for name in EXPERTS
    )
    return ExpertTransport(FixedEndpoints(Endpoints(supervisor=1, experts=served)), QUICK, door)


async def _until_full(door: Door, sender: ExpertTransport) -> None:
    """Wait until as many requests to `detect` are in flight as may be."""
    await door.arrived["detect"].acquire()
    for _ in range(sender.limiters["detect"].limit - 1):
        await door.arrived["detect"].acquire()


def test_a_blocked_expert_holds_its_limit_and_slows_down_nobody_else() -> None:
    async def block() -> None:
        door = Door()
        sender = transport(door)
        jobs = [asyncio.create_task(sender.send("detect", "GET", "/x")) for _ in range(30)]
        await _until_full(door, sender)
        limit = sender.limiters["detect"].limit
        other = asyncio.create_task(sender.send("depth", "GET", "/x"))
        await door.arrived["depth"].acquire()
        assert door.peak["detect"] <= limit < 30
        door.open.set()
        answers = await asyncio.gather(*jobs, other)
        assert all(answer.is_success for answer in answers)
        assert sender.limiters["detect"].limit > limit, "slow start raises it while it is used up"
        await sender.aclose()

    asyncio.run(asyncio.wait_for(block(), 10))


def test_a_burst_of_overload_cuts_the_limit_once_and_all_are_answered() -> None:
    async def burst() -> ExpertTransport:
        door = Door()
        sender = transport(door)
        jobs = [asyncio.create_task(sender.send("detect", "GET", "/x")) for _ in range(20)]
        await _until_full(door, sender)
        door.refusals = sender.limiters["detect"].limit
        door.open.set()
        assert all(answer.is_success for answer in await asyncio.gather(*jobs))
        await sender.aclose()
        return sender

    limiter = asyncio.run(asyncio.wait_for(burst(), 10)).limiters["detect"]
    assert limiter.cuts == 1
    assert (limiter.in_flight, limiter.queued) == (0, 0)


def test_cancelled_requests_give_their_slots_back() -> None:
    async def cancel() -> None:
        door = Door()
        sender = transport(door)
        jobs = [asyncio.create_task(sender.send("detect", "GET", "/x")) for _ in range(30)]
        await _until_full(door, sender)
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        limiter = sender.limiters["detect"]
        assert (limiter.in_flight, limiter.queued) == (0, 0)
        door.open.set()
        assert (await sender.send("detect", "GET", "/x")).is_success
        await sender.aclose()

    asyncio.run(asyncio.wait_for(cancel(), 10))
