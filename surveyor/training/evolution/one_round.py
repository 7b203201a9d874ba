"""One round of evolution: explore, distil, bring to the gate."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from surveyor.skills.distil.base import Candidate, Distiller, candidates
from surveyor.skills.distil.findings import Barred, find
from surveyor.skills.distil.lessons import learn
from surveyor.skills.distil.pooling import find_pooled
from surveyor.skills.distil.rollouts import Trial
from surveyor.skills.entries import StoredSkill
from surveyor.skills.gate import Comparison, Wealth
from surveyor.skills.scope import Scope
from surveyor.training.evolution.cases import Case
from surveyor.training.evolution.exploration import Attempt, Question, plan
from surveyor.training.evolution.policy import Choice, LibraryPolicy
from surveyor.training.evolution.promotion import (
    UNKNOWN,
    WHOLE,
    Change,
    additions,
    decide,
    half_of,
    hopeless,
    is_merge,
    needed,
    promise,
    removals,
    spending,
)
from surveyor.training.evolution.records import EvolveSettings
from surveyor.training.evolution.rollout_store import Play, TrialStore, Try, trials_of

Watch = Callable[[str, int, int], None]
"""Told (stage, done, total) while a round runs."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A change, what the gate found, and what follows: ``promoted``, ``kept``, ``retired``,
    ``stays`` or ``merged``."""

    change: Change
    comparison: Comparison
    action: str


@dataclass(frozen=True, slots=True)
class Round:
    """The state that a round works from. ``serial`` counts rounds over the library's whole life,
    ``wealth`` is what the gate may still spend on errors. ``authored``: scopes of the skills that
    somebody wrote, active or not. ``refused``: scopes and workflows that the gate has refused
    since the library last changed, which need no second look.

    What was tried is read from the plans of this evolution's rounds, never from "whatever the
    store holds": a killed round has left trials behind, and resuming must not see more than the
    round saw.
    """

    run: str
    serial: int
    number: int
    policy: LibraryPolicy
    active: tuple[StoredSkill, ...]
    settings: EvolveSettings
    trials: TrialStore
    play: Play
    wealth: Wealth
    authored: tuple[Scope, ...] = ()
    refused: Barred = frozenset()
    watch: Watch | None = None

    async def explore(self, cases: Sequence[Case]) -> list[Trial]:
        """Try this round's plan; returns what this evolution has tried, in all its rounds."""
        families = self.families(cases)
        questions = [
            Question(c.id, families[c.card.question_type], self.policy.choose(c).workflow)
            for c in cases
        ]
        by_id = {c.id: c for c in cases}
        plans = [self.trials.plan(self.run, n) or () for n in range(1, self.number)]
        earlier = await self._tried([a for made in plans for a in made], by_id)
        wanted = self.trials.plan(self.run, self.number)
        if wanted is None:
            wanted = plan(questions, earlier, self.number, self.settings.explore)
            self.trials.keep_plan(self.run, self.number, wanted)
        return [*earlier, *await self._tried(wanted, by_id)]

    async def _tried(self, attempts: Sequence[Attempt], by_id: Mapping[str, Case]) -> list[Trial]:
        return await self._played("explore", [(by_id[a.task_id], a.workflow) for a in attempts])

    def distil(
        self, cases: Sequence[Case], tried: Sequence[Trial], distiller: Distiller
    ) -> tuple[Candidate, ...]:
        """Candidates from what was tried, the clearest findings first."""
        by_id = {c.id: c for c in cases}
        families = sorted(set(self.families(cases).values()))
        workflows = {t.workflow.key: t.workflow for t in tried}

        def now(trial: Trial) -> str:
            return self.policy.choose(by_id[trial.task_id]).workflow.key

        look = (tried, workflows, families, now, self.settings.finding, self.refused)
        found = [*find_pooled(*look), *find(*look)]
        clearest = sorted(found, key=lambda f: -f.gain / max(f.error, 1e-9))
        kept = clearest[: self.settings.candidates]
        ordered = [f for f in found if f in kept]
        return candidates(distiller, ordered, self.active, learn(tried))

    async def judge(
        self, made: Sequence[Candidate], cases: Sequence[Case], weights: Mapping[str, float]
    ) -> list[Judged]:
        """Candidates for several families and retirements first, then those for one family, then
        special cases, each against what results. ``weights``: see `removal_weights`.

        The round's error budget is shared by what each has shown on explored rooms, and all of it
        is spent only where that is much together. What was found for one family is stale once
        another way of looking was promoted for it; then the next round looks again.
        """
        known = set(self.families(cases).values())
        special = [c for c in made if c.finding.scope.conditions]
        general = [c for c in made if not c.finding.scope.conditions]
        narrow = [c for c in general if c.finding.scope.question_types in known]
        broad = [c for c in general if c not in narrow]
        gone = removals(self.active, cases, self.policy, lambda v: weights.get(v, UNKNOWN))
        promised = (promise(c.finding.gain, c.finding.error) for c in made)
        whole = sum(map(spending, gone)) + sum(promised)
        each = self.wealth.budget(self.settings.gate.alpha) / max(whole, WHOLE)
        first = additions(broad, cases, self.policy.choose)
        verdicts = await self._gate([*first, *gone], each)
        fresh = [c for c in narrow if not _overlaps(c, broad, verdicts)]
        now = self._after(general, verdicts)
        verdicts += await self._gate(additions(fresh, cases, now), each)
        now = self._after(general, verdicts)
        return [*verdicts, *await self._gate(additions(special, cases, now), each)]

    def families(self, cases: Iterable[Case]) -> dict[str, tuple[str, ...]]:
        """Question types by the set of types that no author of a general skill tells apart.

        What a distilled skill is for doesn't count: that several kinds gained from it does not
        make them alike, and one of them may gain more from something else.
        """
        general = [set(s.question_types) for s in self.authored if not s.conditions]
        kinds = set().union(*general, (case.card.question_type for case in cases))
        alike: dict[tuple[bool, ...], list[str]] = defaultdict(list)
        for kind in sorted(kinds):
            alike[tuple(kind in one for one in general)].append(kind)
        families: dict[str, tuple[str, ...]] = {}
        for known, members in alike.items():
            for kind in members:
                families[kind] = tuple(members) if any(known) else (kind,)
        return families

    async def _gate(self, changes: list[Change], each: float) -> list[Judged]:
        """Play half of the rooms, and the other half for what may still pass; spend ``each`` per
        unit of weight."""
        settings = self.settings.gate
        tried = await self._played("gate", needed([half_of(change) for change in changes]))
        promising = [c for c in changes if not hopeless(half_of(c), tried, settings)]
        tried += await self._played("gate", needed(promising))
        found = decide(changes, tried, settings, each * sum(map(spending, changes)))
        return [Judged(c, f, _action(c, f)) for c, f in zip(changes, found, strict=True)]

    def _after(
        self, general: Sequence[Candidate], verdicts: Sequence[Judged]
    ) -> Callable[[Case], Choice]:
        """What the library will do once these verdicts hold."""
        lifts = {
            v.change.version: v.change.proven(v.action, v.comparison) or 0.0
            for v in verdicts
            if v.action == "promoted"
        }
        promoted = [c for c in general if c.document.version in lifts]
        # Retrieval prefers what is proven to gain most; so does this.
        promoted.sort(key=lambda c: -lifts[c.document.version])
        gone = {v.change.version for v in verdicts if v.action in {"retired", "merged"}}

        def choose(case: Case) -> Choice:
            for candidate in promoted:
                version = candidate.document.version
                if candidate.document.scope.covers(case.card):
                    return Choice(candidate.finding.workflow, version, lifts[version])
            choice = self.policy.choose(case)
            if choice.version in gone:
                choice = self.policy.choose(case, without=choice.version)
            return choice

        return choose

    async def _played(self, stage: str, tries: Sequence[Try]) -> list[Trial]:
        def progress(done: int, total: int) -> None:
            if self.watch is not None:
                self.watch(stage, done, total)

        return await trials_of(self.trials, self.play, tries, progress=progress)


def _overlaps(
    candidate: Candidate, others: Sequence[Candidate], verdicts: Sequence[Judged]
) -> bool:
    """Whether one of the others was promoted for a kind of question that this one is for."""
    passed = {v.change.version for v in verdicts if v.action == "promoted"}
    kinds = set(candidate.finding.scope.question_types)
    return any(
        kinds & set(other.finding.scope.question_types)
        for other in others
        if other.document.version in passed
    )


def _action(change: Change, found: Comparison) -> str:
    if change.adds:
        return "promoted" if found.passed else "kept"
    if is_merge(change):
        return "merged"
    return "retired" if found.passed else "stays"
