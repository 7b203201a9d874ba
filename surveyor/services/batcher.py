"""Micro-batching: requests that arrive together share one forward pass.

A bounded queue, one worker thread (one device, one forward at a time), a timer of a few
milliseconds for the first item, groups by key, callers that gave up dropped before they cost
anything, and one-by-one repetition when a batch fails, so that only the culprit gets the error.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from surveyor.services.contract import ErrorCode
from surveyor.services.errors import ExpertError, shutting_down

ItemT = TypeVar("ItemT")
RawT = TypeVar("RawT")

_SMOOTH = 0.2  # weight of the newest batch in the running mean of batch times


@dataclass(frozen=True, slots=True)
class BatchReport:
    """One finished batch: its size, seconds in the model, and each item's wait before it."""

    size: int
    seconds: float
    waits: tuple[float, ...]


@dataclass(slots=True, eq=False)
class _Job(Generic[ItemT, RawT]):
    item: ItemT
    key: Hashable
    future: asyncio.Future[RawT]
    queued: float


_Done = tuple[BatchReport, list[tuple[_Job[ItemT, RawT], RawT | BaseException]]]


class Batcher(Generic[ItemT, RawT]):
    """``submit`` one item, await its result; ``run`` is the loop that the service keeps going."""

    def __init__(
        self,
        forward: Callable[[Sequence[ItemT]], Sequence[RawT]],
        *,
        max_batch: int,
        wait: float,
        capacity: int,
        report: Callable[[BatchReport], None] = lambda _: None,
    ) -> None:
        self._forward = forward
        self._max_batch = max_batch
        self._wait = wait
        self._capacity = capacity
        self._report = report
        self._queue: deque[_Job[ItemT, RawT]] = deque()
        self._arrived = asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="forward")
        self._batch_time = 0.0
        self._running_since: float | None = None
        self._ahead = 0  # items of the batch that is made ready; counted by two threads
        self._lock = threading.Lock()

    @property
    def depth(self) -> int:
        """Items that wait for the model."""
        return len(self._queue) + self._ahead

    def running_for(self) -> float:
        """Seconds that the present batch has been in the model; 0 when it is idle."""
        return 0.0 if self._running_since is None else time.monotonic() - self._running_since

    def retry_after(self) -> int:
        """Whole seconds after which the queue should have room, from the mean batch time."""
        return max(1, math.ceil(self._batch_time * (1 + self.depth / self._max_batch)))

    async def submit(self, item: ItemT, key: Hashable) -> RawT:
        """The result of one item; `ExpertError` (busy) at once when the queue is full."""
        if self.depth >= self._capacity:
            self._forget_cancelled()
        if self.depth >= self._capacity:
            seconds = self.retry_after()
            raise ExpertError(
                ErrorCode.BUSY,
                f"{self._capacity} requests are waiting already; ask again in {seconds} s",
                retry_after=seconds,
            )
        future: asyncio.Future[RawT] = asyncio.get_running_loop().create_future()
        self._queue.append(_Job(item, key, future, time.monotonic()))
        self._arrived.set()
        return await future

    async def on_worker(self, work: Callable[[], None]) -> None:
        """Run something (loading a model) on the thread that will call it later."""
        await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def run(self) -> None:
        """Serve batches until cancelled.

        While one batch is in the model the next is made ready and handed to the worker thread, so
        that the device does not wait for this loop; it is made up when it is full, or when the
        device is free, whichever comes first.
        """
        flying: deque[asyncio.Task[None]] = deque()
        try:
            while True:
                await self._first()
                if flying and not flying[-1].done():
                    await self._full_or(flying[-1])
                if batch := self._take():
                    flying.append(asyncio.create_task(self._serve(batch)))
                    if len(flying) > 1:
                        await flying.popleft()
        finally:
            for task in flying:
                task.cancel()

    def close(self) -> None:
        """Fail what is still waiting and let the thread go."""
        for job in self._queue:
            if not job.future.done():
                job.future.set_exception(shutting_down())
        self._queue.clear()
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _first(self) -> None:
        """Wait for an item, and then for company: until the batch is full or its time is up."""
        while not self._queue:
            self._arrived.clear()
            await self._arrived.wait()
        until = self._queue[0].queued + self._wait
        while len(self._queue) < self._max_batch and (left := until - time.monotonic()) > 0:
            self._arrived.clear()
            try:
                await asyncio.wait_for(self._arrived.wait(), left)
            except TimeoutError:
                return

    async def _full_or(self, current: asyncio.Task[None]) -> None:
        """Wait until a whole batch waits or the present one is done."""
        current.add_done_callback(lambda _: self._arrived.set())
        while len(self._queue) < self._max_batch and not current.done():
            self._arrived.clear()
            await self._arrived.wait()

    def _take(self) -> list[_Job[ItemT, RawT]]:
        self._forget_cancelled()
        if not self._queue:
            return []
        key = self._queue[0].key
        batch: list[_Job[ItemT, RawT]] = []
        rest: deque[_Job[ItemT, RawT]] = deque()
        for job in self._queue:
            joins = job.key == key and len(batch) < self._max_batch
            (batch if joins else rest).append(job)
        self._queue = rest
        return batch

    def _forget_cancelled(self) -> None:
        if any(job.future.done() for job in self._queue):
            self._queue = deque(job for job in self._queue if not job.future.done())

    async def _serve(self, batch: list[_Job[ItemT, RawT]]) -> None:
        with self._lock:
            self._ahead += len(batch)
        loop = asyncio.get_running_loop()
        done = await loop.run_in_executor(self._thread, self._on_thread, batch)
        if done is None:
            return
        report, results = done
        weight = _SMOOTH if self._batch_time else 1.0
        self._batch_time += weight * (report.seconds - self._batch_time)
        self._report(report)
        for job, result in results:
            if job.future.done():
                continue
            if isinstance(result, BaseException):
                job.future.set_exception(result)
            else:
                job.future.set_result(result)

    def _on_thread(self, batch: list[_Job[ItemT, RawT]]) -> _Done[ItemT, RawT] | None:
        """On the worker thread: whoever still waits gets a result or an error."""
        with self._lock:
            self._ahead -= len(batch)
        jobs = [job for job in batch if not job.future.done()]
        if not jobs:
            return None
        began = self._running_since = time.monotonic()
        try:
            results = self._attempt([job.item for job in jobs])
        finally:
            self._running_since = None
        seconds = time.monotonic() - began
        report = BatchReport(len(jobs), seconds, tuple(began - job.queued for job in jobs))
        return report, list(zip(jobs, results, strict=True))

    def _attempt(self, items: list[ItemT]) -> list[RawT | BaseException]:
        """The batch as one, or in halves or singles when that fails."""
        try:
            results = list(self._forward(items))
            if len(results) != len(items):
                raise RuntimeError(f"{len(items)} items went in, {len(results)} results came out")
            return list(results)
        except Exception as error:  # noqa: BLE001 - the layer's boundary: becomes each caller's error
            if len(items) == 1:
                return [_explained(error)]
            parts = 2 if _out_of_memory(error) else len(items)
        # Only here, where the failure and with it the tensors of its frames are let go: the next
        # attempt would find the device's memory still full of them.
        size = -(-len(items) // parts)
        smaller = (items[start : start + size] for start in range(0, len(items), size))
        return [result for some in smaller for result in self._attempt(some)]


def _out_of_memory(error: Exception) -> bool:
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"


def _explained(error: Exception) -> Exception:
    if not _out_of_memory(error):
        return error
    return ExpertError(
        ErrorCode.OUT_OF_MEMORY,
        "this request alone does not fit into the device's memory; send a smaller image",
        retry_after=5,
    )
