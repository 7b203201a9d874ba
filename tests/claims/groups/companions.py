"""The four companion systems, proof by proof: A programs, B masks, C actions, D markers."""

from __future__ import annotations

from collections.abc import Iterator

from tests.claims.claim import Claim
from tests.claims.companions import actions, markers, masks, points, programs


def measure() -> Iterator[Claim]:
    """Rows whose names begin with the proof that they are of."""
    for part in (programs, masks, points, actions, markers):
        yield from part.measure()
