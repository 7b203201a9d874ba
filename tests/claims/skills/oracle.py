"""What hindsight would choose, and how much of that is luck.

The best workflow per cell of scenes, chosen and scored on the same episodes, always looks better
than one chosen beforehand: of twelve noisy tries the luckiest wins. So the oracle is shown beside
its chance level, the same oracle with the scenes' labels shuffled among them.
"""

from __future__ import annotations

import random
import statistics
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from surveyor.skills.distil.rollouts import Rollout

SHUFFLES = 40

Cell = Callable[[Rollout], str]


class Hindsight(BaseModel):
    """Utilities of in-sample choices on one complete table of rollouts (every task with every
    workflow). ``oracle``: per (label, question type); ``chance``: mean of the oracle under shuffled
    labels, ``chance_high`` their 95th percentile."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    single: float
    per_type: float
    oracle: float
    chance: float
    chance_high: float
    tasks: int
    rooms: int
    workflows: int


def hindsight(
    rollouts: Sequence[Rollout], label: Mapping[str, str], price: float, seed: int = 0
) -> Hindsight:
    """In-sample choices; ``label`` names each scene's kind. Tasks that were not done by every
    workflow are left out."""
    table: dict[str, dict[str, Rollout]] = defaultdict(dict)
    for rollout in rollouts:
        if not rollout.incomplete:
            table[rollout.task_id][rollout.workflow.key] = rollout
    keys = {t.workflow.key for t in rollouts}
    whole = [row for row in table.values() if len(row) == len(keys)]

    def chosen(cell: Cell) -> float:
        return _best_per_cell(whole, cell, price)

    rng = random.Random(seed)
    scenes = sorted({next(iter(row.values())).scene_id for row in whole})
    draws = []
    for _ in range(SHUFFLES):
        kinds = [label[s] for s in scenes]
        rng.shuffle(kinds)
        drawn = dict(zip(scenes, kinds, strict=True))
        draws.append(
            chosen(lambda t, drawn=drawn: f"{drawn[t.scene_id]}|{t.profile.question_type}")
        )  # type: ignore[misc]
    return Hindsight(
        single=chosen(lambda t: ""),
        per_type=chosen(lambda t: t.profile.question_type),
        oracle=chosen(lambda t: f"{label[t.scene_id]}|{t.profile.question_type}"),
        chance=statistics.fmean(draws),
        chance_high=sorted(draws)[int(0.95 * SHUFFLES)],
        tasks=len(whole),
        rooms=len({next(iter(row.values())).room for row in whole}),
        workflows=len(keys),
    )


def _best_per_cell(rows: Sequence[Mapping[str, Rollout]], cell: Cell, price: float) -> float:
    """Mean utility when every cell uses the workflow that is best in it."""
    gained: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in rows:
        where = cell(next(iter(row.values())))
        for key, rollout in row.items():
            gained[where][key] += rollout.utility(price)
    return sum(max(sums.values()) for sums in gained.values()) / max(1, len(rows))
