"""Answers by handle, end to end: the `program` planner grounds descriptions in unseen rooms."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from surveyor.benchmarks.report.record import RunReport
from surveyor.benchmarks.run.config import RunConfig
from surveyor.compose.run import Job
from surveyor.compose.session import finish, reference_experts
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from tests.claims.claim import Claim

ROOMS = range(8970, 8974)
HEADLINES = {"scanrefer": "hit_at_0.5", "multi3drefer": "f1_at_0.5"}


def grounding(folder: Path) -> Iterator[Claim]:
    """Acc@IoU and F1@IoU of boxes that come out of the episodes' own logs.

    With perfect experts what is missing is the planner's and the views' (colours cannot be asked
    of any tool, an object seen from one side is smaller than it is); with a free reconstruction
    nothing maps its axes to the rooms', and every row must say so instead of scoring.
    """
    dataset = folder / "dataset"
    settings = RoomsSettings(types=tuple(HEADLINES), balance=False)
    make_rooms_dataset(dataset, ROOMS, settings=settings)
    for metric, headline in HEADLINES.items():
        report = _played(folder, dataset, metric, "perfect")
        note = ", ".join(f"{name} {value:.1f}" for name, value in report.measures.items())
        note += f"; {report.tally.scheduled} descriptions, {report.tally.failed} failed"
        value = report.measures[headline]
        yield Claim.at_least(f"program planner, {metric} on rooms: {headline}", value, 50, note)
    free = _played(folder, dataset, "scanrefer", "realistic")
    note = "; ".join(f"{count} x {reason}" for reason, count in free.failures.items())
    scored = free.tally.scored
    yield Claim.at_most("boxes scored although nothing maps their axes", scored, 0, note[:160])


def _played(folder: Path, dataset: Path, metric: str, preset: str) -> RunReport:
    run = folder / f"{metric}-{preset}"
    config = RunConfig(dataset=str(dataset), types=(metric,), expert_options={"preset": preset})
    with reference_experts(dataset, preset, folder / f"{run.name}.experts", config) as endpoints:
        return finish(Job(dataset, run, config, endpoints, folder / "cache"))
