"""Claims of the agent: three dialects, orchestration cost, a hostile server, fuzzed outputs,
and other programs on the other side."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.claims.agent.dialects import dialects
from tests.claims.agent.interop import interop
from tests.claims.benchmarks.bad_input import wrong_runs
from tests.claims.benchmarks.crowd import crowd
from tests.claims.benchmarks.grounding import grounding
from tests.claims.benchmarks.scorers import predictors
from tests.claims.claim import Claim


def measure() -> Iterator[Claim]:
    """Every claim of the agent; about ten minutes on two cores."""
    from tests.claims.agent import measure as without_dataset

    with tempfile.TemporaryDirectory(prefix="surveyor-claims-") as name:
        yield from dialects(Path(name) / "dialects")
        yield from predictors(Path(name) / "scorers")
        yield from grounding(Path(name) / "grounding")
        yield from wrong_runs(Path(name) / "wrong")
        yield from crowd(Path(name) / "crowd")
    yield from without_dataset()
    yield from interop()
