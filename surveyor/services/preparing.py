"""The threads that prepare requests and finish answers, and how long they have been at it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

_T = TypeVar("_T")


class WatchedPool:
    """A thread pool that knows since when each of its threads has been busy."""

    def __init__(self, threads: int) -> None:
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="prepare")
        self._since: dict[int, float] = {}  # thread to the beginning of its present work

    async def run(self, work: Callable[[], _T]) -> _T:
        """The result of ``work``, done on one of the threads."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: self._watched(work))

    @property
    def longest(self) -> float:
        """Seconds that the oldest work has taken so far; 0 when nothing is done."""
        return max(self._ages(), default=0.0)

    @property
    def blocked(self) -> float:
        """Seconds for which no thread has been free; 0 when one is."""
        ages = self._ages()
        return min(ages) if len(ages) == self._threads else 0.0

    def close(self) -> None:
        """Wait for what has begun and drop the rest."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _ages(self) -> list[float]:
        now = time.monotonic()
        return [now - since for since in tuple(self._since.values())]

    def _watched(self, work: Callable[[], _T]) -> _T:
        me = threading.get_ident()
        self._since[me] = time.monotonic()
        try:
            return work()
        finally:
            del self._since[me]
