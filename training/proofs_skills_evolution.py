"""Evolving on training rooms and judging on unseen ones, with real episodes and reference experts.

Not part of a test run: with the numbers of rooms that a claim needs it takes hours on two cores.
`measure` says how many rooms and error seeds it was given; smaller runs are honest, only wider.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from memory.claims import Claim
from scenes.suite import Suite
from services.registry import experts_of
from skills.retrieve import Retriever
from skills.seeds import plant_seeds
from skills.snapshot import find_snapshot, open_snapshot
from skills.store import SkillStore
from training.evolve import evolve
from training.evolve_cases import Case, load_cases
from training.evolve_experts import experts_in_process
from training.evolve_library import Library
from training.evolve_play import ProgramPlay, producers_of
from training.evolve_records import EvolveReport, EvolveSettings
from training.evolve_scoring import Judge
from training.evolve_trials import Play, TrialStore
from training.proofs_skills_policies import (
    Chooser,
    Evaluation,
    baselines,
    evaluate,
    library,
    shuffled,
)

Watch = Callable[[str, int, int], None]


class EvolutionPlan(BaseModel):
    """``curve``: numbers of rounds after which the library is judged on the test rooms.
    ``test_rooms``: judge on the first so many (``None``: all)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    train: tuple[Path, ...]
    test: tuple[Path, ...]
    work: Path
    preset: str = "realistic"
    error_seeds: tuple[int, ...] = (0, 1, 2)
    curve: tuple[int, ...] = (1, 2, 4, 8)
    test_rooms: int | None = None
    settings: EvolveSettings = EvolveSettings()


@dataclass(frozen=True, slots=True)
class SeedResult:
    """One error seed: the evolution, and every policy on the test rooms."""

    seed: int
    evolution: EvolveReport
    evaluation: Evaluation


def measure(plan: EvolutionPlan, watch: Watch | None = None) -> Iterator[Claim]:
    """Claims about baselines, the evolved library, scene-awareness and the learning curve."""
    results = [asyncio.run(run_seed(plan, seed, watch)) for seed in plan.error_seeds]
    yield from claims(results)


async def run_seed(plan: EvolutionPlan, seed: int, watch: Watch | None = None) -> SeedResult:
    """Evolve and judge with the experts' errors drawn from one seed; resumes what was played."""
    work = plan.work / f"errors{seed}"
    train, test = load_cases(plan.train), _first_rooms(plan)
    evolved = Library(work / "library")
    choosers: dict[str, Chooser] = {}
    async with _players(plan, plan.train, work, seed) as play:
        for rounds in plan.curve:
            settings = plan.settings.model_copy(update={"rounds": rounds})
            report = await evolve(evolved, train, play, settings, watch=watch)
            choosers |= _evolved(evolved, report, rounds, plan, test)
        trained_in = play.world
    _check_disjoint(evolved, report, plan)
    store = TrialStore(evolved.trials)
    try:
        tried = store.all(trained_in, [c.id for c in train])
        choosers = (
            baselines(tried, plan.settings.price)
            | {"seeds": _seeds(work, plan.settings)}
            | choosers
        )
        async with _players(plan, plan.test, work, seed) as play:
            judged = await _judge(choosers, test, play, store, plan, watch)
    finally:
        store.close()
    return SeedResult(seed, report, judged)


def _first_rooms(plan: EvolutionPlan) -> tuple[Case, ...]:
    cases = load_cases(plan.test, split="test")
    rooms = sorted({c.room for c in cases})[: plan.test_rooms]
    return tuple(c for c in cases if c.room in rooms)


@asynccontextmanager
async def _players(
    plan: EvolutionPlan, suites: Sequence[Path], work: Path, seed: int
) -> AsyncIterator[ProgramPlay]:
    """Players whose experts know these suites and no others."""
    names = experts_of("reference")
    async with (
        experts_in_process(suites, work, preset=plan.preset, seed=seed) as client,
        Judge(suites) as judge,
    ):
        yield ProgramPlay(client, judge, await producers_of(client, names))


def claims(results: Sequence[SeedResult]) -> Iterator[Claim]:
    """Rows side by side, then the contrasts that matter, means over error seeds."""
    first = results[0].evaluation
    rooms = first.rows[0].rooms
    where = f"{rooms} rooms, {first.rows[0].tasks} tasks, {len(results)} error seeds"
    for index, row in enumerate(first.rows):
        rows = [r.evaluation.rows[index] for r in results]
        utility = statistics.fmean(r.utility for r in rows)
        note = (
            f"score {statistics.fmean(r.score for r in rows):.3f} at"
            f" {statistics.fmean(r.cost for r in rows):.2f} s, effective"
            f" {statistics.fmean(r.effective for r in rows):.2f}; {where}"
        )
        yield Claim(f"skills: utility of {row.policy}", round(utility, 4), "shown", True, note)
    for index, found in enumerate(first.contrasts):
        same = [r.evaluation.contrasts[index] for r in results]
        gain = statistics.fmean(c.utility for c in same)
        low = statistics.fmean(c.utility_low for c in same)
        high = statistics.fmean(c.utility_high for c in same)
        score = statistics.fmean(c.score for c in same)
        yield Claim(
            f"skills: {found.policy} less {found.baseline}, utility",
            round(gain, 4),
            "low > 0",
            low > 0,
            f"[{low:+.4f}, {high:+.4f}], score {score:+.4f}, cost x"
            f"{statistics.fmean(c.cost_ratio for c in same):.2f}, {found.differ} tasks differ",
        )


def _evolved(
    evolved: Library, report: EvolveReport, rounds: int, plan: EvolutionPlan, test: Sequence[Case]
) -> dict[str, Chooser]:
    snapshot = open_snapshot(find_snapshot(evolved.snapshots, report.snapshot))
    retriever, default = snapshot.retriever(), plan.settings.default
    made = {f"evolved {rounds}": library(retriever, default)}
    if rounds == plan.curve[-1]:
        made["evolved, cards shuffled"] = shuffled(retriever, default, test)
    return made


def _seeds(work: Path, settings: EvolveSettings) -> Chooser:
    store = SkillStore(work / "seeds.sqlite")
    plant_seeds(store)
    return library(Retriever(store), settings.default)


def _check_disjoint(evolved: Library, report: EvolveReport, plan: EvolutionPlan) -> None:
    snapshot = open_snapshot(find_snapshot(evolved.snapshots, report.snapshot))
    for path in plan.test:
        snapshot.refuse_overlap(Suite.open(path).tasks())
    snapshot.store.close()


async def _judge(
    choosers: dict[str, Chooser],
    test: Sequence[Case],
    play: Play,
    store: TrialStore,
    plan: EvolutionPlan,
    watch: Watch | None,
) -> Evaluation:
    def progress(done: int, total: int) -> None:
        if watch is not None:
            watch("test", done, total)

    return await evaluate(choosers, test, play, store, price=plan.settings.price, progress=progress)
