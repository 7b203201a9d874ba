"""Bringing candidates and active skills before the gate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from surveyor.skills.distil.base import Candidate
from surveyor.skills.distil.rollouts import Trial
from surveyor.skills.documents import SkillDocument
from surveyor.skills.entries import StoredSkill
from surveyor.skills.gate import Comparison, GateSettings, Pair, Wealth, judge
from surveyor.skills.provenance import Origin
from surveyor.skills.scope import Scope
from surveyor.skills.store import SkillStore
from surveyor.skills.workflow import Workflow
from surveyor.training.evolution.cases import Case
from surveyor.training.evolution.policy import Choice, LibraryPolicy
from surveyor.training.evolution.records import RoundReport
from surveyor.training.evolution.rollout_store import Try

CLEAREST = 6.0
"""Standard errors beyond which a finding is not preferred any further."""
LEAST_WEIGHT, UNKNOWN = 0.1, 0.25
"""Weights of what loses on the explored rooms, and of what was hardly tried there."""
WHOLE = 9.0
"""Weights that a round's whole budget is spent for: one finding of three standard errors."""

_PASSED = frozenset({"promoted", "retired"})
_CHANGES = _PASSED | {"merged"}
_JUDGED = _PASSED | {"kept", "stays"}


@dataclass(frozen=True, slots=True)
class Change:
    """A change of the library: on these cases it would look another way than now.

    ``tries``: case, workflow with the change, workflow without it. ``weight``: its share of the
    error budget against other changes; a clear finding gets more than a routine removal.
    ``base``: the highest lift known of what it would be put above.
    """

    skill: str
    version: str
    adds: bool
    tries: tuple[tuple[Case, Workflow, Workflow], ...]
    weight: float = 1.0
    base: float = 0.0

    def proven(self, action: str, found: Comparison) -> float | None:
        """The lift that a promotion proves; other verdicts prove none.

        Lower bounds add up along what a skill was put above, so that retrieval prefers it to that.
        A skill that merely stays gains nothing by it: it was judged only where it still has its
        turn, and must not come back to where another was put above it.
        """
        if action == "promoted" and found.lower is not None:
            return self.base + found.lower
        return None


def additions(
    candidates: Sequence[Candidate],
    cases: Sequence[Case],
    now: Callable[[Case], Choice],
) -> list[Change]:
    """What each candidate would change within its scope."""
    return [
        addition(
            c.document, c.finding.workflow, cases, now, promise(c.finding.gain, c.finding.error)
        )
        for c in candidates
    ]


def addition(
    document: SkillDocument,
    workflow: Workflow,
    cases: Sequence[Case],
    now: Callable[[Case], Choice],
    weight: float = 1.0,
) -> Change:
    """What one skill would change within its scope."""
    choices = [(case, now(case)) for case in cases if document.scope.covers(case.card)]
    tries = tuple((case, workflow, choice.workflow) for case, choice in choices)
    base = max((choice.lift for _, choice in choices), default=0.0)
    return Change(document.name, document.version, True, tries, weight, base)


def promise(gain: float, error: float) -> float:
    """A change's weight: its gain on explored rooms in standard errors, squared, because what is
    twice as clear there is far more than twice as likely to pass. Bounded on both sides."""
    clear = min(gain / max(error, 1e-9), CLEAREST)
    return max(clear, 0.0) ** 2 + LEAST_WEIGHT


def removals(
    active: Sequence[StoredSkill],
    cases: Sequence[Case],
    policy: LibraryPolicy,
    weigh: Callable[[str], float] = lambda version: 1.0,
) -> list[Change]:
    """What taking each active skill away would change; ``weigh`` gives a version's weight.

    Left out are written skills that nobody chooses, and those that only repeat the planner's
    default: taking them away changes no episode, and a chat model would miss their text. A
    distilled skill that has lost its turn everywhere to better ones goes.
    """
    changes = []
    for skill in active:
        version = skill.document.version
        mine = [case for case in cases if policy.choose(case).version == version]
        if not mine and skill.provenance.origin is Origin.DISTILLED:
            mine = [case for case in cases if skill.document.scope.covers(case.card)]
        others = [policy.choose(case, without=version) for case in mine]
        tries = tuple(
            (case, other.workflow, policy.choose(case).workflow)
            for case, other in zip(mine, others, strict=True)
        )
        same = all(new == old for _, new, old in tries)
        if tries and not (same and any(other.version is None for other in others)):
            changes.append(Change(skill.document.name, version, False, tries, weigh(version)))
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


def refused(store: SkillStore, rounds: Iterable[RoundReport]) -> frozenset[tuple[Scope, str]]:
    """Scopes and workflow keys of the candidates that an evolution's rounds have kept out since
    the library last changed. On the same rooms against the same library they would be kept out
    again."""
    versions: list[str] = []
    for report in rounds:
        if any(verdict.action in _CHANGES for verdict in report.verdicts):
            versions.clear()
        else:
            versions.extend(v.version for v in report.verdicts if v.action == "kept")
    kept = [store.get(version).document for version in versions]
    return frozenset((d.scope, d.workflow.key) for d in kept if d.workflow is not None)


def half_of(change: Change) -> Change:
    """The change on every other room."""
    rooms = sorted({case.room for case, _, _ in change.tries})
    first = set(rooms[::2])
    return replace(change, tries=tuple(t for t in change.tries if t[0].room in first))


def hopeless(change: Change, trials: Sequence[Trial], settings: GateSettings) -> bool:
    """Whether a change gains nothing on the rooms that were played, so that more are wasted on it.

    Stopping here can only keep a change from passing, so it costs power, not error probability.
    """
    if is_merge(change):
        return True
    (pairs,) = _pairs([change], trials)
    rooms = {pair.new.room for pair in pairs}
    gains = [p.new.utility(settings.price) - p.old.utility(settings.price) for p in pairs]
    return len(rooms) >= settings.rooms and sum(gains) <= 0


def decide(
    changes: Sequence[Change],
    trials: Sequence[Trial],
    settings: GateSettings,
    budget: float,
) -> list[Comparison]:
    """The gate's comparisons, in the order of ``changes``, which share ``budget``."""
    weights = [spending(change) for change in changes]
    return list(judge(_pairs(changes, trials), settings, budget, weights))


def spending(change: Change) -> float:
    """A change's claim on the error budget; a merge tests nothing."""
    return 0.0 if is_merge(change) else change.weight


def _pairs(changes: Sequence[Change], trials: Sequence[Trial]) -> list[list[Pair]]:
    """Per change, the tasks that were played with and without it."""
    rows = {(t.task_id, t.workflow.key): t for t in trials}
    return [
        [
            Pair(new=rows[case.id, new.key], old=rows[case.id, old.key])
            for case, new, old in change.tries
            if (case.id, new.key) in rows and (case.id, old.key) in rows
        ]
        for change in changes
    ]
