"""Findings: which workflow the evidence favours for which questions, and by how much."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict

from surveyor.skills.distil.rollouts import Cause
from surveyor.skills.gate import LiftEstimate, Paired, estimate
from surveyor.skills.scope import Scope
from surveyor.skills.workflow import Workflow

ERROR_FLOOR = 0.25
"""No mean over n tasks is known better than to this over the root of n: a cell of equal answers has
a spread near nothing, which says that it is small and not that it is certain."""


class Finding(BaseModel):
    """Evidence that ``workflow`` beats what is used now within ``scope``.

    ``gain`` is the mean paired utility gain, ``error`` its standard error, ``rooms`` and
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

    @property
    def worth(self) -> float:
        """Gain less its error, over all the tasks that it is for: what findings are ranked by.

        Ranked by gain over error, small cells of lucky or equal answers would come first.
        """
        return (self.gain - self.error) * len(self.episodes)


def floored(found: LiftEstimate) -> LiftEstimate:
    """The estimate with no smaller error than its number of tasks allows."""
    floor = ERROR_FLOOR / math.sqrt(found.tasks) if found.tasks else math.inf
    return LiftEstimate(found.gain, max(found.error, floor), found.tasks, found.rooms)


def finding_of(
    pairs: Sequence[Paired], workflow: Workflow, scope: Scope, price: float
) -> Finding | None:
    """What pairs say for a workflow within a scope; ``None`` for fewer than two rooms."""
    whole = [pair for pair in pairs if pair.whole]
    found = floored(estimate(whole, price))
    if found.rooms < 2:
        return None
    new, old = [p.new for p in whole], [p.old for p in whole]
    causes = Counter(r.cause for r in new if r.cause not in (Cause.NONE, Cause.OUTAGE))
    return Finding(
        scope=scope,
        workflow=workflow,
        replaces=Counter(r.workflow.key for r in old).most_common(1)[0][0],
        gain=found.gain,
        error=found.error,
        score=_mean([r.score for r in new]),
        score_before=_mean([r.score for r in old]),
        cost=_mean([r.cost for r in new]),
        cost_before=_mean([r.cost for r in old]),
        rooms=found.rooms,
        episodes=tuple(sorted(r.key for r in new)),
        scenes=tuple(sorted({r.scene_id for r in new})),
        splits=tuple(sorted({r.split for r in new})),
        causes={str(cause): count for cause, count in sorted(causes.items())},
    )


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)
