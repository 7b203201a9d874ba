"""Evolving on training rooms and judging on unseen ones, with real episodes and reference experts.

Not part of a test run: with the numbers of rooms that a claim needs it takes an hour and a half
on two cores. Everything that was played is kept under ``work``, so a measurement that was stopped
goes on where it was. Training rooms and test rooms are worked on apart, by two processes if there
are two: what a picture is worth as evidence doesn't depend on the error seed, so each measures its
own pictures once for all seeds.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from surveyor.core.dataset import Dataset
from surveyor.services.plan import write_atomically
from surveyor.services.reference.base import WorldCache
from surveyor.skills.builtin import add_builtin
from surveyor.skills.distil.rollouts import Trial
from surveyor.skills.provenance import digest
from surveyor.skills.retrieve import Retriever
from surveyor.skills.snapshot import find_snapshot, open_snapshot
from surveyor.skills.store import SkillStore
from surveyor.skills.workflow import GUARDED, PLAIN
from surveyor.training.evolution.cases import Case, first_of_each, load_cases
from surveyor.training.evolution.exploration import SPACE
from surveyor.training.evolution.library import Library
from surveyor.training.evolution.players import reference_play
from surveyor.training.evolution.records import EvolveReport, EvolveSettings
from surveyor.training.evolution.rollout_store import TrialStore, trials_of
from surveyor.training.evolution.rollouts import ProgramPlay, source_hash
from surveyor.training.evolution.rounds import evolve
from tests.claims.skills.compare import Played, evaluate
from tests.claims.skills.oracle import Hindsight, hindsight
from tests.claims.skills.policies import Chooser, baselines, fixed, library, shuffled

Watch = Callable[[str, int, int], None]

_KEEP_FRAMES, _KEEP_SIGHTS = 128, 50_000


class EvolutionPlan(BaseModel):
    """``curve``: numbers of rounds after which the library is judged on the test rooms.
    ``test_rooms``: judge on the first so many (``None``: all). ``train_tasks``, ``test_tasks``: use
    so many of a room's questions of each type (``None``: all). ``oracle_rooms``: play the whole
    space of workflows on the first so many under the first seed, for hindsight (0: none)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    train: tuple[Path, ...]
    test: tuple[Path, ...]
    work: Path
    preset: str = "realistic"
    error_seeds: tuple[int, ...] = (0, 1, 2)
    curve: tuple[int, ...] = (1, 2, 4, 8)
    test_rooms: int | None = None
    train_tasks: int | None = None
    test_tasks: int | None = None
    oracle_rooms: int = 0
    settings: EvolveSettings = EvolveSettings()

    def seed_work(self, seed: int) -> Path:
        """Where one error seed's library and trials are."""
        return self.work / f"errors{seed}"

    @property
    def test_work(self) -> Path:
        """Where what is played on these test rooms is kept, apart from that on others."""
        return self.work / f"test-{digest([path.name for path in self.test])[:8]}"


class Evolved(BaseModel):
    """One error seed's evolution: the world its trials were played in, and the report after each
    number of rounds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    world: str
    reports: dict[int, EvolveReport]


@dataclass(frozen=True, slots=True)
class SeedResult:
    """One error seed: the evolution, every policy's trials on the test rooms, and the names of
    the learning curve's policies by number of rounds."""

    seed: int
    evolution: EvolveReport
    played: Played
    curve: dict[int, str]
    hindsight: Hindsight | None = None


def shelf_of(datasets: Sequence[Path]) -> WorldCache:
    """A shelf for all error seeds on these datasets, with room for every picture's evidence."""
    return WorldCache(tuple(datasets), keep_frames=_KEEP_FRAMES, keep_sights=_KEEP_SIGHTS)


async def evolve_seed(
    plan: EvolutionPlan, seed: int, shelf: WorldCache, watch: Watch | None = None
) -> Evolved:
    """Evolve on the training rooms with the experts' errors drawn from one seed."""
    work = plan.seed_work(seed)
    name = digest([plan.model_dump_json(), source_hash(), str(seed)])[:16]
    kept = work / f"evolved-{name}.json"
    if kept.exists():
        return Evolved.model_validate_json(kept.read_bytes())
    train, home = _train_cases(plan), Library(work / "library")
    reports: dict[int, EvolveReport] = {}
    async with _players(plan, plan.train, plan.work / "train", seed, shelf) as play:
        for rounds in plan.curve:
            settings = plan.settings.model_copy(update={"rounds": rounds, "seed": seed})
            reports[rounds] = await evolve(home, train, play, settings, watch=watch)
        found = Evolved(world=play.world, reports=reports)
    write_atomically(kept, found.model_dump_json())
    return found


async def play_defaults(
    plan: EvolutionPlan, seed: int, shelf: WorldCache, watch: Watch | None = None
) -> None:
    """Play on the test rooms what needs no training: so much is done when `judge_seed` is asked."""
    choosers = {"plain": fixed(PLAIN), "guarded": fixed(GUARDED), "seeds": _seeds(plan, seed)}
    async with _testing(plan, seed, shelf) as (play, store):
        await evaluate(choosers, _first_rooms(plan), play, store, progress=_stage(watch, "test"))


async def judge_seed(
    plan: EvolutionPlan, seed: int, evolved: Evolved, shelf: WorldCache, watch: Watch | None = None
) -> SeedResult:
    """Every policy on the test rooms."""
    home = Library(plan.seed_work(seed) / "library")
    test, last = _first_rooms(plan), evolved.reports[plan.curve[-1]]
    _check_disjoint(home, last, plan)
    choosers = baselines(_tried(plan, home, evolved), plan.settings.price)
    choosers["seeds"] = _seeds(plan, seed)
    curve = {0: "seeds"}
    for rounds, report in evolved.reports.items():
        choosers |= _evolved(home, report, rounds, plan, test)
        curve[rounds] = f"evolved {rounds}"
    async with _testing(plan, seed, shelf) as (play, store):
        played = await evaluate(choosers, test, play, store, progress=_stage(watch, "test"))
        look = None
        if plan.oracle_rooms > 0 and seed == plan.error_seeds[0]:
            look = await _hindsight(plan, test, play, store, watch)
    return SeedResult(seed, last, played, curve, look)


def merged(parts: Sequence[SeedResult]) -> SeedResult:
    """One error seed's results on several sets of test rooms as one."""
    played = {name: tuple(t for p in parts for t in p.played[name]) for name in parts[0].played}
    return replace(parts[0], played=played)


def _tried(plan: EvolutionPlan, home: Library, evolved: Evolved) -> list[Trial]:
    store = TrialStore(home.trials)
    try:
        return store.all(evolved.world, [c.id for c in _train_cases(plan)])
    finally:
        store.close()


async def _hindsight(
    plan: EvolutionPlan,
    test: Sequence[Case],
    play: ProgramPlay,
    store: TrialStore,
    watch: Watch | None,
) -> Hindsight:
    rooms = sorted({c.room for c in test})[: plan.oracle_rooms]
    mine = [c for c in test if c.room in rooms]
    told = _stage(watch, "hindsight")
    trials = await trials_of(store, play, [(c, w) for c in mine for w in SPACE], progress=told)
    label = {c.task.scene_id: " ".join(c.card.tags) or "plain" for c in mine}
    return hindsight(trials, label, plan.settings.price)


def _stage(watch: Watch | None, stage: str) -> Callable[[int, int], None] | None:
    return None if watch is None else lambda done, total: watch(stage, done, total)


def _train_cases(plan: EvolutionPlan) -> tuple[Case, ...]:
    return first_of_each(load_cases(plan.train), plan.train_tasks)


def _first_rooms(plan: EvolutionPlan) -> tuple[Case, ...]:
    cases = load_cases(plan.test, split="test")
    rooms = sorted({c.room for c in cases})[: plan.test_rooms]
    return first_of_each([c for c in cases if c.room in rooms], plan.test_tasks)


@asynccontextmanager
async def _testing(
    plan: EvolutionPlan, seed: int, shelf: WorldCache
) -> AsyncIterator[tuple[ProgramPlay, TrialStore]]:
    store = TrialStore(plan.test_work / f"trials{seed}.sqlite")
    try:
        async with _players(plan, plan.test, plan.test_work, seed, shelf) as play:
            yield play, store
    finally:
        store.close()


def _players(
    plan: EvolutionPlan, datasets: Sequence[Path], work: Path, seed: int, shelf: WorldCache
) -> AbstractAsyncContextManager[ProgramPlay]:
    """Error seeds share in ``work`` what doesn't depend on them, such as restored pictures."""
    return reference_play(datasets, work, preset=plan.preset, seed=seed, shelf=shelf)


def _evolved(
    evolved: Library, report: EvolveReport, rounds: int, plan: EvolutionPlan, test: Sequence[Case]
) -> dict[str, Chooser]:
    snapshot = open_snapshot(find_snapshot(evolved.snapshots, report.snapshot))
    retriever, default = snapshot.retriever(), plan.settings.default
    made = {f"evolved {rounds}": library(retriever, default)}
    if rounds == plan.curve[-1]:
        made["evolved, cards shuffled"] = shuffled(retriever, default, test)
    return made


def _seeds(plan: EvolutionPlan, seed: int) -> Chooser:
    path = plan.test_work / f"seeds{seed}.sqlite"
    path.parent.mkdir(parents=True, exist_ok=True)
    store = SkillStore(path)
    add_builtin(store)
    return library(Retriever(store), plan.settings.default)


def _check_disjoint(evolved: Library, report: EvolveReport, plan: EvolutionPlan) -> None:
    snapshot = open_snapshot(find_snapshot(evolved.snapshots, report.snapshot))
    for path in plan.test:
        snapshot.refuse_overlap(Dataset.open(path).tasks())
    snapshot.store.close()
