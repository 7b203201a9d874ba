"""How often evolution errs, and how often it finds what is there: the real code in drawn worlds.

Each world has sixteen workflows whose gains are decided beforehand, and the noise of real rooms
(`tests.claims.skills.drawn_world`). In a null world every workflow is worth the same; in a permuted
one each room deals the names of the workflows anew, so that scores, costs and what tasks of a room
have in common are as in a world with gains, and no name is worth anything.
"""

from __future__ import annotations

import asyncio
import math
import random
import tempfile
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from surveyor.skills.provenance import Origin, Provenance, Status
from surveyor.skills.retrieve import Retriever
from surveyor.skills.workflow import PLAIN, SINGLE, Stop, Workflow
from surveyor.training.evolution.cases import Case
from surveyor.training.evolution.library import Library
from surveyor.training.evolution.policy import LibraryPolicy
from surveyor.training.evolution.records import EvolveReport, EvolveSettings
from surveyor.training.evolution.rounds import evolve
from surveyor.training.evolution.space import SPACE
from surveyor.training.evolution.verdicts import gate_skill
from tests.claims.claim import Claim
from tests.claims.skills import drawn_world
from tests.claims.skills.world import DrawnPlayer, all_types, cases
from tests.skills.conftest import make_skill

GOOD = next(w for w in SPACE if w.frames.number == 32 and w.stop == Stop() and w.scale == "depth")
"""The workflow that gains in a world where one does."""
WORST = 0.04
SECONDS = 4.0


def gains(seed: int, gain: float) -> dict[str, float]:
    """Gains by workflow key over plain: one workflow's is given, the others lose up to four
    points."""
    rng = random.Random(seed)
    effects = {w.key: -rng.uniform(0, WORST) for w in SPACE}
    return effects | {PLAIN.key: 0.0, GOOD.key: gain}


def drawn(seed: int, effects: Mapping[str, float]) -> DrawnPlayer:
    """A player of a world with these gains."""

    def score(case: Case, workflow: Workflow) -> float:
        return drawn_world.score(seed, case.room, case.id, workflow.key, effects)

    return DrawnPlayer(score, f"{seed}", cost=lambda workflow: SECONDS)


def permuted(seed: int, gain: float) -> DrawnPlayer:
    """A world with gains whose names are dealt anew in each room."""
    effects = gains(seed, gain)
    keys = [w.key for w in SPACE]

    @lru_cache(maxsize=4096)
    def dealt(room: str) -> dict[str, str]:
        names = list(keys)
        random.Random(f"{seed}|{room}").shuffle(names)
        return dict(zip(keys, names, strict=True))

    def score(case: Case, workflow: Workflow) -> float:
        name = dealt(case.room)[workflow.key]
        return drawn_world.score(seed, case.room, case.id, name, effects)

    return DrawnPlayer(score, f"permuted {seed}", cost=lambda workflow: SECONDS)


def evolved(
    player: DrawnPlayer, rooms: int, seed: int, **changes: object
) -> tuple[EvolveReport, float]:
    """The report of one evolution, and the share of tasks that the library then does the good
    way."""
    types = all_types()
    with tempfile.TemporaryDirectory() as folder:
        library = Library(Path(folder))
        settings = EvolveSettings(seed=seed).model_copy(update=changes)
        report = asyncio.run(evolve(library, cases(rooms, types=types), player, settings))
        with library.open(builtin=False) as store:
            policy = LibraryPolicy(Retriever(store), PLAIN)
            fresh = cases(1, first=9000, types=types)
            good = sum(policy.workflow(case) == GOOD for case in fresh) / len(fresh)
    return report, good


def false_promotions(worlds: int, rooms: int, first: int = 0) -> Iterator[Claim]:
    """Evolutions that promote anything where no name is worth anything."""
    promoted = 0
    for seed in range(first, first + worlds):
        report, _ = evolved(permuted(seed, 0.05), rooms, seed)
        promoted += any(v.action == "promoted" for r in report.rounds for v in r.verdicts)
    level = EvolveSettings().gate.alpha / 2
    most = level * worlds + 2.33 * math.sqrt(level * (1 - level) * worlds)
    yield Claim.at_most(
        f"evolution: of {worlds} permuted worlds, those that promote anything",
        promoted,
        math.floor(most),
        f"promised {level:.3f} each, {level * worlds:.1f} expected; {rooms} rooms a world",
    )


def power(worlds: int, rooms: int, points: tuple[int, ...] = (1, 2, 3, 4)) -> Iterator[Claim]:
    """Share of worlds whose library ends with the workflow that gains, by how much it gains."""
    for point in points:
        found = [
            evolved(drawn(seed, gains(seed, point / 100)), rooms, seed)[1]
            for seed in range(100, 100 + worlds)
        ]
        share = sum(found) / len(found)
        yield Claim(
            f"evolution: whole evolutions, power at {point} points",
            round(share, 3),
            "shown",
            True,
            f"{worlds} worlds of {rooms} rooms",
        )


def planted(worlds: int, rooms: int) -> Iterator[Claim]:
    """A bad skill of plausible text, brought to the gate by hand, and one that is active."""
    passed = 0
    for seed in range(worlds):
        player = drawn(seed, gains(seed, 0.0) | {SINGLE.key: -0.03})
        bad = make_skill(
            "answer-at-one-look",
            "Fast and reliable: one look is enough. Use for every question.",
            metadata={"question-types": " ".join(all_types())},
            workflow=SINGLE,
        )
        mine = cases(rooms, types=all_types())
        with tempfile.TemporaryDirectory() as folder:
            library = Library(Path(folder))
            with library.open(builtin=False) as store:
                made = [(bad, Provenance(origin=Origin.DISTILLED))]
                store.add_many(made, status=Status.CANDIDATE, action="planted")
            verdict = asyncio.run(gate_skill(library, bad.name, mine, player, PLAIN))
            passed += verdict.action == "promoted"
    yield Claim.at_most(
        f"evolution: a planted bad skill passes, of {worlds} worlds",
        passed,
        0,
        f"three points worse than plain; {rooms} rooms a world",
    )
