"""Measuring the agent itself: what `make claims NAME=agent` prints.

Each function runs one measurement and returns its claims. `impersonate` has no function of its
own here: it needs a dataset, which a higher floor brings.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.claims.claim import Claim


def measure() -> Iterator[Claim]:
    """All claims that need no dataset; about three minutes on two cores."""
    from tests.claims.agent.cost import memory, orchestration
    from tests.claims.agent.faults import faulty_run
    from tests.claims.agent.fuzz import fuzz

    yield from orchestration()
    yield from memory()
    yield from faulty_run()
    yield from fuzz()
