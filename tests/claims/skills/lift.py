"""What evolving is worth on rooms that nothing was learned from: real episodes, reference experts.

Datasets, rollouts and libraries are kept under ``out/claims/evolution``, so a measurement that was
stopped goes on where it was. Nothing was ever chosen by looking at the test rooms.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from surveyor.core.dataset import Dataset
from surveyor.scenes.capture.conditions import CONDITIONS
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from surveyor.scenes.questions.vsi import GENERATORS
from surveyor.services.reference.base import WorldCache
from surveyor.skills.builtin import add_builtin
from surveyor.skills.retrieve import Retriever
from surveyor.skills.snapshot import find_snapshot, open_snapshot
from surveyor.skills.store import SkillStore
from surveyor.skills.workflow import PLAIN, Workflow
from surveyor.training.evolution.cases import load_cases
from surveyor.training.evolution.library import Library
from surveyor.training.evolution.policy import Chooser, LibraryPolicy, always
from surveyor.training.evolution.records import EvolveReport, EvolveSettings
from surveyor.training.evolution.rounds import evolve
from surveyor.training.evolution.sessions import reference_player
from tests.claims.claim import Claim
from tests.claims.skills.compare import Contrast, Played, contrast, evaluate, pooled, row
from tests.claims.skills.curve import draw_curve

ROOT = Path("out/claims/evolution")
FIRST_ROOM = {"train": 411_000, "test": 430_000}
"""Room seeds; nothing else in the project uses them."""
PART = 8
_KEEP_FRAMES, _KEEP_SIGHTS = 128, 50_000


@dataclass(frozen=True, slots=True)
class Size:
    """How many training and test rooms, and under which error seeds."""

    train: int
    test: int
    seeds: tuple[int, ...]

    def paths(self, split: str) -> tuple[Path, ...]:
        """Dataset folders of a split, eight rooms each."""
        number = self.train if split == "train" else self.test
        return tuple(ROOT / f"{split}{k:02d}" for k in range(number // PART))


SMALL = Size(train=48, test=24, seeds=(0,))
FULL = Size(train=160, test=120, seeds=(0, 1, 2))


@dataclass(frozen=True, slots=True)
class Evolved:
    """One error seed: the library that was evolved under it, how, and in how many CPU seconds."""

    seed: int
    library: Library
    report: EvolveReport
    seconds: float


@dataclass(frozen=True, slots=True)
class Lift:
    """An evolution, and the policies on the test rooms."""

    of: Evolved
    played: Played


def measure(size: Size = SMALL, root: Path = ROOT) -> Iterator[Claim]:
    """Make rooms, evolve, judge; rows pooled over error seeds."""
    for path in size.paths("train"):
        make_part(path, "train")
    evolved = [asyncio.run(_evolved(size, seed, root)) for seed in size.seeds]
    for path in size.paths("test"):
        make_part(path, "test")
    found = [Lift(each, asyncio.run(_tested(size, each, root))) for each in evolved]
    yield from claims(found, EvolveSettings().price)
    yield Claim(
        "evolution: learning curve over rungs and rounds",
        str(draw_curve([each.report for each in evolved], root / "curve.png")),
        "shown",
        True,
    )


def make_part(path: Path, split: str) -> None:
    """Eight rooms, filmed under all conditions in turn and asked one question a type."""
    settings = RoomsSettings(
        n_frames=24, size=(320, 240), conditions=CONDITIONS, types=tuple(GENERATORS), per_type=1
    )
    first = FIRST_ROOM[split] + PART * int(path.name.removeprefix(split))
    make_rooms_dataset(
        path, range(first, first + PART), settings=settings, name=path.name, split=split
    )


async def _evolved(size: Size, seed: int, root: Path) -> Evolved:
    train = size.paths("train")
    library = Library(root / f"library-{size.train}-errors-{seed}")
    shelf = WorldCache(train, keep_frames=_KEEP_FRAMES, keep_sights=_KEEP_SIGHTS)
    began = time.process_time()
    async with reference_player(
        train, library.rollouts, root / "experts", seed=seed, shelf=shelf, progress=_told
    ) as player:
        settings = EvolveSettings(seed=seed)
        report = await evolve(library, load_cases(train), player, settings)
    return Evolved(seed, library, report, time.process_time() - began)


async def _tested(size: Size, evolved: Evolved, root: Path) -> Played:
    """The policies on rooms that the evolution never saw, under the errors that it saw."""
    test, seed, library = size.paths("test"), evolved.seed, evolved.library
    snapshot = open_snapshot(find_snapshot(library.snapshots, evolved.report.snapshot))
    for path in test:
        snapshot.refuse_overlap(Dataset.open(path).tasks())
    with SkillStore(root / "builtin.sqlite") as store:
        add_builtin(store)
        choosers = {
            "plain": always(PLAIN),
            "builtin": LibraryPolicy(Retriever(store), PLAIN).workflow,
            "evolved": LibraryPolicy(snapshot.retriever(), PLAIN).workflow,
            "proposed": _proposed(library),
        }
        shelf = WorldCache(test, keep_frames=_KEEP_FRAMES, keep_sights=_KEEP_SIGHTS)
        async with reference_player(
            test, root / "tested", root / "experts", seed=seed, shelf=shelf, progress=_told
        ) as player:
            return await evaluate(choosers, load_cases(test, split="test"), player)


def _proposed(library: Library) -> Chooser:
    """What exploration found, whether or not the gate let it pass."""
    chosen: dict[str, Workflow] = {}
    with library.open(builtin=False) as store:
        for skill in store.skills(None):
            if skill.document.workflow is not None:
                kinds = skill.document.scope.question_types
                chosen |= dict.fromkeys(kinds, skill.document.workflow)
    return lambda case: chosen.get(case.profile.question_type, PLAIN)


def claims(lifts: list[Lift], price: float) -> Iterator[Claim]:
    """Rows of all error seeds together."""
    played = pooled([lift.played for lift in lifts])
    for name, rollouts in played.items():
        mean = row(name, rollouts, price)
        note = (
            f"score {mean.score:.3f} at {mean.cost:.2f} s, effective {mean.effective:.2f};"
            f" {mean.workflows} workflows, {mean.rooms} rooms, {mean.tasks} episodes"
        )
        yield Claim(f"evolution: utility of {name}", round(mean.utility, 4), "shown", True, note)
    plain, builtin = (_less(played, name, price) for name in ("plain", "builtin"))
    yield Claim(
        "evolution: evolved less plain, utility",
        round(plain.utility, 4),
        ">= 0.04, clear of 0",
        plain.utility >= 0.04 and plain.utility_low > 0,
        _interval(plain),
    )
    yield Claim(
        "evolution: evolved less builtin skills, utility",
        round(builtin.utility, 4),
        ">= 0, low > -0.01",
        builtin.utility >= 0 and builtin.utility_low > -0.01,
        _interval(builtin),
    )
    if "proposed" in played:
        for base in ("plain", "builtin"):
            found = contrast("proposed", played["proposed"], base, played[base], price)
            yield Claim(
                f"evolution: what exploration proposed less {base}, utility",
                round(found.utility, 4),
                "shown",
                True,
                f"{_interval(found)}; whether or not the gate let it pass",
            )
    yield Claim.at_most(
        "evolution: CPU minutes of one evolution, rooms made before",
        round(max(lift.of.seconds for lift in lifts) / 60, 2),
        45,
        "a resumed measurement counts only what it played itself",
    )
    rounds = [lift.of.report.rounds for lift in lifts]
    promoted = [sum(r.count("promoted") for r in mine) for mine in rounds]
    gate = [v.comparison.reason for mine in rounds for r in mine for v in r.verdicts]
    yield Claim(
        "evolution: skills promoted, mean over error seeds",
        statistics.fmean(promoted),
        "shown",
        True,
        "; ".join(gate),
    )


def _less(played: Mapping[str, tuple], name: str, price: float) -> Contrast:  # type: ignore[type-arg]
    return contrast("evolved", played["evolved"], name, played[name], price)


def _interval(found: Contrast) -> str:
    return (
        f"95 % [{found.utility_low:+.3f}, {found.utility_high:+.3f}], score {found.score:+.3f},"
        f" cost x{found.cost_ratio:.2f}, {found.rooms} rooms, {found.differ} tasks done otherwise"
    )


def _told(stage: str, done: int, total: int) -> None:
    if done == total or done % 100 == 0:
        print(f"{stage}: {done} of {total}", file=sys.stderr, flush=True)
