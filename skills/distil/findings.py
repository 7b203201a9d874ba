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
from collections.abc import Callable, Iterable, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from skills.distil.trials import Cause, Table, Trial
from skills.scope import Condition, Scope
from skills.workflow import Workflow

SCENE_CONDITIONS = (
    Condition(measure="views", comparison="<=", bound=10),
    Condition(measure="poor_share", comparison=">", bound=0.5),
    Condition(measure="luma", comparison="<", bound=0.3),
    Condition(measure="sharpness", comparison="<", bound=0.36),
    Condition(measure="overlap", comparison="<", bound=0.45),
    Condition(measure="clutter", comparison=">", bound=0.12),
)
"""Kinds of scene that distillation looks at; one condition each, so that cells stay large."""

Incumbent = Callable[[Trial], str]
"""Key of the workflow that the library would use for a trial's task."""


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
) -> tuple[Finding, ...]:
    """Findings by family, the general one first, then by kind of scene."""
    found: list[Finding] = []
    for family in families:
        mine = [t for t in trials if t.card.question_type in family and not t.owed]
        general = _best(mine, workflows, Scope(question_types=family), incumbent, settings)
        if general is not None:
            found.append(general)
        chosen = _choice(general, incumbent)
        for condition in SCENE_CONDITIONS:
            scope = Scope(question_types=family, conditions=(condition,))
            cell = [t for t in mine if condition.holds(t.card)]
            if 2 * len(cell) > 1.8 * len(mine):
                continue  # nearly all scenes are of this kind: the general finding covers it
            special = _best(cell, workflows, scope, chosen, settings)
            if special is not None:
                found.append(special)
    return tuple(found)


def _choice(general: Finding | None, incumbent: Incumbent) -> Incumbent:
    if general is None:
        return incumbent
    key = general.workflow.key
    return lambda trial: key


def _best(
    trials: Sequence[Trial],
    workflows: Mapping[str, Workflow],
    scope: Scope,
    incumbent: Incumbent,
    settings: FindingSettings,
) -> Finding | None:
    rows: Table = {(t.task_id, t.workflow.key): t for t in trials}
    tasks = {t.task_id: t for t in trials}
    used = {task: incumbent(trial) for task, trial in tasks.items()}
    kinds = {t.card.question_type for t in trials}
    best: Finding | None = None
    for key in sorted(workflows):
        pairs = [
            (rows[task, key], rows[task, now])
            for task, now in used.items()
            if key != now and (task, key) in rows and (task, now) in rows
        ]
        if {old.card.question_type for _, old in pairs} != kinds:
            continue  # what was tried on some kinds of question says nothing about the others
        candidate = _finding(pairs, workflows[key], scope, settings)
        if candidate and (best is None or _shrunk(candidate) > _shrunk(best)):
            best = candidate
    return best


def _shrunk(finding: Finding) -> float:
    """Gain less one standard error: of many workflows the luckiest should not win."""
    return finding.gain - finding.error


def _finding(
    pairs: Sequence[tuple[Trial, Trial]],
    workflow: Workflow,
    scope: Scope,
    settings: FindingSettings,
) -> Finding | None:
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
