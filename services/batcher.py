"""Micro-batching: requests that arrive together share one forward pass.

A bounded queue, one worker thread (one device, one forward at a time), a timer of a few
milliseconds for the first item, groups by key, callers that gave up dropped before they cost
anything, and one-by-one repetition when a batch fails, so that only the culprit gets the error.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from services.contract import ErrorCode
from services.errors import ExpertError

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

    @property
    def depth(self) -> int:
        """Items that wait for a batch."""
        return len(self._queue)

    def running_for(self) -> float:
        """Seconds that the present batch has been in the model; 0 when it is idle."""
        return 0.0 if self._running_since is None else time.monotonic() - self._running_since

    def retry_after(self) -> int:
        """Whole seconds after which the queue should have room, from the mean batch time."""
        return max(1, math.ceil(self._batch_time * (1 + self.depth / self._max_batch)))

    async def submit(self, item: ItemT, key: Hashable) -> RawT:
        """The result of one item; `ExpertError` (busy) at once when the queue is full."""
        if len(self._queue) >= self._capacity:
            self._forget_cancelled()
        if len(self._queue) >= self._capacity:
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
        """Serve batches until cancelled."""
        while True:
            await self._first()
            batch = self._take()
            if batch:
                await self._serve(batch)

    def close(self) -> None:
        """Fail what is still waiting and let the thread go."""
        for job in self._queue:
            if not job.future.done():
                job.future.set_exception(
                    ExpertError(ErrorCode.BUSY, "the service is shutting down", retry_after=1)
                )
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
        began = time.monotonic()
        self._running_since = began
        items = [job.item for job in batch]
        loop = asyncio.get_running_loop()
        try:
            results = await loop.run_in_executor(self._thread, self._attempt, items)
        finally:
            self._running_since = None
        seconds = time.monotonic() - began
        self._batch_time += (_SMOOTH if self._batch_time else 1.0) * (seconds - self._batch_time)
        self._report(BatchReport(len(batch), seconds, tuple(began - j.queued for j in batch)))
        for job, result in zip(batch, results, strict=True):
            if job.future.done():
                continue
            if isinstance(result, BaseException):
                job.future.set_exception(result)
            else:
                job.future.set_result(result)

    def _attempt(self, items: list[ItemT]) -> list[RawT | BaseException]:
        """On the worker thread: the batch as one, or in halves or singles when that fails."""
        try:
            results = list(self._forward(items))
            if len(results) != len(items):
                raise RuntimeError(f"{len(items)} items went in, {len(results)} results came out")
            return list(results)
        except Exception as error:  # noqa: BLE001 - the layer's boundary: becomes each caller's error
            if len(items) == 1:
                return [_explained(error)]
            if _out_of_memory(error):
                middle = len(items) // 2
                return self._attempt(items[:middle]) + self._attempt(items[middle:])
            return [result for item in items for result in self._attempt([item])]


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
