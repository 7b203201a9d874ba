"""How much of the gate's error budget the removal of each active skill deserves.

Exploration tries what takes a skill's turn beside the skill, so there is evidence on other rooms
of whether it still earns its place. Weights from other data keep weighted Bonferroni valid.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Sequence

from surveyor.skills.distil.rollouts import Trial, table
from surveyor.training.evolution.cases import Case
from surveyor.training.evolution.policy import LibraryPolicy
from surveyor.training.evolution.promotion import promise

LEAST_ROOMS = 4


def removal_weights(
    cases: Sequence[Case], trials: Sequence[Trial], policy: LibraryPolicy, price: float
) -> dict[str, float]:
    """Weights by version: the promise of removing it, by what that gains on explored rooms.
    Versions with too little evidence are left out."""
    rows = table(trials)
    gains: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for case in cases:
        now = policy.choose(case)
        if now.version is None:
            continue
        other = policy.choose(case, without=now.version)
        with_, without = (rows.get((case.id, c.workflow.key)) for c in (now, other))
        if with_ is not None and without is not None:
            gain = without.utility(price) - with_.utility(price)
            gains[now.version][case.room].append(gain)
    return {
        version: _promise([statistics.fmean(g) for g in rooms.values()])
        for version, rooms in gains.items()
        if len(rooms) >= LEAST_ROOMS
    }


def _promise(means: Sequence[float]) -> float:
    return promise(statistics.fmean(means), statistics.stdev(means) / math.sqrt(len(means)))
