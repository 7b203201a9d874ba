"""Claims of the skeleton: accuracy, real scenes, speed, survival, cache, bad input."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from memory.claims import Claim
from scripts.proofs import skeleton_inputs, skeleton_meta, skeleton_rooms

UNSEEN = range(7000, 7020)
"""Room seeds that no test uses."""


def measure() -> Iterator[Claim]:
    """Every claim of the skeleton, each as soon as it is known."""
    with tempfile.TemporaryDirectory(prefix="surveyor-proofs-") as name:
        folder = Path(name)
        yield from skeleton_rooms.accuracy(folder / "rooms", UNSEEN)
        yield from skeleton_meta.real_scenes(folder / "meta")
        yield from skeleton_rooms.cache(folder / "rooms")
        yield from skeleton_rooms.survival(folder / "survival")
        yield from skeleton_inputs.refusals(folder / "bad")
