"""Ways of choosing a workflow, side by side on the same unseen rooms.

All choices are made from training trials; test rooms only score them. Every policy picks among
episodes that are really played (or were played before, the same way), so differences are paired.
"""

from __future__ import annotations

import random
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

from pydantic import BaseModel, ConfigDict

from skills.card import SceneCard
from skills.distil.findings import FindingSettings, find
from skills.distil.trials import Trial
from skills.gate import GateSettings, Pair, compare
from skills.retrieve import Retriever
from skills.workflow import GUARDED, PLAIN, Workflow
from training.evolve_cases import Case
from training.evolve_policy import LibraryPolicy
from training.evolve_trials import Play, TrialStore, trials_of

Chooser = Callable[[Case], Workflow]

TWO_SIDED_95 = 0.025

CARD_FIELDS = (
    "views", "width", "height", "luma", "contrast", "noise", "sharpness", "clutter",
    "poor_share", "overlap",
)  # fmt: skip
"""What `shuffled` moves from scene to scene; question type and operands stay."""


class PolicyRow(BaseModel):
    """One policy on the test rooms: means over tasks. ``effective`` is the share of calls whose
    result the answer rests on."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: str
    score: float
    cost: float
    utility: float
    effective: float
    tasks: int
    rooms: int
    workflows: int


class Contrast(BaseModel):
    """A policy less a baseline, paired by task; 95 % intervals clustered by room."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: str
    baseline: str
    score: float
    score_low: float
    score_high: float
    utility: float
    utility_low: float
    utility_high: float
    cost_ratio: float
    differ: int


class Evaluation(BaseModel):
    """All policies and contrasts of one error seed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rows: tuple[PolicyRow, ...]
    contrasts: tuple[Contrast, ...]


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
    looks: dict[str, SceneCard] = {}
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
    """The best workflow per question type by training trials, blind to the scene."""
    types = sorted({t.card.question_type for t in trials})
    found = find(
        trials,
        {t.workflow.key: t.workflow for t in trials},
        [(kind,) for kind in types],
        lambda trial: GUARDED.key,
        FindingSettings(price=price),
    )
    best = {f.scope.question_types[0]: f.workflow for f in found if not f.scope.conditions}
    return lambda case: best.get(case.card.question_type, GUARDED)


def single(trials: Sequence[Trial], price: float) -> Workflow:
    """The one workflow that gains most over the guarded default, paired, on training trials."""
    return _best_single(trials, price, GUARDED)


async def evaluate(
    choosers: Mapping[str, Chooser],
    cases: Sequence[Case],
    play: Play,
    store: TrialStore,
    *,
    price: float,
    baselines: Sequence[str] = ("plain", "guarded", "per type"),
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Play what the policies choose and compare them; tasks with an owed episode are left out."""
    chosen = {name: [(c, choose(c)) for c in cases] for name, choose in choosers.items()}
    wanted = {(c.id, w.key): (c, w) for tries in chosen.values() for c, w in tries}
    played = await trials_of(store, play, list(wanted.values()), progress=progress)
    rows = {(t.task_id, t.workflow.key): t for t in played}
    whole = [
        i
        for i in range(len(cases))
        if all(not rows[t[i][0].id, t[i][1].key].owed for t in chosen.values())
    ]
    by_policy = {
        name: [rows[tries[i][0].id, tries[i][1].key] for i in whole]
        for name, tries in chosen.items()
    }
    return Evaluation(
        rows=tuple(_row(name, trials, price) for name, trials in by_policy.items()),
        contrasts=tuple(
            contrast(name, by_policy[name], base, by_policy[base], price)
            for name in by_policy
            for base in baselines
            if base in by_policy and base != name
        ),
    )


def contrast(
    policy: str, new: Sequence[Trial], baseline: str, old: Sequence[Trial], price: float
) -> Contrast:
    """Paired difference of two policies over the same tasks, in the same order."""
    pairs = [Pair(a, b) for a, b in zip(new, old, strict=True)]
    free, priced = (
        compare(pairs, GateSettings(price=p, rooms=2), TWO_SIDED_95) for p in (0.0, price)
    )
    cost_old = statistics.fmean(t.cost for t in old)
    return Contrast(
        policy=policy,
        baseline=baseline,
        score=free.lift,
        score_low=free.lower or 0.0,
        score_high=free.upper or 0.0,
        utility=priced.lift,
        utility_low=priced.lower or 0.0,
        utility_high=priced.upper or 0.0,
        cost_ratio=statistics.fmean(t.cost for t in new) / cost_old if cost_old else 1.0,
        differ=sum(a.workflow != b.workflow for a, b in zip(new, old, strict=True)),
    )


def baselines(trials: Sequence[Trial], price: float) -> dict[str, Chooser]:
    """The policies that need no library."""
    return {
        "plain": fixed(PLAIN),
        "guarded": fixed(GUARDED),
        "best single": fixed(single(trials, price)),
        "per type": per_type(trials, price),
    }


def breakdown(
    trials: Mapping[str, Sequence[Trial]], tags: Callable[[Trial], Iterable[str]], price: float
) -> dict[str, dict[str, float]]:
    """Mean utility by tag and policy, e.g. by condition or capture style."""
    table: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for policy, rows in trials.items():
        for trial in rows:
            for tag in tags(trial):
                table[tag][policy].append(trial.utility(price))
    return {
        tag: {policy: statistics.fmean(values) for policy, values in sorted(found.items())}
        for tag, found in sorted(table.items())
    }


def _row(name: str, trials: Sequence[Trial], price: float) -> PolicyRow:
    calls = sum(t.calls for t in trials)
    score = statistics.fmean(t.score for t in trials)
    cost = statistics.fmean(t.cost for t in trials)
    return PolicyRow(
        policy=name,
        score=score,
        cost=cost,
        utility=score - price * cost,
        effective=sum(t.effective for t in trials) / calls if calls else 0.0,
        tasks=len(trials),
        rooms=len({t.room for t in trials}),
        workflows=len({t.workflow.key for t in trials}),
    )


def _best_single(trials: Sequence[Trial], price: float, base: Workflow) -> Workflow:
    rows = {(t.task_id, t.workflow.key): t for t in trials if not t.owed}
    gains: dict[str, list[float]] = defaultdict(list)
    for (task, key), trial in rows.items():
        other = rows.get((task, base.key))
        if other is not None:
            gains[key].append(trial.utility(price) - other.utility(price))
    known = {t.workflow.key: t.workflow for t in trials}
    enough = [key for key, values in gains.items() if len(values) >= 20]
    best = max(enough, key=lambda k: (statistics.fmean(gains[k]), k), default=base.key)
    return known.get(best, base)
