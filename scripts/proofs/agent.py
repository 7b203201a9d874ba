"""Claims of the agent: three dialects, orchestration cost, a hostile server, fuzzed outputs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from memory.claims import Claim
from scripts.proofs.agent_dialects import dialects


def measure() -> Iterator[Claim]:
    """Every claim of the agent; about six minutes on two cores."""
    from agent.selfcheck import measure as without_suite

    with tempfile.TemporaryDirectory(prefix="surveyor-proofs-") as name:
        yield from dialects(Path(name))
    yield from without_suite()
