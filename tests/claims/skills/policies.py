"""Ways of choosing a workflow: from training rollouts alone, or by what a library says."""

from __future__ import annotations

import random
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from surveyor.skills.distil.findings import FindingSettings, find
from surveyor.skills.distil.rollouts import Rollout
from surveyor.skills.retrieve import Retriever
from surveyor.skills.scene_profile import SceneProfile
from surveyor.skills.workflow import GUARDED, PLAIN, Workflow
from surveyor.training.evolution.cases import Case
from surveyor.training.evolution.policy import LibraryPolicy

Chooser = Callable[[Case], Workflow]

CARD_FIELDS = (
    "views", "width", "height", "luma", "contrast", "noise", "sharpness", "clutter",
    "poor_share", "overlap",
)  # fmt: skip
"""What `shuffled` moves from scene to scene; question type and operands stay."""

_ENOUGH = 20  # paired tasks behind a single workflow


def fixed(workflow: Workflow) -> Chooser:
    """One workflow for everything."""
    return lambda case: workflow


def library(retriever: Retriever, default: Workflow) -> Chooser:
    """What a library says."""
    policy = LibraryPolicy(retriever, default)
    return lambda case: policy.choose(case).workflow


def shuffled(
    retriever: Retriever, default: Workflow, cases: Sequence[Case], seed: int = 0
) -> Chooser:
    """The same library, told that each scene looks like another one drawn at random."""
    scenes = sorted({c.task.scene_id for c in cases})
    others = list(scenes)
    random.Random(seed).shuffle(others)
    looks: dict[str, SceneProfile] = {}
    for case in cases:
        looks.setdefault(case.task.scene_id, case.profile)
    donor = dict(zip(scenes, others, strict=True))
    policy = LibraryPolicy(retriever, default)

    def choose(case: Case) -> Workflow:
        other = looks[donor[case.task.scene_id]]
        fields = {name: getattr(other, name) for name in CARD_FIELDS}
        # Tasks without frames stay so: that is no look, but a different kind of task.
        card = (
            case.profile.model_copy(update=fields)
            if case.profile.views and other.views
            else case.profile
        )
        return policy.choose(Case(case.task, card, case.room)).workflow

    return choose


def per_type(rollouts: Sequence[Rollout], price: float) -> Chooser:
    """The best workflow per question type by training rollouts, blind to the scene.

    Compared by pairs with what was tried most for the type, because that is beside everything
    that was tried; it is also what remains where nothing is better beyond one standard error.
    """
    base, known = _most_tried(rollouts), {t.workflow.key: t.workflow for t in rollouts}
    found = find(
        rollouts,
        known,
        [(kind,) for kind in sorted(base)],
        lambda rollout: base[rollout.profile.question_type],
        FindingSettings(price=price),
    )
    best = {kind: known[key] for kind, key in base.items()}
    best |= {f.scope.question_types[0]: f.workflow for f in found if not f.scope.conditions}
    return lambda case: best.get(case.profile.question_type, GUARDED)


def single(rollouts: Sequence[Rollout], price: float) -> Workflow:
    """The one workflow that gains most over what was tried most for each type, types weighing
    alike, among those that were tried enough for every type."""
    base = _most_tried(rollouts)
    rows = {(t.task_id, t.workflow.key): t for t in rollouts if not t.incomplete}
    gains: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for (task, key), rollout in rows.items():
        kind = rollout.profile.question_type
        other = rows.get((task, base[kind]))
        if other is not None:
            gains[key][kind].append(rollout.utility(price) - other.utility(price))
    worth = {
        key: statistics.fmean(statistics.fmean(values) for values in kinds.values())
        for key, kinds in gains.items()
        if len(kinds) == len(base) and sum(map(len, kinds.values())) >= _ENOUGH
    }
    best = max(worth, key=lambda key: (worth[key], key), default=GUARDED.key)
    return {t.workflow.key: t.workflow for t in rollouts}.get(best, GUARDED)


def _most_tried(rollouts: Sequence[Rollout]) -> dict[str, str]:
    """Key of the workflow with the most rollouts, by question type."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for rollout in rollouts:
        if not rollout.incomplete:
            counts[rollout.profile.question_type][rollout.workflow.key] += 1
    return {kind: min(c, key=lambda key: (-c[key], key)) for kind, c in counts.items()}


def baselines(rollouts: Sequence[Rollout], price: float) -> dict[str, Chooser]:
    """The policies that need no library."""
    return {
        "plain": fixed(PLAIN),
        "guarded": fixed(GUARDED),
        "best single": fixed(single(rollouts, price)),
        "per type": per_type(rollouts, price),
    }
