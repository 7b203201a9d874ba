"""Adaptive concurrency: how many requests one provider or expert is sent at a time.

Slow start doubles the limit every round trip until the first sign of overload; from then on it
grows by one a round trip and shrinks by a factor on overload (AIMD, as TCP does). One burst of
429s is one sign: only a request that started after the last cut may cut again. An idle limit
teaches nothing, so only a request that ended while all slots were taken may raise it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass


@dataclass(slots=True)
class Slot:
    """Permission for one request; the holder says how it went."""

    generation: int
    ok: bool = True

    def overloaded(self) -> None:
        """The other side said that it has too much to do (429, 503)."""
        self.ok = False


class AdaptiveLimiter:
    """Hands out slots in order of asking.

    A request that is cancelled or raises gives its slot back and teaches nothing. ``limit`` lies
    in ``[1, ceiling]``. Not thread safe: one event loop owns it.
    """

    def __init__(
        self, name: str, *, start: int = 8, ceiling: int = 256, backoff: float = 0.7
    ) -> None:
        self.name = name
        self.ceiling = max(1, ceiling)
        self.in_flight = 0
        self.cuts = 0
        self._limit = float(min(max(1, start), self.ceiling))
        self._backoff = backoff
        self._slow_start = True
        self._queue: deque[asyncio.Future[None]] = deque()

    @property
    def limit(self) -> int:
        """How many requests may be in flight now."""
        return int(self._limit)

    @property
    def queued(self) -> int:
        """How many are waiting for a slot."""
        return len(self._queue)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[Slot]:
        """Wait for a slot; learn from how the holder says the request went."""
        await self._acquire()
        slot = Slot(self.cuts)
        try:
            yield slot
            self._learn(slot, saturated=self.in_flight >= self.limit)
        finally:
            self.in_flight -= 1
            self._wake()

    async def _acquire(self) -> None:
        if self.in_flight < self.limit and not self._queue:
            self.in_flight += 1
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.in_flight -= 1
                self._wake()
            elif turn in self._queue:
                self._queue.remove(turn)
            raise

    def _wake(self) -> None:
        while self._queue and self.in_flight < self.limit:
            turn = self._queue.popleft()
            if not turn.done():
                self.in_flight += 1
                turn.set_result(None)

    def _learn(self, slot: Slot, saturated: bool) -> None:
        if slot.ok and saturated:
            step = 1.0 if self._slow_start else 1.0 / self._limit
            self._limit = min(self._limit + step, float(self.ceiling))
        elif not slot.ok and slot.generation == self.cuts:
            self.cuts += 1
            self._slow_start = False
            self._limit = max(1.0, self._limit * self._backoff)
