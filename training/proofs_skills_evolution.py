"""Evolving on training rooms and judging on unseen ones, with real episodes and reference experts.

Not part of a test run: with the numbers of rooms that a claim needs it takes an hour on two cores.
Everything that was played is kept under ``work``, so a measurement that was stopped goes on where
it was, and error seeds may be measured by several processes before one of them prints.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict

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
from training.evolve_trials import TrialStore, trials_of
from training.explore import SPACE
from training.proofs_skills_compare import Played, evaluate
from training.proofs_skills_oracle import Hindsight, hindsight
from training.proofs_skills_policies import Chooser, baselines, library, shuffled

Watch = Callable[[str, int, int], None]


class EvolutionPlan(BaseModel):
    """``curve``: numbers of rounds after which the library is judged on the test rooms.
    ``test_rooms``: judge on the first so many (``None``: all). ``oracle_rooms``: play the whole
    space of workflows on the first so many under the first seed, for hindsight (0: none)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    train: tuple[Path, ...]
    test: tuple[Path, ...]
    work: Path
    preset: str = "realistic"
    error_seeds: tuple[int, ...] = (0, 1, 2)
    curve: tuple[int, ...] = (1, 2, 4, 8)
    test_rooms: int | None = None
    oracle_rooms: int = 0
    settings: EvolveSettings = EvolveSettings()


@dataclass(frozen=True, slots=True)
class SeedResult:
    """One error seed: the evolution, every policy's trials on the test rooms, and the names of
    the learning curve's policies by number of rounds."""

    seed: int
    evolution: EvolveReport
    played: Played
    curve: dict[int, str]
    hindsight: Hindsight | None = None


async def run_seed(plan: EvolutionPlan, seed: int, watch: Watch | None = None) -> SeedResult:
    """Evolve and judge with the experts' errors drawn from one seed; resumes what was played."""
    work = plan.work / f"errors{seed}"
    train, test = load_cases(plan.train), _first_rooms(plan)
    evolved = Library(work / "library")
    choosers: dict[str, Chooser] = {}
    curve = {0: "seeds"}
    async with _players(plan, plan.train, work, seed) as play:
        for rounds in plan.curve:
            settings = plan.settings.model_copy(update={"rounds": rounds})
            report = await evolve(evolved, train, play, settings, watch=watch)
            choosers |= _evolved(evolved, report, rounds, plan, test)
            curve[rounds] = f"evolved {rounds}"
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
            told = None if watch is None else _stage(watch, "test")
            played = await evaluate(choosers, test, play, store, progress=told)
            look = await _hindsight(plan, test, play, store, watch) if _looks(plan, seed) else None
    finally:
        store.close()
    return SeedResult(seed, report, played, curve, look)


def _looks(plan: EvolutionPlan, seed: int) -> bool:
    return plan.oracle_rooms > 0 and seed == plan.error_seeds[0]


async def _hindsight(
    plan: EvolutionPlan,
    test: Sequence[Case],
    play: ProgramPlay,
    store: TrialStore,
    watch: Watch | None,
) -> Hindsight:
    rooms = sorted({c.room for c in test})[: plan.oracle_rooms]
    mine = [c for c in test if c.room in rooms]
    told = None if watch is None else _stage(watch, "hindsight")
    trials = await trials_of(store, play, [(c, w) for c in mine for w in SPACE], progress=told)
    label = {c.task.scene_id: " ".join(c.card.tags) or "plain" for c in mine}
    return hindsight(trials, label, plan.settings.price)


def _stage(watch: Watch, stage: str) -> Callable[[int, int], None]:
    return lambda done, total: watch(stage, done, total)


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
