"""Exploration: successive halving of arms, pooled over all types of question.

An arm is a way of choosing a workflow: one for everything, or what the library does now. All arms
are played on a few rooms; the better half, by the mean over *all* types, is played on more; the
best quarter on the rest. Pooling is the power: a type of its own has too few tasks for anything
but its grossest differences, so a type keeps an arm of its own only where its mean, shrunk towards
the arm's mean over all types, leads. An arm that gave the same answers as a better one for less, on
every task of a type, stays for that type: it costs next to nothing to follow, and is a sure gain.
(Halving: Karnin, Koren and Somekh 2013; shrinking: James and Stein 1961.)
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from surveyor.skills.distil.rollouts import Rollout, table
from surveyor.skills.gate import Paired
from surveyor.skills.workflow import Workflow
from surveyor.training.evolution.cases import Case
from surveyor.training.evolution.player import RolloutRequest, requests_for
from surveyor.training.evolution.policy import Chooser, always

LIBRARY = "library"
"""Key of the arm that does what the library does now."""

Play = Callable[[str, Sequence[RolloutRequest]], Awaitable[Sequence[Rollout]]]
"""Plays requests of a named stage."""


class ExploreSettings(BaseModel):
    """``rungs``: shares of the teaching rooms, one a rung; ``keep``: shares of the arms that play
    the rungs after the first. ``prior_strength``: tasks of its own that a type's mean has to
    outweigh in the arm's mean over all types. ``equal_tasks``: tasks on which a cheaper arm must
    have given the same answers before it counts as equal."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rungs: tuple[float, ...] = (1 / 6, 1 / 3, 1 / 2)
    keep: tuple[float, ...] = (1 / 2, 1 / 4)
    prior_strength: float = Field(default=60.0, ge=0)
    equal_tasks: int = Field(default=100, ge=1)


@dataclass(frozen=True, slots=True)
class Arm:
    """A way of choosing, by the name of the workflow or `LIBRARY`."""

    key: str
    choose: Chooser

    def way(self, case: Case) -> str:
        """Key of the workflow that it does this case with."""
        # One workflow for everything is named after it, and this is asked a hundred thousand times.
        return self.choose(case).key if self.key == LIBRARY else self.key


class Rung(BaseModel):
    """What one rung saw: mean utility of each arm over all tasks so far, and who went on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rooms: int
    tasks: int
    utilities: dict[str, float]
    kept: tuple[str, ...]


def arms_of(workflows: Iterable[Workflow], library: Chooser) -> tuple[Arm, ...]:
    """The library first, then each workflow."""
    known = {w.key: w for w in workflows}
    return (Arm(LIBRARY, library), *(Arm(key, always(w)) for key, w in known.items()))


class ArmEvidence:
    """What was played of which case, and comparisons of arms on it."""

    def __init__(self, price: float) -> None:
        self.price = price
        self.cases: list[Case] = []
        self._rows: dict[tuple[str, str], Rollout] = {}

    @property
    def rollouts(self) -> tuple[Rollout, ...]:
        """Every settled rollout."""
        return tuple(self._rows.values())

    @property
    def types(self) -> tuple[str, ...]:
        """Types of question, in alphabetical order."""
        return tuple(sorted({case.profile.question_type for case in self.cases}))

    def add(self, cases: Iterable[Case], rollouts: Iterable[Rollout]) -> None:
        """Take in cases and what was played of them."""
        self.cases.extend(cases)
        self._rows.update(table(rollouts))

    def row(self, arm: Arm, case: Case) -> Rollout | None:
        """What the arm did with the case, if it was played."""
        return self._rows.get((case.id, arm.way(case)))

    def pairs(self, new: Arm, old: Arm, kind: str | None = None) -> list[Paired]:
        """Tasks that both arms did, of one type or of all."""
        rows = (
            (self.row(new, case), self.row(old, case))
            for case in self.cases
            if kind is None or case.profile.question_type == kind
        )
        return [Paired(a, b) for a, b in rows if a is not None and b is not None]

    def utilities(self, arm: Arm) -> dict[str, list[float]]:
        """Utilities of the arm's tasks, by type."""
        found: dict[str, list[float]] = defaultdict(list)
        for case in self.cases:
            row = self.row(arm, case)
            if row is not None:
                found[case.profile.question_type].append(row.utility(self.price))
        return found


async def explore(
    arms: Sequence[Arm],
    always_kept: frozenset[str],
    rungs: Sequence[Sequence[Case]],
    play: Play,
    settings: ExploreSettings,
    price: float,
) -> tuple[ArmEvidence, tuple[Arm, ...], tuple[Rung, ...]]:
    """Play the rungs; returns all evidence, the arms that played every task, and each rung.

    ``always_kept`` names arms that play every rung whatever they gain: the baselines.
    """
    evidence, alive, told = ArmEvidence(price), list(arms), []
    narrow: dict[str, frozenset[str]] = {}
    for number, cases in enumerate(rungs):
        asked = [*alive, *(arm for arm in arms if arm.key in narrow and arm not in alive)]
        wanted = requests_for(
            (case, arm.choose(case))
            for case in cases
            for arm in asked
            if arm in alive or case.profile.question_type in narrow[arm.key]
        )
        evidence.add(cases, await play(f"rung-{number + 1}", wanted))
        rung = rung_of(evidence, alive, alive)
        means = rung.utilities
        if number + 1 < len(rungs):
            most = max(2, math.ceil(settings.keep[number] * len(arms)))
            narrow = _equal_but_cheaper(arms, alive, evidence)
            alive = _survivors(alive, most, means, evidence, settings, always_kept)
        told.append(rung.model_copy(update={"kept": tuple(arm.key for arm in alive)}))
    return evidence, tuple(alive), tuple(told)


def rung_of(evidence: ArmEvidence, arms: Sequence[Arm], kept: Sequence[Arm]) -> Rung:
    """What the evidence says of these arms."""
    return Rung(
        rooms=len({c.room for c in evidence.cases}),
        tasks=len(evidence.cases),
        utilities={arm.key: _mean(evidence.utilities(arm)) for arm in arms},
        kept=tuple(arm.key for arm in kept),
    )


def _survivors(
    alive: Sequence[Arm],
    most: int,
    means: Mapping[str, float],
    evidence: ArmEvidence,
    settings: ExploreSettings,
    always_kept: frozenset[str],
) -> list[Arm]:
    """The best by the mean over all types, every type's shrunk leader, and the baselines."""
    order = sorted(alive, key=lambda arm: -means[arm.key])
    kept = {arm.key for arm in order[:most]} | always_kept | {LIBRARY}
    found = {arm.key: evidence.utilities(arm) for arm in alive}
    strength = settings.prior_strength
    for kind in evidence.types:

        def shrunk(arm: Arm, kind: str = kind) -> float:
            own = found[arm.key][kind]
            return (math.fsum(own) + strength * means[arm.key]) / (len(own) + strength or 1.0)

        kept.add(max(order, key=shrunk).key)
    return [arm for arm in alive if arm.key in kept]


def _equal_but_cheaper(
    arms: Sequence[Arm], alive: Sequence[Arm], evidence: ArmEvidence
) -> dict[str, frozenset[str]]:
    """Types on which an arm has answered like a living one on every task so far, at lower cost."""
    found = {}
    for arm in arms:
        kinds = frozenset(
            kind
            for kind in evidence.types
            if any(equal_but_cheaper(evidence.pairs(arm, other, kind)) for other in alive)
        )
        if kinds:
            found[arm.key] = kinds
    return found


def equal_but_cheaper(pairs: Sequence[Paired]) -> bool:
    """Whether the new way gave the same answer on every task, and cost less over all."""
    saved = math.fsum(pair.old.cost - pair.new.cost for pair in pairs)
    return bool(pairs) and saved > 1e-9 and all(p.new.answer == p.old.answer for p in pairs)


def _mean(utilities: Mapping[str, Sequence[float]]) -> float:
    every = [value for values in utilities.values() for value in values]
    return math.fsum(every) / len(every) if every else 0.0
