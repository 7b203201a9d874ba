"""The bundle: one frozen choice of a workflow for every type of question, judged as one change.

The base is the arm that is best over all types. A type deviates from it for two reasons only: an
empirical-Bayes estimate of its own gain is at least two posterior errors above nothing, or another
arm gave the same answers on every task for less.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from surveyor.skills.distil.findings import Finding, finding_of, floored
from surveyor.skills.gate import LiftEstimate, estimate
from surveyor.skills.scope import Scope
from surveyor.skills.workflow import Workflow
from surveyor.training.evolution.exploration import (
    LIBRARY,
    Arm,
    ArmEvidence,
    ExploreSettings,
    equal_but_cheaper,
)

CLEAR = 2.0
"""Posterior errors by which a type's own gain must exceed nothing."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """What would be done: an arm for each type, `LIBRARY` where nothing changes."""

    arms: Mapping[str, Arm]
    findings: tuple[Finding, ...]

    @property
    def worth(self) -> float:
        """Gain less error, over all tasks that it changes."""
        return math.fsum(finding.worth for finding in self.findings)


def propose(
    evidence: ArmEvidence, arms: Sequence[Arm], finalists: Sequence[Arm], settings: ExploreSettings
) -> Bundle:
    """The bundle that the evidence favours; it may change nothing."""
    base = _best(evidence, finalists)
    chosen = dict.fromkeys(evidence.types, base)
    for kind, arm in _deviations(evidence, base, finalists).items():
        chosen[kind] = arm
    return _bundle(evidence, arms, chosen | cheaper(evidence, arms, chosen, settings))


def thrift(evidence: ArmEvidence, arms: Sequence[Arm], settings: ExploreSettings) -> Bundle:
    """What gives the library's own answers for less, and changes nothing else."""
    chosen = dict.fromkeys(evidence.types, arms[0])
    return _bundle(evidence, arms, chosen | cheaper(evidence, arms, chosen, settings))


def cheaper(
    evidence: ArmEvidence,
    arms: Sequence[Arm],
    chosen: Mapping[str, Arm],
    settings: ExploreSettings,
) -> dict[str, Arm]:
    """By type, the arm that saves most among those with the same answers as the chosen one.

    An arm needs enough equal tasks, counted over all the types on which it is equal.
    """
    saving: dict[str, tuple[float, Arm]] = {}
    for arm in arms:
        equal = {}
        for kind, now in chosen.items():
            pairs = [] if arm == now else evidence.pairs(arm, now, kind)
            if equal_but_cheaper(pairs):
                equal[kind] = pairs
        if sum(map(len, equal.values())) < settings.equal_tasks:
            continue
        for kind, pairs in equal.items():
            saved = estimate(pairs, evidence.price).gain
            if kind not in saving or saved > saving[kind][0]:
                saving[kind] = saved, arm
    return {kind: arm for kind, (_, arm) in saving.items()}


def _best(evidence: ArmEvidence, finalists: Sequence[Arm]) -> Arm:
    """The arm with the highest mean gain over the library on the tasks that it did."""
    library = next(arm for arm in finalists if arm.key == LIBRARY)

    def gain(arm: Arm) -> float:
        return estimate(evidence.pairs(arm, library), evidence.price).gain

    return max(finalists, key=gain)


def _deviations(evidence: ArmEvidence, base: Arm, finalists: Sequence[Arm]) -> dict[str, Arm]:
    best: dict[str, tuple[float, Arm]] = {}
    for arm in finalists:
        if arm == base:
            continue
        gains = {
            kind: floored(estimate(evidence.pairs(arm, base, kind), evidence.price))
            for kind in evidence.types
        }
        for kind, (mean, error) in posterior(gains).items():
            if mean >= CLEAR * error and mean > 0 and mean > best.get(kind, (0.0, arm))[0]:
                best[kind] = mean, arm
    return {kind: arm for kind, (_, arm) in best.items()}


def posterior(gains: Mapping[str, LiftEstimate]) -> dict[str, tuple[float, float]]:
    """Each type's gain and error after shrinking towards the gain over all types.

    How far true gains spread over types is estimated from the gains themselves (DerSimonian and
    Laird 1986): nothing for near neighbours, much where one type needs what others don't.
    """
    known = {kind: g for kind, g in gains.items() if math.isfinite(g.error)}
    if len(known) < 2:
        return {}
    weights = {kind: g.error**-2 for kind, g in known.items()}
    total = math.fsum(weights.values())
    level = math.fsum(weights[kind] * g.gain for kind, g in known.items()) / total
    spread = math.fsum(weights[kind] * (g.gain - level) ** 2 for kind, g in known.items())
    scale = total - math.fsum(w * w for w in weights.values()) / total
    between = max(0.0, (spread - (len(known) - 1)) / scale)
    found = {}
    for kind, g in known.items():
        share = between / (between + g.error**2)  # of the type's own evidence
        common = (1 - share) ** 2 / total
        found[kind] = (
            level + share * (g.gain - level),
            math.sqrt(share * g.error**2 + common),
        )
    return found


def _bundle(evidence: ArmEvidence, arms: Sequence[Arm], chosen: Mapping[str, Arm]) -> Bundle:
    """Findings, one for each workflow that would be new for some type."""
    library = arms[0]
    kinds: dict[str, list[str]] = {}
    for kind, arm in sorted(chosen.items()):
        if arm.key != LIBRARY and _changes(evidence, arm, library, kind):
            kinds.setdefault(arm.key, []).append(kind)
    findings = []
    for key, mine in kinds.items():
        arm = next(a for a in arms if a.key == key)
        pairs = [pair for kind in mine for pair in evidence.pairs(arm, library, kind)]
        scope = Scope(question_types=tuple(mine))
        found = finding_of(pairs, _workflow(arm, evidence), scope, evidence.price)
        if found is not None:
            findings.append(found)
    return Bundle(chosen, tuple(findings))


def _changes(evidence: ArmEvidence, arm: Arm, library: Arm, kind: str) -> bool:
    """Whether the library does anything else on questions of this type now."""
    mine = [case for case in evidence.cases if case.profile.question_type == kind]
    return any(arm.choose(case) != library.choose(case) for case in mine)


def _workflow(arm: Arm, evidence: ArmEvidence) -> Workflow:
    return arm.choose(evidence.cases[0])
