"""Bringing candidates and active skills before the gate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from skills.distil.base import Candidate
from skills.distil.trials import Trial
from skills.entries import StoredSkill
from skills.gate import Comparison, GateSettings, Pair, Wealth, judge
from skills.store import SkillStore
from skills.workflow import Workflow
from training.evolve_cases import Case
from training.evolve_policy import LibraryPolicy
from training.evolve_trials import Try

_CLEAREST = 6.0  # standard errors beyond which a finding is not preferred any further
_PASSED = frozenset({"promoted", "retired"})
_JUDGED = _PASSED | {"kept", "stays"}


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the library: on these cases it would look another way than now.

    ``tries``: case, workflow with the change, workflow without it. ``weight``: its share of the
    error budget against other changes; a clear finding gets more than a routine removal.
    """

    skill: str
    version: str
    adds: bool
    tries: tuple[tuple[Case, Workflow, Workflow], ...]
    weight: float = 1.0


def additions(
    candidates: Sequence[Candidate],
    cases: Sequence[Case],
    now: Callable[[Case], Workflow],
) -> list[Change]:
    """What each candidate would change within its scope."""
    changes = []
    for candidate in candidates:
        document = candidate.document
        workflow = candidate.finding.workflow
        tries = tuple(
            (case, workflow, now(case)) for case in cases if document.scope.covers(case.card)
        )
        found = candidate.finding
        clear = max(1.0, found.gain / max(found.error, 1e-9))
        weight = min(clear, _CLEAREST)
        changes.append(Change(document.name, document.version, True, tries, weight))
    return changes


def removals(
    active: Sequence[StoredSkill], cases: Sequence[Case], policy: LibraryPolicy
) -> list[Change]:
    """What taking each active skill away would change.

    Left out are skills that nobody chooses, and those that only repeat the planner's default:
    taking them away changes no episode, and a chat model would miss their text.
    """
    changes = []
    for skill in active:
        version = skill.document.version
        mine = [case for case in cases if policy.choose(case).version == version]
        others = [policy.choose(case, without=version) for case in mine]
        tries = tuple(
            (case, other.workflow, policy.choose(case).workflow)
            for case, other in zip(mine, others, strict=True)
        )
        same = all(new == old for _, new, old in tries)
        if tries and not (same and any(other.version is None for other in others)):
            changes.append(Change(skill.document.name, version, False, tries))
    return changes


def is_merge(change: Change) -> bool:
    """Whether taking the skill away changes nothing, because another one says the same."""
    return not change.adds and all(new == old for _, new, old in change.tries)


def needed(changes: Sequence[Change]) -> list[Try]:
    """Every episode that judging these changes needs, each once."""
    wanted: dict[tuple[str, str], Try] = {}
    for change in changes:
        if not is_merge(change):
            for case, new, old in change.tries:
                for workflow in (new, old):
                    wanted[case.id, workflow.key] = (case, workflow)
    return list(wanted.values())


def wealth(store: SkillStore) -> Wealth:
    """What the library's ledger says was spent on comparisons, and how many changes passed."""
    judged = [row for row in store.ledger() if row.action in _JUDGED]
    levels = [row.detail.get("level") for row in judged]
    spent = sum(level for level in levels if isinstance(level, float))
    return Wealth(spent, sum(row.action in _PASSED for row in judged))


def decide(
    changes: Sequence[Change],
    trials: Sequence[Trial],
    settings: GateSettings,
    budget: float,
) -> list[Comparison]:
    """The gate's comparisons, in the order of ``changes``, which share ``budget``."""
    rows = {(t.task_id, t.workflow.key): t for t in trials}
    pairs = [
        [
            Pair(new=rows[case.id, new.key], old=rows[case.id, old.key])
            for case, new, old in change.tries
            if (case.id, new.key) in rows and (case.id, old.key) in rows
        ]
        for change in changes
    ]
    weights = [0.0 if is_merge(change) else change.weight for change in changes]
    return list(judge(pairs, settings, budget, weights))
