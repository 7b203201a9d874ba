"""Ways of choosing a workflow on long walks, each learnt on some places and paid on others."""

from __future__ import annotations

import random
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from surveyor.skills.distil.rollouts import Rollout

FOLDS = 8
SHRINK = 60
"""Tasks of one type that weigh as much as the mean over all types, as in exploration."""
LEAST_ROOMS = 3
CASE = "case"
"""Marks the side of a `Split` on which a special case acts."""

Looks = Mapping[str, Mapping[str, float]]
"""What first cheap looks measured: features by place."""
Rows = Mapping[str, Mapping[str, Rollout]]
"""Rollouts by task and workflow key; every task was done in every way."""
Rule = Callable[[Rollout], str]
"""Workflow key for a task, given any rollout of it."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """A way of choosing, and the priced seconds a task that looking first takes."""

    rule: Rule
    look: float = 0.0


Learner = Callable[[Rows, float], Learnt]


@dataclass(frozen=True, slots=True)
class Split:
    """Places with ``feature`` below ``bound`` are done by ``below``, others by ``above``."""

    feature: str
    bound: float
    below: str
    above: str

    def rule(self, looks: Looks) -> Rule:
        """The split as a choice."""
        return lambda r: self.below if looks[r.room][self.feature] < self.bound else self.above


def single(rows: Rows, price: float) -> Learnt:
    """The workflow that was best over all types."""
    best = _best(rows, price)
    return Learnt(lambda _: best)


def per_type(rows: Rows, price: float) -> Learnt:
    """The best workflow of each type, its mean shrunk towards the workflow's mean over all."""
    overall = _means(rows.values(), price)
    by_type = defaultdict(list)
    for done in rows.values():
        by_type[next(iter(done.values())).profile.question_type].append(done)
    chosen = {}
    for kind, mine in by_type.items():
        own, n = _means(mine, price), len(mine)
        chosen[kind] = max(own, key=lambda k: (n * own[k] + SHRINK * overall[k]) / (n + SHRINK))
    fallback = max(overall, key=overall.__getitem__)
    return Learnt(lambda r: chosen.get(r.profile.question_type, fallback))


def conditioned(
    looks: Looks,
    features: Sequence[str],
    paid: Mapping[str, float] | None = None,
    errors: float = 1.0,
) -> Learner:
    """The best single workflow, and one special case for all types where a feature of the first
    looks says so and it gained ``errors`` standard errors on the places that taught it.

    ``paid``: priced seconds a task of features that no workflow measures by the way. With 0
    errors a case is taken wherever it gained anything: dearer, and blind to nothing.
    """
    price_of = paid or {}

    def learn(rows: Rows, price: float) -> Learnt:
        base = _best(rows, price)
        found: list[tuple[float, Split]] = []
        for feature in features:
            values = sorted({looks[next(iter(d.values())).room][feature] for d in rows.values()})
            for share in (0.33, 0.5, 0.67):
                bound = values[int(share * len(values))]
                for ways in ((CASE, ""), ("", CASE)):
                    side = Split(feature, bound, *ways)
                    found += _cases(rows, price, base, looks, side, errors)
        if not found:
            return Learnt(lambda _: base)
        best = max(found, key=lambda f: f[0])[1]
        return Learnt(best.rule(looks), price_of.get(best.feature, 0.0))

    return learn


def _cases(
    rows: Rows, price: float, base: str, looks: Looks, bound: Split, errors: float
) -> list[tuple[float, Split]]:
    """Special cases on one side of a bound that gained enough, with their weights."""
    inside = bound.rule(looks)
    mine = [done for done in rows.values() if inside(next(iter(done.values()))) == CASE]
    if len({next(iter(done.values())).room for done in mine}) < LEAST_ROOMS:
        return []
    cases = []
    for key in set(mine[0]) - {base}:
        gains = defaultdict(list)
        for done in mine:
            gain = done[key].utility(price) - done[base].utility(price)
            gains[done[key].room].append(gain)
        by_room = [statistics.fmean(g) for g in gains.values()]
        error = statistics.stdev(by_room) / len(by_room) ** 0.5
        least = errors * max(error, 0.25 / len(mine) ** 0.5)
        gain = statistics.fmean(by_room)
        if gain > least:
            ways = [key if way == CASE else base for way in (bound.below, bound.above)]
            cases.append(((gain - least) * len(mine), Split(bound.feature, bound.bound, *ways)))
    return cases


def shuffled(looks: Looks, seed: int) -> Looks:
    """Every place is told that it looks like another one."""
    places = sorted(looks)
    others = list(places)
    random.Random(seed).shuffle(others)
    return {place: looks[other] for place, other in zip(places, others, strict=True)}


def crossed(rows: Rows, learn: Learner, price: float, seed: int = 0) -> list[Rollout]:
    """What a way of learning would have done on every task, learnt on the other folds' places."""
    places = sorted({next(iter(done.values())).room for done in rows.values()})
    random.Random(seed).shuffle(places)
    fold = {place: k % FOLDS for k, place in enumerate(places)}
    chosen: dict[str, Rollout] = {}
    for held in range(FOLDS):
        taught = {t: d for t, d in rows.items() if fold[next(iter(d.values())).room] != held}
        paid = {t: d for t, d in rows.items() if fold[next(iter(d.values())).room] == held}
        if not paid:
            continue
        learnt = learn(taught, price)
        for task, done in paid.items():
            mine = done[learnt.rule(next(iter(done.values())))]
            chosen[task] = mine.model_copy(update={"cost": mine.cost + learnt.look})
    return [chosen[task] for task in rows]


def _means(tasks: Iterable[Mapping[str, Rollout]], price: float) -> dict[str, float]:
    values: dict[str, list[float]] = defaultdict(list)
    for done in tasks:
        for key, rollout in done.items():
            values[key].append(rollout.utility(price))
    return {key: statistics.fmean(v) for key, v in values.items()}


def _best(rows: Rows, price: float) -> str:
    means = _means(rows.values(), price)
    return max(means, key=means.__getitem__)
