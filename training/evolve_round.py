"""One round of evolution: explore, distil, bring to the gate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from skills.distil.base import Candidate, Distiller, candidates
from skills.distil.findings import find
from skills.distil.lessons import learn
from skills.distil.trials import Trial
from skills.entries import StoredSkill
from skills.gate import Comparison, Wealth
from skills.workflow import Workflow
from training.evolve_cases import Case
from training.evolve_gate import Change, additions, decide, is_merge, needed, removals
from training.evolve_policy import LibraryPolicy
from training.evolve_records import EvolveSettings
from training.evolve_trials import Play, TrialStore, Try, trials_of
from training.explore import Attempt, Question, plan

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
    ``wealth`` is what the gate may still spend on errors.

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
        found = find(
            tried,
            {t.workflow.key: t.workflow for t in tried},
            _with_pooled(set(self.families(cases).values())),
            lambda trial: self.policy.choose(by_id[trial.task_id]).workflow.key,
            self.settings.finding,
        )
        clearest = sorted(found, key=lambda f: -f.gain / max(f.error, 1e-9))
        kept = clearest[: self.settings.candidates]
        ordered = [f for f in found if f in kept]
        return candidates(distiller, ordered, self.active, learn(tried))

    async def judge(self, made: Sequence[Candidate], cases: Sequence[Case]) -> list[Judged]:
        """General candidates and retirements first, then special cases against what results.

        Each of the two steps may spend half of the round's error probability.
        """
        general = [c for c in made if not c.finding.scope.conditions]
        special = [c for c in made if c.finding.scope.conditions]
        first = additions(general, cases, lambda case: self.policy.choose(case).workflow)
        gone = removals(self.active, cases, self.policy)
        verdicts = await self._gate([*first, *gone], cases)
        now = self._after(general, verdicts)
        return [*verdicts, *await self._gate(additions(special, cases, now), cases)]

    def families(self, cases: Iterable[Case]) -> dict[str, tuple[str, ...]]:
        """Question types by the set of types that an active general skill treats alike."""
        families: dict[str, tuple[str, ...]] = {}
        for skill in self.active:
            scope = skill.document.scope
            if not scope.conditions:
                families.update(dict.fromkeys(scope.question_types, scope.question_types))
        for case in cases:
            families.setdefault(case.card.question_type, (case.card.question_type,))
        return families

    async def _gate(self, changes: list[Change], cases: Sequence[Case]) -> list[Judged]:
        tried = await self._played("gate", needed(changes))
        budget = self.wealth.budget(self.settings.gate.alpha) / 2
        found = decide(changes, tried, self.settings.gate, budget)
        return [Judged(c, f, _action(c, f)) for c, f in zip(changes, found, strict=True)]

    def _after(
        self, general: Sequence[Candidate], verdicts: Sequence[Judged]
    ) -> Callable[[Case], Workflow]:
        """What the library will do once these verdicts hold."""
        passed = {v.change.version: v for v in verdicts if v.action == "promoted"}
        promoted = [c for c in general if c.document.version in passed]
        # Retrieval prefers what is proven to gain most; so does this.
        promoted.sort(key=lambda c: -(passed[c.document.version].comparison.lower or 0.0))
        gone = {v.change.version for v in verdicts if v.action in {"retired", "merged"}}

        def choose(case: Case) -> Workflow:
            for candidate in promoted:
                if candidate.document.scope.covers(case.card):
                    return candidate.finding.workflow
            choice = self.policy.choose(case)
            if choice.version in gone:
                choice = self.policy.choose(case, without=choice.version)
            return choice.workflow

        return choose

    async def _played(self, stage: str, tries: Sequence[Try]) -> list[Trial]:
        def progress(done: int, total: int) -> None:
            if self.watch is not None:
                self.watch(stage, done, total)

        return await trials_of(self.trials, self.play, tries, progress=progress)


def _with_pooled(families: Iterable[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The families, and all of them as one: what is better for every kind of question shows there
    with a fraction of the rooms that each kind alone would need."""
    each = sorted(families)
    pooled = tuple(sorted({kind for family in each for kind in family}))
    return [*each, pooled] if len(each) > 1 else each


def _action(change: Change, found: Comparison) -> str:
    if change.adds:
        return "promoted" if found.passed else "kept"
    if is_merge(change):
        return "merged"
    return "retired" if found.passed else "stays"
