"""Claims on distance: several machines, what a run's start costs, what a second run pays."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.claims.claim import Claim
from tests.claims.far import chaos, nodes, shared, speed


def measure() -> Iterator[Claim]:
    """Speed rows, nodes, faults; about half an hour on two quiet cores."""
    for part in (speed, nodes, shared, chaos):
        with tempfile.TemporaryDirectory(prefix="surveyor-claims-") as name:
            yield from part.measure(Path(name))
