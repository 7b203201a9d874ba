"""The perception bound end to end: the `program` planner with perfect experts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from memory.claims import Claim
from scripts.proofs.skeleton_rooms import NUMERIC, answered


def planner_bound(seeds: Sequence[int]) -> Iterator[Claim]:
    """Must-show 6, on numeric questions. Light is baked coarsely: these experts do not need it."""
    from scenes.suite_rooms import RoomsSettings
    from scripts.demonstration import make_rooms

    settings = RoomsSettings(n_frames=32, light_rays=1, types=NUMERIC, balance=False)
    with tempfile.TemporaryDirectory(prefix="surveyor-proofs-") as name:
        suite = Path(name) / "suite"
        make_rooms(suite, seeds, settings)
        report = answered(suite, Path(name), "perfect", "plain")
    for row in report.types:
        note = f"{len(seeds)} rooms, {row.tally.scheduled} questions"
        value = row.score.value / 100
        yield Claim.at_least(f"program planner, {row.question_type} MRA", value, 0.97, note)
