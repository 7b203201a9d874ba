"""What takes less time now, beside the way it was done before, in one run on one machine."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import httpx2

from surveyor.benchmarks.run.config import RunConfig
from surveyor.compose.demo import make_rooms
from surveyor.compose.run import Job, perform
from surveyor.compose.session import reference_experts
from surveyor.tools.lanes import Lanes
from tests.claims.claim import Claim
from tests.claims.experts.servers import ours

ROOMS = range(8710, 8714)
_ROUNDS, _ASKED, _AT_ONCE, _MOST = 3, 600, 8, 64


def measure(folder: Path) -> Iterator[Claim]:
    """Rows of speed; ratios hold on busy cores, seconds on quiet ones only."""
    yield _connections(folder)
    yield _making(folder)
    yield from _runs(folder)


def _connections(folder: Path) -> Claim:
    """CPU of this process per request: the library's pool and `Lanes`, both after a burst that
    left them as many connections as a run has."""
    least = {"pool": float("inf"), "lanes": float("inf")}
    with ours(folder / "expert") as served:
        url = f"http://127.0.0.1:{served.port}/healthz"
        for _ in range(_ROUNDS):
            for name, timed in (("pool", _by_pool), ("lanes", _by_lanes)):
                least[name] = min(least[name], asyncio.run(timed(url)))
    note = ", ".join(f"{name} {spent / _ASKED * 1e6:.0f} us" for name, spent in least.items())
    ratio = least["pool"] / least["lanes"]
    return Claim.at_least("CPU of a client's request: pool over lanes", ratio, 1.5, note)


async def _by_pool(url: str) -> float:
    limits = httpx2.Limits(max_connections=_MOST, max_keepalive_connections=_MOST)
    async with httpx2.AsyncClient(limits=limits, trust_env=False) as client:

        async def ask() -> None:
            await client.get(url)

        return await _spent(ask)


async def _by_lanes(url: str) -> float:
    lanes = Lanes(httpx2.AsyncHTTPTransport)

    async def ask() -> None:
        async with lanes.answer(httpx2.Request("GET", url)) as response:
            await response.aread()

    try:
        return await _spent(ask)
    finally:
        await lanes.aclose()


async def _spent(ask: Callable[[], Awaitable[None]]) -> float:
    """CPU seconds of `_ASKED` requests, `_AT_ONCE` together."""
    await asyncio.gather(*(ask() for _ in range(_MOST)))
    began = time.process_time()
    for _ in range(_ASKED // _AT_ONCE):
        await asyncio.gather(*(ask() for _ in range(_AT_ONCE)))
    return time.process_time() - began


def _making(folder: Path) -> Claim:
    """The demo's rooms by one process and by two, in turns."""
    least = {1: float("inf"), 2: float("inf")}
    for _ in range(2):
        for workers in least:
            shutil.rmtree(folder / "rooms", ignore_errors=True)
            began = time.perf_counter()
            make_rooms(folder / "rooms", ROOMS, workers=workers)
            least[workers] = min(least[workers], time.perf_counter() - began)
    note = f"{len(ROOMS)} rooms with pictures: {least[1]:.1f} s, then {least[2]:.1f} s"
    return Claim.at_least("rooms: two processes over one, times", least[1] / least[2], 1.6, note)


def _runs(folder: Path) -> Iterator[Claim]:
    config = RunConfig(dataset=str(folder / "rooms"), concurrency=4)
    with reference_experts(folder / "rooms", "perfect", folder / "experts") as endpoints:

        def run(title: str, **more: object) -> float:
            settings = config.changed(**more)
            job = Job(folder / "rooms", folder / title, settings, endpoints, folder / "cache")
            began = time.perf_counter()
            perform(job)
            return time.perf_counter() - began

        first, second = run("first"), run("second")
        note = f"{first:.1f} s, then {second:.1f} s"
        name = "second run over the same scenes: times faster"
        yield Claim.at_least(name, first / second, 5, note)
        one = run("one", limit=1)
        yield Claim.at_most("a run of one known question, experts up: seconds", one, 1.5)
