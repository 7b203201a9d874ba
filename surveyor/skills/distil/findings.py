"""Findings: which workflow the evidence favours for which questions on which scenes.

Deterministic and without prose. For every family of question types the workflow with the best
paired utility is compared with what the library does now; then, within each kind of scene, with
the family's own choice, and only kept when it gains more than one standard error (choices per
cell overfit otherwise; see ``docs/workflows.md``).
"""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from surveyor.skills.distil.rollouts import Cause, Table, Trial
from surveyor.skills.scope import Condition, Scope
from surveyor.skills.workflow import Workflow

SCENE_CONDITIONS = (
    Condition(measure="views", comparison="<=", bound=10),
    Condition(measure="poor_share", comparison=">", bound=0.5),
    Condition(measure="luma", comparison="<", bound=0.3),
    Condition(measure="sharpness", comparison="<", bound=0.36),
    Condition(measure="overlap", comparison="<", bound=0.45),
    Condition(measure="clutter", comparison=">", bound=0.12),
)
"""Kinds of scene that distillation looks at; one condition each, so that cells stay large."""

_NEARLY_ALL = 0.9

Incumbent = Callable[[Trial], str]
"""Key of the workflow that the library would use for a trial's task."""

Barred = Collection[tuple[Scope, str]]
"""Scopes with keys of workflows that need no looking into again."""


class Finding(BaseModel):
    """Evidence that ``workflow`` beats what is used now within ``scope``.

    ``gain`` is the mean paired utility gain by room, ``error`` its standard error, ``rooms`` and
    ``episodes`` what it rests on. ``replaces`` is the workflow key used now by most tasks.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    scope: Scope
    workflow: Workflow
    replaces: str
    gain: float
    error: float
    score: float
    score_before: float
    cost: float
    cost_before: float
    rooms: int
    episodes: tuple[str, ...]
    scenes: tuple[str, ...]
    splits: tuple[str, ...]
    causes: dict[str, int]


class FindingSettings(BaseModel):
    """``price``: score points per priced second. ``rooms``: fewest rooms behind a finding.
    ``errors``: standard errors that a gain must exceed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    price: float = 0.015
    rooms: int = 4
    errors: float = 1.0


def find(
    trials: Sequence[Trial],
    workflows: Mapping[str, Workflow],
    families: Iterable[tuple[str, ...]],
    incumbent: Incumbent,
    settings: FindingSettings,
    barred: Barred = frozenset(),
) -> tuple[Finding, ...]:
    """Findings by family, the general one first, then by kind of scene; none that is ``barred``."""
    found: list[Finding] = []
    for family in families:
        mine = [t for t in trials if t.card.question_type in family and not t.incomplete]
        everywhere = Scope(question_types=family)
        general = _best(mine, workflows, everywhere, incumbent, settings, barred)
        if general is not None:
            found.append(general)
        chosen = chosen_after(general, incumbent)
        for scope, cell in cells(mine, family):
            special = _best(cell, workflows, scope, chosen, settings, barred)
            if special is not None:
                found.append(special)
    return tuple(found)


def cells(
    trials: Sequence[Trial], family: tuple[str, ...]
) -> Iterator[tuple[Scope, Sequence[Trial]]]:
    """Kinds of scene with their trials, without those that nearly all scenes are of: what holds
    there is a general finding."""
    for condition in SCENE_CONDITIONS:
        cell = [t for t in trials if condition.holds(t.card)]
        if len(cell) <= _NEARLY_ALL * len(trials):
            yield Scope(question_types=family, conditions=(condition,)), cell


def chosen_after(general: Finding | None, incumbent: Incumbent) -> Incumbent:
    """What the library would use if the general finding were taken up."""
    if general is None:
        return incumbent
    kinds, key = set(general.scope.question_types), general.workflow.key
    return lambda trial: key if trial.card.question_type in kinds else incumbent(trial)


def paired(
    trials: Sequence[Trial], incumbent: Incumbent, workflows: Iterable[str]
) -> Iterator[tuple[str, list[tuple[Trial, Trial]]]]:
    """By workflow, the tasks that were done both its way and the incumbent's: (new, old)."""
    rows: Table = {(t.task_id, t.workflow.key): t for t in trials}
    used = {t.task_id: incumbent(t) for t in trials}
    for key in sorted(workflows):
        yield (
            key,
            [
                (rows[task, key], rows[task, now])
                for task, now in used.items()
                if key != now and (task, key) in rows and (task, now) in rows
            ],
        )


def shrunk(finding: Finding) -> float:
    """Gain less one standard error: of many workflows the luckiest should not win."""
    return finding.gain - finding.error


def _best(
    trials: Sequence[Trial],
    workflows: Mapping[str, Workflow],
    scope: Scope,
    incumbent: Incumbent,
    settings: FindingSettings,
    barred: Barred,
) -> Finding | None:
    kinds = {t.card.question_type for t in trials}
    best: Finding | None = None
    for key, pairs in paired(trials, incumbent, workflows):
        if (scope, key) in barred or {old.card.question_type for _, old in pairs} != kinds:
            continue  # what was tried on some kinds of question says nothing about the others
        candidate = finding_of(pairs, workflows[key], scope, settings)
        if candidate and (best is None or shrunk(candidate) > shrunk(best)):
            best = candidate
    return best


def finding_of(
    pairs: Sequence[tuple[Trial, Trial]],
    workflow: Workflow,
    scope: Scope,
    settings: FindingSettings,
) -> Finding | None:
    """What pairs (new, old) say for a workflow, if that is more than luck."""
    gains: dict[str, list[float]] = defaultdict(list)
    for new, old in pairs:
        gains[new.room].append(new.utility(settings.price) - old.utility(settings.price))
    if len(gains) < max(2, settings.rooms):
        return None
    means = [statistics.fmean(g) for _, g in sorted(gains.items())]
    gain = statistics.fmean(means)
    error = statistics.stdev(means) / math.sqrt(len(means))
    if gain <= settings.errors * error:
        return None
    causes = Counter(new.cause for new, _ in pairs if new.cause not in (Cause.NONE, Cause.OUTAGE))
    return Finding(
        scope=scope,
        workflow=workflow,
        replaces=Counter(old.workflow.key for _, old in pairs).most_common(1)[0][0],
        gain=gain,
        error=error,
        score=statistics.fmean(new.score for new, _ in pairs),
        score_before=statistics.fmean(old.score for _, old in pairs),
        cost=statistics.fmean(new.cost for new, _ in pairs),
        cost_before=statistics.fmean(old.cost for _, old in pairs),
        rooms=len(gains),
        episodes=tuple(sorted(new.key for new, _ in pairs)),
        scenes=tuple(sorted({new.scene_id for new, _ in pairs})),
        splits=tuple(sorted({new.split for new, _ in pairs})),
        causes={str(cause): n for cause, n in sorted(causes.items())},
    )
