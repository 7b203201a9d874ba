"""Claims of the agent: three dialects, orchestration cost, a hostile server, fuzzed outputs,
and other programs on the other side."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from memory.claims import Claim
from scripts.proofs.agent_dialects import dialects
from scripts.proofs.agent_interop import interop
from scripts.proofs.judging_crowd import crowd
from scripts.proofs.judging_grounding import grounding
from scripts.proofs.judging_inputs import wrong_runs
from scripts.proofs.judging_scorers import predictors


def measure() -> Iterator[Claim]:
    """Every claim of the agent; about ten minutes on two cores."""
    from agent.selfcheck import measure as without_suite

    with tempfile.TemporaryDirectory(prefix="surveyor-proofs-") as name:
        yield from dialects(Path(name) / "dialects")
        yield from predictors(Path(name) / "scorers")
        yield from grounding(Path(name) / "grounding")
        yield from wrong_runs(Path(name) / "wrong")
        yield from crowd(Path(name) / "crowd")
    yield from without_suite()
    yield from interop()
