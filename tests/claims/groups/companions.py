"""The four companion systems, proof by proof: A programs, B masks, C actions, D markers.

The three stages of training are judged where ``SURVEYOR_STAGES`` names the folder of their recipe.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from tests.claims.claim import Claim
from tests.claims.companions import actions, markers, masks, points, programs, stages


def measure() -> Iterator[Claim]:
    """Rows whose names begin with the proof that they are of."""
    for part in (programs, masks, points, actions, markers):
        yield from part.measure()
    if folder := os.environ.get("SURVEYOR_STAGES"):
        yield from stages.measure(Path(folder))
