"""Measuring the agent itself: what `surveyor proofs agent` prints.

Each function runs one measurement and returns its claims. `impersonate` has no function of its
own here: it needs a suite, which a higher floor brings.
"""

from __future__ import annotations

from collections.abc import Iterator

from memory.claims import Claim


def measure() -> Iterator[Claim]:
    """All claims that need no suite; about three minutes on two cores."""
    from agent.selfcheck.cost import memory, orchestration
    from agent.selfcheck.faults import faulty_run
    from agent.selfcheck.fuzz import fuzz

    yield from orchestration()
    yield from memory()
    yield from faulty_run()
    yield from fuzz()
