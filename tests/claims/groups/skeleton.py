"""Claims of the skeleton: accuracy, real scenes, speed, survival, cache, bad input."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.claims.claim import Claim
from tests.claims.runner import bad_input as skeleton_inputs
from tests.claims.runner import rooms as skeleton_rooms
from tests.claims.runner import vsi_meta as skeleton_meta

UNSEEN = range(7000, 7020)
"""Room seeds that no test uses."""


def measure() -> Iterator[Claim]:
    """Every claim of the skeleton, each as soon as it is known."""
    with tempfile.TemporaryDirectory(prefix="surveyor-claims-") as name:
        folder = Path(name)
        yield from skeleton_rooms.accuracy(folder / "rooms", UNSEEN)
        yield from skeleton_meta.real_scenes(folder / "meta")
        yield from skeleton_rooms.cache(folder / "rooms")
        yield from skeleton_rooms.survival(folder / "survival")
        yield from skeleton_inputs.refusals(folder / "bad")
