"""Adaptive concurrency: slow start, additive increase, one cut a burst, order of asking."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from surveyor.tools.concurrency import AdaptiveLimiter


async def _round(limiter: AdaptiveLimiter, overloaded: int = 0) -> None:
    """As many requests as there are slots, all in flight at once."""
    number = limiter.limit
    arrived, release = asyncio.Semaphore(0), asyncio.Event()

    async def one(bad: bool) -> None:
        async with limiter.slot() as slot:
            arrived.release()
            await release.wait()
            if bad:
                slot.overloaded()

    jobs = [asyncio.create_task(one(i < overloaded)) for i in range(number)]
    for _ in jobs:
        await arrived.acquire()
    release.set()
    await asyncio.gather(*jobs)


def test_it_grows_fast_at_first_and_slowly_after_the_first_cut() -> None:
    async def grow() -> list[int]:
        limiter = AdaptiveLimiter("p", start=4, ceiling=1000)
        limits = [limiter.limit]
        await _round(limiter)
        limits.append(limiter.limit)
        await _round(limiter, overloaded=limiter.limit)
        limits.append(limiter.limit)
        before = limiter.limit
        for _ in range(10):
            await _round(limiter)
        assert before < limiter.limit <= before + 10
        return limits

    start, grown, cut = asyncio.run(grow())
    assert start < grown
    assert cut == int(grown * 0.7)


def test_a_burst_of_overload_is_one_cut() -> None:
    async def burst() -> AdaptiveLimiter:
        limiter = AdaptiveLimiter("p", start=10, ceiling=10)
        await _round(limiter, overloaded=10)
        return limiter

    limiter = asyncio.run(burst())
    assert limiter.cuts == 1
    assert limiter.limit == 7


def test_an_idle_limit_does_not_grow() -> None:
    async def trickle() -> int:
        limiter = AdaptiveLimiter("p", start=8, ceiling=100)
        for _ in range(50):
            async with limiter.slot():
                pass
        return limiter.limit

    assert asyncio.run(trickle()) == 8


def test_slots_go_in_order_of_asking_and_a_cancelled_wait_loses_none() -> None:
    async def queue() -> list[int]:
        limiter = AdaptiveLimiter("p", start=1, ceiling=1)
        order: list[int] = []

        async def one(number: int) -> None:
            async with limiter.slot():
                order.append(number)

        async with limiter.slot():
            jobs = [asyncio.create_task(one(i)) for i in range(4)]
            await asyncio.sleep(0)
            jobs[1].cancel()
            await asyncio.sleep(0)
            assert limiter.queued == 3
        await asyncio.gather(*jobs, return_exceptions=True)
        assert limiter.in_flight == 0
        return order

    assert asyncio.run(queue()) == [0, 2, 3]


def test_a_cancelled_request_gives_its_slot_back_and_teaches_nothing() -> None:
    async def cancel() -> AdaptiveLimiter:
        limiter = AdaptiveLimiter("p", start=2, ceiling=8)
        held = asyncio.Semaphore(0)

        async def one() -> None:
            async with limiter.slot():
                held.release()
                await asyncio.Event().wait()

        jobs = [asyncio.create_task(one()) for _ in range(2)]
        for _ in jobs:
            await held.acquire()
        for job in jobs:
            job.cancel()
        await asyncio.gather(*jobs, return_exceptions=True)
        return limiter

    limiter = asyncio.run(cancel())
    assert (limiter.in_flight, limiter.limit, limiter.cuts) == (0, 2, 0)


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 8), st.integers(1, 8))
def test_it_never_exceeds_its_bounds(outcomes: list[bool], start: int, ceiling: int) -> None:
    async def many() -> None:
        limiter = AdaptiveLimiter("p", start=start, ceiling=ceiling)
        peak = 0

        async def one(good: bool) -> None:
            nonlocal peak
            async with limiter.slot() as slot:
                peak = max(peak, limiter.in_flight)
                await asyncio.sleep(0)
                if not good:
                    slot.overloaded()

        await asyncio.gather(*[one(good) for good in outcomes])
        assert peak <= ceiling
        assert 1 <= limiter.limit <= ceiling
        assert (limiter.in_flight, limiter.queued) == (0, 0)

    asyncio.run(many())
