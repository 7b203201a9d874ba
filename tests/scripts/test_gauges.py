"""What the live bar shows of a session: requests in flight of each provider, and its cost."""

from __future__ import annotations

import asyncio

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.planner import ChatPlanner
from surveyor.agent.limits import UNLIMITED, Spent
from surveyor.benchmarks.run.live_status import LiveStatus
from surveyor.memory.events import Usage
from surveyor.tools.concurrency import AdaptiveLimiter


class Experts:
    """Something that asks two experts."""

    def __init__(self) -> None:
        self.limiters = {name: AdaptiveLimiter(name, start=4) for name in ("detect", "depth")}


def test_it_shows_requests_in_flight_of_their_limit_while_they_are() -> None:
    experts, gauges = Experts(), LiveStatus()
    planner = ChatPlanner(ChatConfig(model="gpt"), ())
    assert gauges() == {}
    gauges.watch(Spent(), planner, experts, object())

    async def use() -> dict[str, str]:
        async with experts.limiters["detect"].slot():
            return gauges()

    assert asyncio.run(use()) == {"gpt": "0 of 8", "detect": "1 of 4", "depth": "0 of 4"}


def test_it_shows_the_cost_that_is_known_and_counts_what_is_not() -> None:
    async def spend() -> list[dict[str, str]]:
        gauges, seen = LiveStatus(), []
        async with UNLIMITED.scope("watched") as watched:
            gauges.watch(watched.spent)
            for usage in (None, Usage(cost=0.4), Usage(input_tokens=10)):
                async with UNLIMITED.scope("episode") as episode:
                    episode.take_turn(usage)
                seen.append(gauges())
        return seen

    free, priced, unpriced = asyncio.run(spend())
    assert free == {}
    assert priced == {"cost": "$0.40"}
    assert unpriced == {"cost": "$0.40, 1 calls unpriced"}
