"""The gate: a change of the library has to earn its place on scenes it was not learned from.

A candidate is compared with what it would replace, task by task, on held-out training scenes.
Utility is score minus priced seconds. The standard error is a paired bootstrap over rooms (tasks
of one room stand or fall together), the bound a Student quantile of it, at a level that accounts
for every comparison of the library's whole life. Levels are paid from a `Wealth` that discoveries
refill (generalised alpha investing: Foster and Stine 2008; LORD++, Ramdas et al. 2017): the
levels spent never exceed ``alpha`` times the changes that passed, or ``alpha`` while none has. So
of all that passes, an expected share of at most ``alpha`` is worthless, and where nothing is worth
anything, nothing ever passes with probability ``1 - alpha``. Within a round the budget is split by
weights that come from other rooms (weighted Bonferroni: Genovese et al. 2006).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field
from scipy.special import stdtrit

from surveyor.skills.distil.rollouts import Trial

RESAMPLES = 4000


class GateSettings(BaseModel):
    """``alpha``: share of passed changes that may be worthless, in expectation. ``margin``: utility
    that a change must gain beyond doubt. ``rooms``: fewest rooms to decide on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    margin: float = Field(default=0.0, ge=0)
    rooms: int = Field(default=8, ge=2)
    price: float = Field(default=0.015, ge=0)
    seed: int = 0


class Comparison(BaseModel):
    """Paired result of "with" against "without". ``lift`` is in utility; ``lower`` and ``upper``
    bound it, each at level ``level`` (one-sided); ``None`` where the rooms are too few."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tasks: int
    rooms: int
    lift: float
    lower: float | None
    upper: float | None
    level: float
    score_with: float
    score_without: float
    cost_with: float
    cost_without: float
    effective_with: float
    effective_without: float
    passed: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Pair:
    """The same task with and without the change."""

    new: Trial
    old: Trial


@dataclass(frozen=True, slots=True)
class Wealth:
    """A library's error budget: levels ``spent`` on all comparisons so far, and how many changes
    ``passed``."""

    spent: float = 0.0
    passed: int = 0

    def budget(self, alpha: float) -> float:
        """What the next round may spend: half of what is left."""
        return max(0.0, alpha * max(1, self.passed) - self.spent) / 2


def judge(
    changes: Sequence[Sequence[Pair]],
    settings: GateSettings,
    budget: float | None = None,
    weights: Sequence[float] | None = None,
) -> tuple[Comparison, ...]:
    """Judge changes together, in the order given.

    ``budget`` is what they may spend in all (default: a new library's first round), split by
    ``weights``. Pairs with an incomplete side are left out: an outage is no evidence.
    """
    budget = Wealth().budget(settings.alpha) if budget is None else budget
    shares = [1.0] * len(changes) if weights is None else list(weights)
    whole = sum(shares) or 1.0
    return tuple(
        _decide(_measure(pairs, settings), settings, budget * share / whole)
        for pairs, share in zip(changes, shares, strict=True)
    )


def compare(pairs: Sequence[Pair], settings: GateSettings, level: float) -> Comparison:
    """One comparison at a one-sided level of the caller's choice, for reports."""
    return _decide(_measure(pairs, settings), settings, level)


@dataclass(frozen=True, slots=True)
class _Measured:
    """A change's numbers before the verdict."""

    pairs: tuple[Pair, ...]
    rooms: int
    lift: float
    error: float


def _measure(pairs: Sequence[Pair], settings: GateSettings) -> _Measured:
    whole = tuple(p for p in pairs if not (p.new.incomplete or p.old.incomplete))
    gains: dict[str, list[float]] = defaultdict(list)
    for pair in whole:
        gain = pair.new.utility(settings.price) - pair.old.utility(settings.price)
        gains[pair.new.room].append(gain)
    rooms = len(gains)
    if rooms < settings.rooms:
        lift = _mean([g for room in gains.values() for g in room])
        return _Measured(whole, rooms, lift, math.inf)
    sums = np.array([sum(g) for _, g in sorted(gains.items())])
    sizes = np.array([len(g) for _, g in sorted(gains.items())], float)
    lift = float(sums.sum() / sizes.sum())
    error = _bootstrap_error(sums, sizes, settings.seed)
    return _Measured(whole, rooms, lift, error)


def _bootstrap_error(sums: NDArray[np.float64], sizes: NDArray[np.float64], seed: int) -> float:
    """Standard error of the mean gain per task, from resampled rooms.

    Resampling n clusters underestimates the variance by (n - 1) / n, which is put right.
    """
    count = len(sums)
    weights = _resamples(count, seed)
    means = (weights @ sums) / (weights @ sizes)
    return float(np.std(means)) * math.sqrt(count / (count - 1))


@lru_cache(maxsize=64)
def _resamples(count: int, seed: int) -> NDArray[np.int64]:
    """How often each of ``count`` rooms is drawn in each resample, shape (RESAMPLES, count)."""
    rng = np.random.default_rng(seed)
    return rng.multinomial(count, np.full(count, 1 / count), size=RESAMPLES)


def _decide(found: _Measured, settings: GateSettings, level: float) -> Comparison:
    lower = upper = None
    if found.rooms < settings.rooms:
        passed, level = False, 0.0  # nothing was tested, so nothing is spent
        reason = f"only {found.rooms} rooms, {settings.rooms} are needed"
    elif level <= 0:
        passed, reason = False, "the error budget of this library is spent"
    else:
        reach = -found.error * float(stdtrit(found.rooms - 1, level))
        lower, upper = found.lift - reach, found.lift + reach
        passed = lower > settings.margin
        verb = "clears" if passed else "does not clear"
        reason = f"lower bound {lower:+.4f} {verb} the margin {settings.margin:+.4f}"
    new, old = [p.new for p in found.pairs], [p.old for p in found.pairs]
    return Comparison(
        tasks=len(found.pairs),
        rooms=found.rooms,
        lift=found.lift,
        lower=lower,
        upper=upper,
        level=level,
        score_with=_mean([t.score for t in new]),
        score_without=_mean([t.score for t in old]),
        cost_with=_mean([t.cost for t in new]),
        cost_without=_mean([t.cost for t in old]),
        effective_with=_effective(new),
        effective_without=_effective(old),
        passed=passed,
        reason=reason,
    )


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0


def _effective(trials: Sequence[Trial]) -> float:
    calls = sum(t.calls for t in trials)
    return sum(t.effective for t in trials) / calls if calls else 0.0
