"""What became of rows: part of every score, because each of them stays in the denominator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from surveyor.benchmarks.scorers.base import Outcome
from surveyor.core.records import FrozenRecord
from surveyor.core.renamed import reads_old


class OutcomeCounts(FrozenRecord):
    """How many rows were scheduled, and what became of them; the three add up to ``scheduled``."""

    _old = reads_old(owed="incomplete")

    scheduled: int = 0
    scored: int = 0
    failed: int = 0
    incomplete: int = 0

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> OutcomeCounts:
        """Count them."""
        found = Counter(outcomes)
        return cls(
            scheduled=found.total(),
            scored=found[Outcome.SCORED],
            failed=found[Outcome.FAILED],
            incomplete=found[Outcome.INCOMPLETE],
        )
