"""Must-show 1 to 4 of the skills: evolving on training rooms, judged on unseen ones.

Takes about an hour and a half on two quiet cores. Suites, episodes and libraries are kept under
``out/proofs/lift``, so a measurement that was stopped goes on where it was.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from memory.claims import Claim
from skills.distil.trials import Trial
from training.evolve_records import EvolveSettings
from training.explore import ExploreSettings
from training.proofs_skills_claims import claims
from training.proofs_skills_evolution import EvolutionPlan, SeedResult, run_seed

ROOT = Path("out/proofs/lift")
TRAIN, TEST = range(310_000, 310_096), range(320_000, 320_120)
"""Room seeds; nothing else in the project uses them."""
PARTS = 6
FRAMES, SIZE, PER_TYPE = 24, (320, 240), 2


def measure() -> Iterator[Claim]:
    """Claims, pooled over error seeds."""
    plan = EvolutionPlan(
        train=tuple(ROOT / f"train{k}" for k in range(PARTS)),
        test=tuple(ROOT / f"test{k}" for k in range(PARTS)),
        work=ROOT,
        oracle_rooms=30,
        settings=EvolveSettings(explore=ExploreSettings(episodes=1200)),
    )
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        list(pool.map(_make, range(PARTS)))
        results = list(pool.map(_run, [plan] * len(plan.error_seeds), plan.error_seeds))
    yield from claims(results, plan.settings.price, tags_of(plan.test))


def _make(part: int) -> None:
    """This part's rooms, under all conditions in turn."""
    from scenes.conditions import CONDITIONS
    from scenes.questions.vsi import GENERATORS
    from scenes.suite_rooms import RoomsSettings, make_rooms_suite

    settings = RoomsSettings(
        n_frames=FRAMES,
        size=SIZE,
        conditions=CONDITIONS,
        types=tuple(GENERATORS),
        per_type=PER_TYPE,
    )
    for split, seeds in (("train", TRAIN), ("test", TEST)):
        name = f"{split}{part}"
        half = len(seeds) // PARTS
        mine = seeds[part * half : (part + 1) * half]
        make_rooms_suite(ROOT / name, mine, settings=settings, name=name, split=split)


def _run(plan: EvolutionPlan, seed: int) -> SeedResult:
    return asyncio.run(run_seed(plan, seed, _told(seed)))


def _told(seed: int) -> Callable[[str, int, int], None]:
    def watch(stage: str, done: int, total: int) -> None:
        if done == total or done % 320 == 0:
            print(f"error seed {seed}: {stage} {done} of {total}", file=sys.stderr, flush=True)

    return watch


def tags_of(suites: Iterable[Path]) -> Callable[[Trial], tuple[str, ...]]:
    """What the truth side says of a trial's scene, and its question type."""
    from scenes.suite_truth import scene_truths

    known = {
        truth.scene_id: (
            f"condition {truth.conditions[0] if len(truth.conditions) == 1 else 'mixed'}"
            if truth.conditions
            else "condition clean",
            f"style {truth.capture_style}",
        )
        for path in suites
        for truth in scene_truths(path)
    }
    return lambda trial: (*known[trial.scene_id], f"type {trial.card.question_type}")
