"""Accuracy over unseen rooms, with perfect and with imperfect experts; cache and survival."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from surveyor.benchmarks.report.record import RunReport
from surveyor.benchmarks.run.config import RunConfig
from surveyor.compose.demo import make_rooms
from surveyor.compose.run import Job
from surveyor.compose.session import finish, reference_experts
from tests.claims.claim import Claim

NUMERIC = (
    "object_abs_distance",
    "object_counting",
    "object_size_estimation",
    "room_size_estimation",
)


def accuracy(folder: Path, seeds: Sequence[int]) -> Iterator[Claim]:
    """Must-show 2: perfect experts' scores, and how much of a detector's misses fusing mends."""
    dataset = folder / "dataset"
    make_rooms(dataset, seeds)
    perfect = answered(dataset, folder, "perfect", "plain")
    numeric, choice = _means(perfect)
    note = f"{len(seeds)} unseen rooms, {perfect.tally.scheduled} questions"
    yield Claim.at_least("perfect experts: MRA of numeric questions", numeric, 0.90, note)
    yield Claim.at_least("perfect experts: accuracy of choice questions", choice, 0.95, note)
    perfect_single = answered(dataset, folder, "perfect", "single")
    fused = answered(dataset, folder, "imperfect-detector", "plain")
    single = answered(dataset, folder, "imperfect-detector", "single")
    lost_fused = perfect.overall.value - fused.overall.value
    lost_single = perfect.overall.value - single.overall.value
    own = perfect_single.overall.value - single.overall.value
    yield Claim.at_most(
        "imperfect detector: points short of perfect, fused / one view",
        lost_fused / lost_single,
        0.5,
        f"{lost_fused:.1f} of {perfect.overall.value:.1f} points against {lost_single:.1f}",
    )
    yield Claim.at_most(
        "imperfect detector: points lost, fused / one view, each of its own",
        lost_fused / own,
        0.5,
        f"{lost_fused:.1f} of {perfect.overall.value:.1f} against {own:.1f} of "
        f"{perfect_single.overall.value:.1f}",
    )


def cache(folder: Path) -> Iterator[Claim]:
    """Must-show 5: the dataset of `accuracy` once more, with what its first run has cached."""
    dataset, first = folder / "dataset", _report(folder, "perfect", "plain")
    again = answered(dataset, folder, "perfect", "plain", name="again")
    yield Claim.at_most("second run: requests that reach an expert", again.spend.expert_calls, 0)
    yield Claim.at_least(
        "second run: times faster than the first",
        first.wall / again.wall,
        3.0,
        f"{first.wall:.1f} s, then {again.wall:.1f} s",
    )


def survival(folder: Path) -> Iterator[Claim]:
    """Must-show 4, by killing real processes."""
    from tests.claims.runner.crashes import survival_claims

    yield from survival_claims(folder)


def answered(dataset: Path, folder: Path, preset: str, workflow: str, name: str = "") -> RunReport:
    """A run of the `program` planner on a dataset, with reference experts of a preset."""
    config = RunConfig(
        dataset=str(dataset),
        planner_options={"workflow": workflow},
        expert_options={"preset": preset},
        concurrency=4,
    )
    run = folder / (name or f"{preset}-{workflow}")
    with reference_experts(dataset, preset, folder / f"experts-{run.name}") as endpoints:
        return finish(Job(dataset, run, config, endpoints, folder / "cache"))


def _report(folder: Path, preset: str, workflow: str) -> RunReport:
    from surveyor.benchmarks.report.record import read_report
    from surveyor.memory.runs import RunFolder

    return read_report(RunFolder.open(folder / f"{preset}-{workflow}"))


def _means(report: RunReport) -> tuple[float, float]:
    """Mean of the numeric types and of the choice types, 0..1, each type weighing the same."""
    scores = {row.question_type: row.score.value / 100 for row in report.types}
    numeric = [value for name, value in scores.items() if name in NUMERIC]
    choice = [value for name, value in scores.items() if name not in NUMERIC]
    return sum(numeric) / len(numeric), sum(choice) / len(choice)
