"""What a session is doing right now, in short texts for the live bar."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from surveyor.agent.limits import Spent
from surveyor.tools.concurrency import AdaptiveLimiter


@runtime_checkable
class Limited(Protocol):
    """Whoever bounds its requests in flight: the client of experts, a planner that asks a model."""

    @property
    def limiters(self) -> Mapping[str, AdaptiveLimiter]:
        """By the name of the one that is asked."""
        ...


class LiveStatus:
    """Requests in flight of their limit for each provider, and money spent where it is known.

    Empty until a session gives it something to `watch`. It is read from the thread that redraws
    while the session goes on in another.
    """

    def __init__(self) -> None:
        self._asking: tuple[Limited, ...] = ()
        self._spent = Spent()

    def watch(self, spent: Spent, *parts: object) -> None:
        """Show what is spent, and the concurrency of those parts that bound theirs."""
        self._spent = spent
        self._asking = tuple(part for part in parts if isinstance(part, Limited))

    def __call__(self) -> dict[str, str]:
        """Texts by name, as `LiveBar` wants them."""
        shown = {
            name: f"{limiter.in_flight} of {limiter.limit}"
            for part in self._asking
            for name, limiter in tuple(part.limiters.items())
        }
        cost = _money(self._spent)
        return {**shown, "cost": cost} if cost else shown


def _money(spent: Spent) -> str:
    """Nothing when no model was asked; calls without a price are counted, never taken as free."""
    parts = [f"${spent.known_cost:.2f}"] if spent.known_cost else []
    if spent.unpriced:
        parts.append(f"{spent.unpriced} calls unpriced")
    return ", ".join(parts)
