"""Power of the gate before and now, side by side: the real `compare` on drawn differences.

A simulation. The differences of two workflows vary as they did in 96 recorded rooms
(`tests.claims.skills.drawn_world`); what is planted is a gain of so many points on every type of
question. The gate now judges the bundle of all types as one change, by planned looks. The gate
before judged small changes, each for a few types, that shared the level; here four of them that
together are the bundle, in the round in which they are proposed. What exploration finds, or misses,
is left out on both sides.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from surveyor.skills.distil.rollouts import Rollout
from surveyor.skills.gate import GateSettings, Paired, Wealth, compare, hopeless
from surveyor.skills.scene_profile import SceneProfile
from surveyor.skills.workflow import GUARDED, PLAIN, Workflow
from surveyor.training.evolution.cases import blocks
from surveyor.training.evolution.one_round import THRIFT_SHARE
from surveyor.training.evolution.records import EvolveSettings
from tests.claims.claim import Claim
from tests.claims.skills.drawn_world import DRAW_SD, ROOM_SD, TASK_SD
from tests.claims.skills.world import all_types

SMALL_CHANGES, OLD_SHARE = 4, 2 / 3
_PROFILE = SceneProfile(question_type="", views=24)
_TWO = 2**0.5  # a difference of two has twice the variances of one


def power(draws: int, rooms: int, points: Sequence[int] = (1, 2, 3, 4)) -> Iterator[Claim]:
    """Share of the planted gain that passes, now and before."""
    for point in points:
        worlds = [
            drawn(seed, rooms, point / 100) for seed in range(1000 * point, 1000 * point + draws)
        ]
        new = sum(map(passes_now, worlds)) / draws
        old = sum(map(passed_before, worlds)) / draws
        yield Claim(
            f"evolution: gate's power at {point} points, simulated",
            round(new, 3),
            f">= {round(old, 3)}",
            new >= old,
            f"share of the gain that passes; the gate of four small changes {old:.2f};"
            f" {draws} draws of {rooms} rooms, variances recorded in 96 rooms",
        )


def drawn(seed: int, rooms: int, gain: float) -> list[list[Paired]]:
    """Pairs by room: a question of each type, which gains so much on average."""
    rng = random.Random(seed)
    world = []
    for number in range(rooms):
        shared = gain + _TWO * ROOM_SD * rng.gauss(0, 1)
        row = []
        for kind in all_types():
            own = (TASK_SD**2 + DRAW_SD**2) ** 0.5 * _TWO * rng.gauss(0, 1)
            row.append(_pair(f"room_{number}", kind, shared + own))
        world.append(row)
    return world


def passes_now(world: Sequence[Sequence[Paired]]) -> float:
    """1.0 if the bundle passes at one of the looks."""
    settings = EvolveSettings().gate
    level = Wealth().budget(settings.alpha) / (1 + THRIFT_SHARE)
    rooms = world[: round(len(world) * EvolveSettings().gate_share)]
    ends = [look.rooms for look in settings.looks]
    shares = [b - a for a, b in zip([0.0, *ends], ends, strict=False)]
    names = blocks([str(k) for k in range(len(rooms))], shares)
    seen: list[Paired] = []
    for number, (look, block) in enumerate(zip(settings.looks, names, strict=True), start=1):
        seen += [pair for name in block for pair in rooms[int(name)]]
        if compare(seen, settings, level, share=look.level, look=number).passed:
            return 1.0
        if hopeless(seen, settings):
            break
    return 0.0


def passed_before(world: Sequence[Sequence[Paired]]) -> float:
    """The share of the types whose small change passes."""
    settings = GateSettings()
    level = Wealth().budget(settings.alpha) / SMALL_CHANGES
    rooms = world[: round(len(world) * OLD_SHARE)]
    groups = [set(all_types()[k::SMALL_CHANGES]) for k in range(SMALL_CHANGES)]
    passed = 0
    for kinds in groups:
        mine = [p for room in rooms for p in room if p.new.profile.question_type in kinds]
        passed += len(kinds) * compare(mine, settings, level).passed
    return passed / len(all_types())


def _pair(room: str, kind: str, gain: float) -> Paired:
    """Two rollouts whose scores differ by the gain, which noise may carry out of 0..1."""
    return Paired(_rollout(room, kind, PLAIN, 0.5 + gain), _rollout(room, kind, GUARDED, 0.5))


def _rollout(room: str, kind: str, workflow: Workflow, score: float) -> Rollout:
    return Rollout.model_construct(
        task_id=f"{room}-{kind}",
        scene_id=room,
        room=room,
        profile=_PROFILE.model_copy(update={"question_type": kind}),
        workflow=workflow,
        score=score,
        cost=4.0,
    )
