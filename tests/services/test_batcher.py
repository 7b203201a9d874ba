"""The micro-batcher: company, order, limits, and failures that stay with their culprit."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import weakref

import pytest

from surveyor.services.batcher import Batcher, BatchReport
from surveyor.services.errors import ExpertError


class OutOfMemoryError(RuntimeError):
    """Named as torch names its own."""


class Tensor:
    """Something large that a frame holds."""


class Greedy:
    """Runs out of memory with more than one item, and looks at what is left of that when asked
    again."""

    def __init__(self):
        self.held: weakref.ref[Tensor] | None = None
        self.left: list[bool] = []

    def __call__(self, items):
        if self.held is not None:
            self.left.append(self.held() is not None)
        tensor = Tensor()
        self.held = weakref.ref(tensor)
        if len(items) > 1:
            raise OutOfMemoryError("too many at once")
        return items


class Doubler:
    """Doubles numbers; can be held, and raises for numbers in ``bad``."""

    def __init__(self, bad=None, most=None):
        self.batches: list[list[int]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.bad = bad or {}
        self.most = most

    def __call__(self, items):
        self.entered.set()
        self.gate.wait(10)
        self.batches.append(list(items))
        if self.most is not None and len(items) > self.most:
            raise OutOfMemoryError("too many at once")
        for item in items:
            if item in self.bad:
                raise self.bad[item]
        return [2 * item for item in items]


@contextlib.asynccontextmanager
async def running(forward, **options):
    settings = {"max_batch": 4, "wait": 0.005, "capacity": 16, **options}
    batcher = Batcher(forward, **settings)
    task = asyncio.create_task(batcher.run())
    try:
        yield batcher
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        batcher.close()


def run(main):
    return asyncio.run(asyncio.wait_for(main, 20))


def test_requests_that_arrive_together_share_batches_and_keep_their_order():
    forward = Doubler()
    reports: list[BatchReport] = []

    async def main():
        async with running(forward, report=reports.append) as batcher:
            return await asyncio.gather(*(batcher.submit(i, "k") for i in range(10)))

    assert run(main()) == [2 * i for i in range(10)]
    assert [len(batch) for batch in forward.batches] == [4, 4, 2]
    assert [report.size for report in reports] == [4, 4, 2]
    assert all(len(report.waits) == report.size for report in reports)


def test_only_equal_keys_share_a_batch():
    forward = Doubler()

    async def main():
        async with running(forward) as batcher:
            await asyncio.gather(*(batcher.submit(i, i % 2) for i in range(8)))

    run(main())
    assert forward.batches == [[0, 2, 4, 6], [1, 3, 5, 7]]


def test_one_bad_item_does_not_spoil_its_batch():
    forward = Doubler(bad={2: ValueError("no")})

    async def main():
        async with running(forward) as batcher:
            jobs = (batcher.submit(i, "k") for i in range(4))
            return await asyncio.gather(*jobs, return_exceptions=True)

    results = run(main())
    assert results[:2] + results[3:] == [0, 2, 6]
    assert isinstance(results[2], ValueError)


def test_what_a_failed_batch_held_is_let_go_before_the_next_attempt():
    greedy = Greedy()

    async def main():
        async with running(greedy) as batcher:
            return await asyncio.gather(*(batcher.submit(i, 0) for i in range(4)))

    assert run(main()) == [0, 1, 2, 3]
    assert greedy.left
    assert not any(greedy.left)


def test_out_of_memory_halves_the_batch_and_names_a_single_culprit():
    forward = Doubler(most=1, bad={3: OutOfMemoryError("alone too large")})

    async def main():
        async with running(forward) as batcher:
            jobs = (batcher.submit(i, "k") for i in range(4))
            return await asyncio.gather(*jobs, return_exceptions=True)

    results = run(main())
    assert results[:3] == [0, 2, 4]
    assert isinstance(results[3], ExpertError)
    assert results[3].code == "out_of_memory"
    assert [len(batch) for batch in forward.batches] == [4, 2, 1, 1, 2, 1, 1]


def test_a_full_queue_refuses_at_once_and_says_when_to_come_back():
    forward = Doubler()

    async def main():
        async with running(forward, capacity=3, max_batch=1) as batcher:
            forward.gate.clear()
            first = asyncio.create_task(batcher.submit(0, "k"))
            await asyncio.to_thread(forward.entered.wait, 10)
            waiting = [asyncio.create_task(batcher.submit(i, "k")) for i in (1, 2, 3)]
            await asyncio.sleep(0)
            assert batcher.depth == 3
            with pytest.raises(ExpertError, match="3 requests are waiting") as refused:
                await batcher.submit(4, "k")
            assert refused.value.code == "busy"
            assert refused.value.retry_after >= 1
            forward.gate.set()
            return await asyncio.gather(first, *waiting)

    assert run(main()) == [0, 2, 4, 6]


def test_callers_that_gave_up_cost_nothing():
    forward = Doubler()

    async def main():
        async with running(forward, capacity=2, max_batch=1) as batcher:
            forward.gate.clear()
            first = asyncio.create_task(batcher.submit(0, "k"))
            await asyncio.to_thread(forward.entered.wait, 10)
            gone = [asyncio.create_task(batcher.submit(i, "k")) for i in (1, 2)]
            await asyncio.sleep(0)
            for task in gone:
                task.cancel()
            await asyncio.gather(*gone, return_exceptions=True)
            late = asyncio.create_task(batcher.submit(3, "k"))  # takes a place that they left
            await asyncio.sleep(0)
            forward.gate.set()
            return await asyncio.gather(first, late)

    assert run(main()) == [0, 6]
    assert forward.batches == [[0], [3]]


def test_a_model_that_loses_results_is_told_apart_from_a_good_one():
    async def main():
        async with running(lambda items: []) as batcher:
            with pytest.raises(RuntimeError, match="1 items went in, 0 results came out"):
                await batcher.submit(1, "k")

    run(main())


def test_closing_fails_what_still_waits():
    async def main():
        batcher = Batcher(Doubler(), max_batch=1, wait=0, capacity=4)
        waiting = asyncio.create_task(batcher.submit(1, "k"))
        await asyncio.sleep(0)
        batcher.close()
        with pytest.raises(ExpertError, match="shutting down"):
            await waiting

    run(main())


def test_a_running_batch_has_an_age():
    forward = Doubler()

    async def main():
        async with running(forward) as batcher:
            assert batcher.running_for() == 0
            forward.gate.clear()
            job = asyncio.create_task(batcher.submit(0, "k"))
            await asyncio.to_thread(forward.entered.wait, 10)
            assert batcher.running_for() > 0
            forward.gate.set()
            await job

    run(main())
