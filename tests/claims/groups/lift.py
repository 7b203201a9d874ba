"""Must-show 1 to 4 of the skills: evolving on training rooms, judged on unseen ones.

Takes about an hour and a half on two quiet cores. Datasets, episodes and libraries
are kept under ``out/proofs/lift``, so a measurement that was stopped goes on where it was.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import cache
from multiprocessing import get_context
from pathlib import Path

from surveyor.core.workers import end_with_parent
from surveyor.services.reference.base import WorldCache
from surveyor.skills.distil.rollouts import Trial
from surveyor.training.evolution.exploration import ExploreSettings
from surveyor.training.evolution.records import EvolveSettings
from tests.claims.claim import Claim
from tests.claims.skills.claims import claims
from tests.claims.skills.evolution import (
    EvolutionPlan,
    Evolved,
    SeedResult,
    evolve_seed,
    judge_seed,
    merged,
    play_defaults,
    shelf_of,
)

ROOT = Path("out/proofs/lift")
TRAIN, TEST = range(311_000, 311_096), range(330_000, 330_120)
"""Room seeds; nothing else in the project uses them, and nothing was ever chosen by looking at
the test rooms."""
PARTS = 6
FRAMES, SIZE = 24, (320, 240)
PER_TYPE = {"train": 4, "test": 2}
CURVE = (1, 2, 4, 8)
GATE_SHARE = 2 / 3
"""Tasks of one room stand or fall together, so the gate's power is in its number of rooms."""
LANES = 2
QUARTERS = 4
LANE_OF_QUARTER = (0, 1, 1, 1)
"""With three error seeds lane 0 evolves two and lane 1 one, so lane 1 judges more."""


def measure() -> Iterator[Claim]:
    """Claims, pooled over error seeds."""
    plan = EvolutionPlan(
        train=tuple(ROOT / f"train{k}" for k in range(PARTS)),
        test=tuple(ROOT / f"test{k}" for k in range(PARTS)),
        work=ROOT,
        curve=CURVE,
        oracle_rooms=8,
        train_tasks=2,
        test_tasks=1,
        settings=EvolveSettings(
            candidates=4, gate_share=GATE_SHARE, explore=ExploreSettings(episodes=400)
        ),
    )
    spawn = get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), spawn, end_with_parent) as pool:
        list(pool.map(_make, range(PARTS)))
    # Each process keeps what its pictures measured, for all error seeds.
    with ExitStack() as stack:
        lanes = [
            stack.enter_context(ProcessPoolExecutor(1, spawn, end_with_parent))
            for _ in range(LANES)
        ]
        evolving = [
            lanes[k % LANES].submit(_evolve, plan, seed) for k, seed in enumerate(plan.error_seeds)
        ]
        parts = _quarters(plan)
        homes = [lanes[lane] for lane in LANE_OF_QUARTER]
        played = [
            home.submit(_defaults, part, seed)
            for seed in plan.error_seeds
            for home, part in zip(homes, parts, strict=True)
        ]
        judged = [
            [
                home.submit(_judge, part, seed, evolved.result())
                for home, part in zip(homes, parts, strict=True)
            ]
            for seed, evolved in zip(plan.error_seeds, evolving, strict=True)
        ]
        for default in played:
            default.result()
        results = [merged([part.result() for part in found]) for found in judged]
    yield from claims(results, plan.settings.price, tags_of(plan.test))


def _quarters(plan: EvolutionPlan) -> list[EvolutionPlan]:
    """The plan with a part of the test rooms each; hindsight is looked for in the first."""
    first, *rest = (
        plan.model_copy(update={"test": plan.test[k::QUARTERS]}) for k in range(QUARTERS)
    )
    return [first, *(part.model_copy(update={"oracle_rooms": 0}) for part in rest)]


def _make(part: int) -> None:
    """This part's rooms, under all conditions in turn."""
    from surveyor.scenes.capture.conditions import CONDITIONS
    from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
    from surveyor.scenes.questions.vsi import GENERATORS

    for split, seeds in (("train", TRAIN), ("test", TEST)):
        settings = RoomsSettings(
            n_frames=FRAMES,
            size=SIZE,
            conditions=CONDITIONS,
            types=tuple(GENERATORS),
            per_type=PER_TYPE[split],
        )
        name = f"{split}{part}"
        share = len(seeds) // PARTS
        mine = seeds[part * share : (part + 1) * share]
        make_rooms_dataset(ROOT / name, mine, settings=settings, name=name, split=split)


@cache
def _shelf(datasets: tuple[Path, ...]) -> WorldCache:
    """One for all that this process plays, whatever the error seed."""
    return shelf_of(datasets)


def _evolve(plan: EvolutionPlan, seed: int) -> Evolved:
    return asyncio.run(evolve_seed(plan, seed, _shelf(plan.train), _told(seed)))


def _defaults(plan: EvolutionPlan, seed: int) -> None:
    asyncio.run(play_defaults(plan, seed, _shelf(plan.test), _told(seed)))


def _judge(plan: EvolutionPlan, seed: int, evolved: Evolved) -> SeedResult:
    return asyncio.run(judge_seed(plan, seed, evolved, _shelf(plan.test), _told(seed)))


def _told(seed: int) -> Callable[[str, int, int], None]:
    def watch(stage: str, done: int, total: int) -> None:
        if done == total or done % 320 == 0:
            print(f"error seed {seed}: {stage} {done} of {total}", file=sys.stderr, flush=True)

    return watch


def tags_of(datasets: Iterable[Path]) -> Callable[[Trial], tuple[str, ...]]:
    """What the truth side says of a trial's scene, and its question type."""
    from surveyor.scenes.datasets.truth import scene_truths

    known = {
        truth.scene_id: (
            f"condition {truth.conditions[0] if len(truth.conditions) == 1 else 'mixed'}"
            if truth.conditions
            else "condition clean",
            f"style {truth.capture_style}",
        )
        for path in datasets
        for truth in scene_truths(path)
    }
    return lambda trial: (*known[trial.scene_id], f"type {trial.card.question_type}")
