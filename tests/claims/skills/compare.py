"""Policies side by side on the same unseen rooms.

Every policy picks among episodes that are really played (or were played before, the same way), so
differences are paired by task. Error seeds are pooled: a room's tasks under all seeds stand or
fall together, so the intervals cover rooms, not draws of one room's errors.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from surveyor.skills.distil.rollouts import Rollout, table
from surveyor.skills.gate import GateSettings, Paired, compare
from surveyor.training.evolution.cases import Case
from surveyor.training.evolution.player import Player, requests_for
from surveyor.training.evolution.policy import Chooser

TWO_SIDED_95 = 0.025

Played = Mapping[str, tuple[Rollout, ...]]
"""Rollouts by policy; the same position is the same task under the same errors in all of them."""


class PolicyRow(BaseModel):
    """One policy on the test rooms: means over tasks. ``effective`` is the share of calls whose
    result the answer rests on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: str
    score: float
    cost: float
    utility: float
    effective: float
    tasks: int
    rooms: int
    workflows: int


class Contrast(BaseModel):
    """A policy less a baseline, paired by task; 95 % intervals clustered by room."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: str
    baseline: str
    score: float
    score_low: float
    score_high: float
    utility: float
    utility_low: float
    utility_high: float
    cost_ratio: float
    differ: int
    rooms: int


async def evaluate(
    choosers: Mapping[str, Chooser], cases: Sequence[Case], player: Player
) -> Played:
    """Play what the policies choose; tasks with an incomplete episode are left out of all of
    them."""
    chosen = {name: [(c, choose(c)) for c in cases] for name, choose in choosers.items()}
    wanted = requests_for(pair for pairs in chosen.values() for pair in pairs)
    rows = table(await player.play("test", wanted))
    whole = [
        i
        for i in range(len(cases))
        if all((pairs[i][0].id, pairs[i][1].key) in rows for pairs in chosen.values())
    ]
    return {
        name: tuple(rows[pairs[i][0].id, pairs[i][1].key] for i in whole)
        for name, pairs in chosen.items()
    }


def pooled(seeds: Sequence[Played]) -> Played:
    """All error seeds as one; the policies of the first."""
    return {name: tuple(t for played in seeds for t in played[name]) for name in seeds[0]}


def row(name: str, rollouts: Sequence[Rollout], price: float) -> PolicyRow:
    """A policy's means."""
    calls = sum(t.calls for t in rollouts)
    score = statistics.fmean(t.score for t in rollouts)
    cost = statistics.fmean(t.cost for t in rollouts)
    return PolicyRow(
        policy=name,
        score=score,
        cost=cost,
        utility=score - price * cost,
        effective=sum(t.effective for t in rollouts) / calls if calls else 0.0,
        tasks=len(rollouts),
        rooms=len({t.room for t in rollouts}),
        workflows=len({t.workflow.key for t in rollouts}),
    )


def contrast(
    policy: str, new: Sequence[Rollout], baseline: str, old: Sequence[Rollout], price: float
) -> Contrast:
    """Paired difference of two policies over the same tasks, in the same order."""
    pairs = [Paired(a, b) for a, b in zip(new, old, strict=True)]
    free, priced = (
        compare(pairs, GateSettings(price=p, rooms=2), TWO_SIDED_95) for p in (0.0, price)
    )
    cost_old = statistics.fmean(t.cost for t in old)
    return Contrast(
        policy=policy,
        baseline=baseline,
        score=free.lift,
        score_low=free.lower or 0.0,
        score_high=free.upper or 0.0,
        utility=priced.lift,
        utility_low=priced.lower or 0.0,
        utility_high=priced.upper or 0.0,
        cost_ratio=statistics.fmean(t.cost for t in new) / cost_old if cost_old else 1.0,
        differ=sum(a.workflow != b.workflow for a, b in zip(new, old, strict=True)),
        rooms=priced.rooms,
    )


def by_tag(
    played: Played,
    policy: str,
    baseline: str,
    tags: Callable[[Rollout], Iterable[str]],
    price: float,
) -> dict[str, Contrast]:
    """The contrast within each tag, e.g. a condition, a capture style or a question type; tags
    of fewer than two rooms are left out."""
    new, old = defaultdict(list), defaultdict(list)
    for a, b in zip(played[policy], played[baseline], strict=True):
        for tag in tags(a):
            new[tag].append(a)
            old[tag].append(b)
    return {
        tag: contrast(policy, new[tag], baseline, old[tag], price)
        for tag in sorted(new)
        if len({t.room for t in new[tag]}) > 1
    }
