"""The perception bound end to end: the `program` planner with perfect experts."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.claims.claim import Claim
from tests.claims.runner.rooms import NUMERIC, answered


def planner_bound(seeds: Sequence[int]) -> Iterator[Claim]:
    """Must-show 6, on numeric questions. Light is baked coarsely: these experts do not need it."""
    from surveyor.compose.demo import make_rooms
    from surveyor.scenes.datasets.embedded import RoomsSettings

    settings = RoomsSettings(n_frames=32, light_rays=1, types=NUMERIC, balance=False)
    with tempfile.TemporaryDirectory(prefix="surveyor-claims-") as name:
        dataset = Path(name) / "dataset"
        make_rooms(dataset, seeds, settings)
        report = answered(dataset, Path(name), "perfect", "plain")
    for row in report.types:
        note = f"{len(seeds)} rooms, {row.tally.scheduled} questions"
        value = row.score.value / 100
        yield Claim.at_least(f"program planner, {row.question_type} MRA", value, 0.97, note)
