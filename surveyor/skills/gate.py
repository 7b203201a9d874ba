"""The gate: a change of the library has to earn its place on rooms it was not learned from.

A change is compared with the library as it is, task by task, on held-out training rooms. Utility is
score minus priced seconds. The standard error of the mean gain is clustered by room (tasks of one
room stand or fall together), the bound a Student quantile of it, at a level that accounts for every
comparison of the library's whole life. Levels are paid from a `Wealth` that discoveries refill
(generalised alpha investing: Foster and Stine 2008; LORD++, Ramdas et al. 2017): the levels spent
never exceed ``alpha`` times the changes that passed, or ``alpha`` while none has. So of all that
passes, an expected share of at most ``alpha`` is worthless, and where nothing is worth anything,
nothing ever passes with probability ``1 - alpha``.

The rooms are looked at in three planned looks, and each look spends its share of the level
(O'Brien and Fleming 1979 in shape, Bonferroni in kind: valid whatever the looks have in common).
A change that is plainly good passes early, one that gains nothing is dropped early.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field
from scipy.special import stdtrit

from surveyor.core.wording import many
from surveyor.skills.distil.rollouts import Rollout


class GateLook(BaseModel):
    """After ``rooms`` (a share of all) the change is judged at ``level`` (a share of its level)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rooms: float = Field(gt=0, le=1)
    level: float = Field(gt=0, le=1)


LOOKS = (
    GateLook(rooms=1 / 3, level=0.01),
    GateLook(rooms=2 / 3, level=0.23),
    GateLook(rooms=1, level=0.76),
)
"""At a level of .025 one-sided z of 3.48, 2.53 and 2.08, where one look would need 1.96."""


class GateSettings(BaseModel):
    """``alpha``: share of passed changes that may be worthless, in expectation. ``margin``: utility
    that a change must gain beyond doubt. ``rooms``: fewest rooms to decide on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alpha: float = Field(default=0.05, gt=0, lt=0.5)
    margin: float = Field(default=0.0, ge=0)
    rooms: int = Field(default=8, ge=2)
    price: float = Field(default=0.015, ge=0)
    looks: tuple[GateLook, ...] = LOOKS


class Comparison(BaseModel):
    """Paired result of "with" against "without". ``lift`` is in utility; ``lower`` and ``upper``
    bound it, each at the last look's part of ``level`` (one-sided); ``None`` where the rooms are
    too few. ``level`` is what the comparison took from the library's error budget, ``looks`` how
    often it was looked at."""

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
    looks: int = 1


@dataclass(frozen=True, slots=True)
class Paired:
    """The same task with and without the change."""

    new: Rollout
    old: Rollout

    @property
    def whole(self) -> bool:
        """Whether neither side ended in an outage, which is no evidence."""
        return not (self.new.incomplete or self.old.incomplete)

    def gain(self, price: float) -> float:
        """Utility with the change less utility without it."""
        return self.new.utility(price) - self.old.utility(price)


@dataclass(frozen=True, slots=True)
class Wealth:
    """A library's error budget: levels ``spent`` on all comparisons so far, and how many changes
    ``passed``."""

    spent: float = 0.0
    passed: int = 0

    def budget(self, alpha: float) -> float:
        """What the next round may spend: half of what is left."""
        return max(0.0, alpha * max(1, self.passed) - self.spent) / 2


@dataclass(frozen=True, slots=True)
class LiftEstimate:
    """A mean paired gain with its standard error; infinite where there are fewer than two rooms."""

    gain: float
    error: float
    tasks: int
    rooms: int


def estimate(pairs: Sequence[Paired], price: float) -> LiftEstimate:
    """Mean gain of whole pairs, and its error from the spread of rooms around it (linearised
    ratio of room sums to room sizes)."""
    sums: dict[str, list[float]] = defaultdict(list)
    for pair in pairs:
        if pair.whole:
            sums[pair.new.room].append(pair.gain(price))
    tasks, rooms = sum(map(len, sums.values())), len(sums)
    gain = math.fsum(g for room in sums.values() for g in room) / tasks if tasks else 0.0
    if rooms < 2:
        return LiftEstimate(gain, math.inf, tasks, rooms)
    off = math.fsum((math.fsum(room) - gain * len(room)) ** 2 for room in sums.values())
    return LiftEstimate(gain, math.sqrt(off * rooms / (rooms - 1)) / tasks, tasks, rooms)


def compare(
    pairs: Sequence[Paired],
    settings: GateSettings,
    level: float,
    *,
    share: float = 1.0,
    look: int = 1,
) -> Comparison:
    """Judge pairs at a one-sided level, of which this look may use ``share``.

    Pairs with an incomplete side are left out.
    """
    whole = [pair for pair in pairs if pair.whole]
    found = estimate(whole, settings.price)
    lower = upper = None
    if found.rooms < settings.rooms:
        passed, level = False, 0.0  # nothing was tested, so nothing is spent
        reason = f"only {many(found.rooms, 'room')}, {settings.rooms} are needed"
    elif level <= 0:
        passed, reason = False, "the error budget of this library is spent"
    else:
        reach = -found.error * float(stdtrit(found.rooms - 1, level * share))
        lower, upper = found.gain - reach, found.gain + reach
        passed = lower > settings.margin
        verb = "clears" if passed else "does not clear"
        reason = f"lower bound {lower:+.4f} {verb} the margin {settings.margin:+.4f}"
    new, old = [p.new for p in whole], [p.old for p in whole]
    return Comparison(
        tasks=len(whole),
        rooms=found.rooms,
        lift=found.gain,
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
        looks=look,
    )


def hopeless(pairs: Sequence[Paired], settings: GateSettings) -> bool:
    """Whether a change would gain nothing even if it were one standard error better than it looks,
    so that more rooms would be wasted on it.

    Stopping here can only keep a change from passing: it costs power, not error probability. To
    stop at a gain of nothing would cost too much: ten rooms show none of a gain of five points once
    in eight times.
    """
    found = estimate(pairs, settings.price)
    return found.rooms >= settings.rooms and found.gain + found.error <= 0


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values) if values else 0.0


def _effective(rollouts: Sequence[Rollout]) -> float:
    calls = sum(t.calls for t in rollouts)
    return sum(t.effective for t in rollouts) / calls if calls else 0.0
