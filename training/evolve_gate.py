"""Bringing candidates and active skills before the gate."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from skills.distil.base import Candidate
from skills.distil.trials import Trial
from skills.entries import StoredSkill
from skills.gate import Comparison, GateSettings, Pair, judge
from skills.workflow import Workflow
from training.evolve_cases import Case
from training.evolve_policy import LibraryPolicy
from training.evolve_trials import Try


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the library: on these cases it would look another way than now."""

    skill: str
    version: str
    adds: bool
    tries: tuple[tuple[Case, Workflow, Workflow], ...]
    """Case, workflow with the change, workflow without it."""


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
        changes.append(Change(document.name, document.version, True, tries))
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


def decide(
    changes: Sequence[Change],
    trials: Sequence[Trial],
    settings: GateSettings,
    round_: int,
) -> list[Comparison]:
    """The gate's comparisons, in the order of ``changes``."""
    rows = {(t.task_id, t.workflow.key): t for t in trials}
    pairs = [
        [
            Pair(new=rows[case.id, new.key], old=rows[case.id, old.key])
            for case, new, old in change.tries
            if (case.id, new.key) in rows and (case.id, old.key) in rows
        ]
        for change in changes
    ]
    return list(judge(pairs, settings, round_))
