"""Claims of the skill library that need no rooms: the gate, recall, faults, scale.

Evolution on rooms is a group of its own, `lift`, because it takes an hour and a half.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from surveyor.skills.distil.rollouts import Rollout
from surveyor.skills.gate import Paired
from surveyor.skills.scene_profile import SceneProfile
from surveyor.skills.workflow import GUARDED, PLAIN
from tests.claims.claim import Claim
from tests.claims.skills import (
    card,
    chat,
    chat_lift,
    faults,
    memory,
    recall,
    scale,
    verdicts,
)
from tests.claims.skills.gate import random_labels


def measure() -> Iterator[Claim]:
    """Claims, each as soon as it is measured; about eight minutes."""
    yield from random_labels(simulated_pairs())
    yield from card.measure()
    yield from verdicts.measure()
    yield from chat.measure()
    yield from chat_lift.measure()
    yield from memory.measure()
    yield from recall.measure()
    yield from faults.measure()
    yield from scale.measure()


def simulated_pairs(rooms: int = 30, tasks: int = 6, seed: int = 0) -> list[Paired]:
    """Pairs with the coarse, lumpy scores of the benchmarks' metric (tenths, many 0 and 1) and
    rooms that differ in difficulty. Made up: only the gate's arithmetic is judged on them."""
    rng = np.random.default_rng(seed)
    pairs = []
    for room in range(rooms):
        easy = rng.uniform(0.2, 0.9)
        for task in range(tasks):
            scores = [round(float(rng.beta(2 * easy, 2 * (1 - easy))), 1) for _ in range(2)]
            costs = rng.uniform(1, 6, 2).tolist()
            new, old = (
                Rollout(
                    task_id=f"{room}/{task}",
                    scene_id=f"{room}",
                    room=f"{room}",
                    profile=SceneProfile(question_type="q"),
                    workflow=workflow,
                    score=score,
                    cost=cost,
                )
                for workflow, score, cost in zip((GUARDED, PLAIN), scores, costs, strict=True)
            )
            pairs.append(Paired(new, old))
    return pairs
