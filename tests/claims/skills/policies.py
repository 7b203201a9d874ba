"""Ways of choosing a workflow: from training trials alone, or by what a library says."""

from __future__ import annotations

import random
import statistics
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

from surveyor.skills.distil.findings import FindingSettings, find
from surveyor.skills.distil.rollouts import Trial
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
        looks.setdefault(case.task.scene_id, case.card)
    donor = dict(zip(scenes, others, strict=True))
    policy = LibraryPolicy(retriever, default)

    def choose(case: Case) -> Workflow:
        other = looks[donor[case.task.scene_id]]
        fields = {name: getattr(other, name) for name in CARD_FIELDS}
        # Tasks without frames stay so: that is no look, but a different kind of task.
        card = case.card.model_copy(update=fields) if case.card.views and other.views else case.card
        return policy.choose(Case(case.task, card, case.room)).workflow

    return choose


def per_type(trials: Sequence[Trial], price: float) -> Chooser:
    """The best workflow per question type by training trials, blind to the scene.

    Compared by pairs with what was tried most for the type, because that is beside everything
    that was tried; it is also what remains where nothing is better beyond one standard error.
    """
    base, known = _most_tried(trials), {t.workflow.key: t.workflow for t in trials}
    found = find(
        trials,
        known,
        [(kind,) for kind in sorted(base)],
        lambda trial: base[trial.card.question_type],
        FindingSettings(price=price),
    )
    best = {kind: known[key] for kind, key in base.items()}
    best |= {f.scope.question_types[0]: f.workflow for f in found if not f.scope.conditions}
    return lambda case: best.get(case.card.question_type, GUARDED)


def single(trials: Sequence[Trial], price: float) -> Workflow:
    """The one workflow that gains most over what was tried most for each type, types weighing
    alike, among those that were tried enough for every type."""
    base = _most_tried(trials)
    rows = {(t.task_id, t.workflow.key): t for t in trials if not t.incomplete}
    gains: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for (task, key), trial in rows.items():
        kind = trial.card.question_type
        other = rows.get((task, base[kind]))
        if other is not None:
            gains[key][kind].append(trial.utility(price) - other.utility(price))
    worth = {
        key: statistics.fmean(statistics.fmean(values) for values in kinds.values())
        for key, kinds in gains.items()
        if len(kinds) == len(base) and sum(map(len, kinds.values())) >= _ENOUGH
    }
    best = max(worth, key=lambda key: (worth[key], key), default=GUARDED.key)
    return {t.workflow.key: t.workflow for t in trials}.get(best, GUARDED)


def _most_tried(trials: Sequence[Trial]) -> dict[str, str]:
    """Key of the workflow with the most trials, by question type."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for trial in trials:
        if not trial.incomplete:
            counts[trial.card.question_type][trial.workflow.key] += 1
    return {kind: min(c, key=lambda key: (-c[key], key)) for kind, c in counts.items()}


def baselines(trials: Sequence[Trial], price: float) -> dict[str, Chooser]:
    """The policies that need no library."""
    return {
        "plain": fixed(PLAIN),
        "guarded": fixed(GUARDED),
        "best single": fixed(single(trials, price)),
        "per type": per_type(trials, price),
    }
