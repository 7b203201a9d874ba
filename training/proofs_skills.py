"""Every claim about skills: `surveyor proofs skills`.

What needs no rooms. Evolution on rooms is a group of its own, `surveyor proofs lift`, because it
takes an hour and a half.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from memory.claims import Claim
from skills.card import SceneCard
from skills.distil.trials import Trial
from skills.gate import Pair
from skills.workflow import GUARDED, PLAIN
from training import (
    proofs_skills_card,
    proofs_skills_chat,
    proofs_skills_chat_lift,
    proofs_skills_faults,
    proofs_skills_memory,
    proofs_skills_recall,
    proofs_skills_scale,
    proofs_skills_verdicts,
)
from training.proofs_skills_gate import random_labels


def measure() -> Iterator[Claim]:
    """Claims, each as soon as it is measured; about eight minutes."""
    yield from random_labels(simulated_pairs())
    yield from proofs_skills_card.measure()
    yield from proofs_skills_verdicts.measure()
    yield from proofs_skills_chat.measure()
    yield from proofs_skills_chat_lift.measure()
    yield from proofs_skills_memory.measure()
    yield from proofs_skills_recall.measure()
    yield from proofs_skills_faults.measure()
    yield from proofs_skills_scale.measure()


def simulated_pairs(rooms: int = 30, tasks: int = 6, seed: int = 0) -> list[Pair]:
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
                Trial(
                    task_id=f"{room}/{task}",
                    scene_id=f"{room}",
                    room=f"{room}",
                    card=SceneCard(question_type="q"),
                    workflow=workflow,
                    score=score,
                    cost=cost,
                )
                for workflow, score, cost in zip((GUARDED, PLAIN), scores, costs, strict=True)
            )
            pairs.append(Pair(new, old))
    return pairs
