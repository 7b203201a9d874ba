"""Exploration: which workflow to try on which training task.

A small, well-chosen space beats hundreds of near-twins: with a dozen workflows held-out choices
came out as with a hundred and fifty (``docs/workflows.md``). Tries are allotted like pulls of a
bandit: per family of question types, whole tasks at a time, each task with the incumbent *and*
the most promising others, so that every comparison is paired. What a workflow did for other
families counts a little too: what is bad for all kinds of question need not be tried on each.
"""

from __future__ import annotations

import hashlib
import math
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from surveyor.skills.distil.rollouts import Trial
from surveyor.skills.workflow import (
    GUARDED,
    PLAIN,
    Evidence,
    Fallback,
    Frames,
    Join,
    MetricScale,
    Restore,
    Stop,
    Support,
    Workflow,
)

_VOTED = Fallback()


def _even(number: int, **choices: object) -> Workflow:
    """Evenly spaced frames, not restored, with a fallback unless told otherwise."""
    whole = {"frames": Frames(number=number), "fallback": _VOTED, **choices}
    return Workflow.model_validate(whole)


_BEST: dict[str, object] = {
    "evidence": Evidence.BOXES,
    "join": Join.BEST,
    "support": Support(views=1, share=0.0),
    "fallback": None,
}
_ENOUGH, _ONCE = Stop(), Stop(seen=1)
_APART: dict[str, object] = {"join": Join.VOTE, "fallback": Fallback(join=Join.BEST)}

SPACE: tuple[Workflow, ...] = (
    PLAIN,
    GUARDED,
    _even(16),
    _even(32),
    _even(32, evidence=Evidence.BOXES),
    _even(16, evidence=Evidence.BOXES, scale=MetricScale.NONE),
    _even(16, restore=Restore.DIM),
    GUARDED.model_copy(update=_APART),
    _even(32, **_BEST),
    _even(16, stop=_ENOUGH),
    _even(32, stop=_ENOUGH),
    _even(32, stop=_ENOUGH, scale=MetricScale.NONE),
    _even(32, stop=_ENOUGH, restore=Restore.DIM),
    _even(32, stop=_ONCE, scale_frames=2),
    _even(32, stop=_ONCE, **_BEST),
)
"""Fifteen corners of the dimensions that paid on rooms of their own: frame number, when to stop,
restoring, evidence, join, metric scale, fallback."""


class ExploreSettings(BaseModel):
    """``episodes``: tries a round may start, incumbents included. ``rivals``: workflows tried
    beside the incumbent on each task. ``price`` as at the gate; ``courage`` weighs uncertainty.
    ``kinship``: how many tries of its own what a workflow gained elsewhere is worth to a family."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    episodes: int = Field(default=600, ge=2)
    rivals: int = Field(default=3, ge=1)
    price: float = 0.015
    courage: float = 1.0
    kinship: float = Field(default=8.0, gt=0)
    mutants: int = Field(default=1, ge=0)
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to make: a task by id and the workflow to do it with."""

    task_id: str
    workflow: Workflow


@dataclass(frozen=True, slots=True)
class Question:
    """What exploration knows of a task before trying: id, family of types, and the incumbent."""

    task_id: str
    family: tuple[str, ...]
    incumbent: Workflow


def plan(
    questions: Sequence[Question],
    trials: Sequence[Trial],
    round_: int,
    settings: ExploreSettings,
) -> tuple[Attempt, ...]:
    """This round's tries; tries that were made before are free and not counted.

    Equal arguments give equal plans.
    """
    made = {(t.task_id, t.workflow.key) for t in trials}
    gains = _gains(questions, trials, settings.price)
    everywhere = _everywhere(gains)
    families = sorted({q.family for q in questions})
    planned: list[Attempt] = []
    for position, family in enumerate(families):
        share = settings.episodes * (position + 1) // len(families)
        mine = [q for q in questions if q.family == family]
        rng = random.Random(_seed(settings.seed, round_, *family))
        rng.shuffle(mine)
        arms = _arms(mine, gains.get(family, {}), everywhere, round_, settings, rng)
        untried = sum(arm.key not in everywhere for arm in arms)
        planned.extend(_allot(mine, arms, untried, made, share - len(planned), settings))
    return tuple(planned)


def mutate(workflow: Workflow, rng: random.Random) -> Workflow:
    """The workflow with one dimension changed, within the grammar."""
    number = workflow.frames.number
    options: list[dict[str, object]] = [
        {"frames": workflow.frames.model_copy(update={"number": n})}
        for n in (max(4, number // 2), min(48, number * 2))
    ]
    options += [{"restore": r} for r in (Restore.NONE, Restore.DIM, Restore.GUARD)]
    options += [{"evidence": e} for e in Evidence]
    options += [{"join": j} for j in (Join.VOTE, Join.FUSE, Join.BEST)]
    options += [{"scale": s} for s in MetricScale]
    options += [{"scale_frames": n} for n in (2, 4, 8)]
    options += [{"support": Support(views=v, share=s)} for v, s in ((1, 0.0), (2, 0.2), (2, 0.3))]
    options += [{"stop": s} for s in (None, Stop(), Stop(seen=1), Stop(seen=3))]
    options += [{"fallback": f} for f in (None, Fallback(), Fallback(registered=0.3))]
    changed = [workflow.model_copy(update=o) for o in options]
    return rng.choice([w for w in changed if w != workflow])


def _gains(
    questions: Sequence[Question], trials: Sequence[Trial], price: float
) -> dict[tuple[str, ...], dict[str, list[float]]]:
    """Paired utility gains over the incumbent, by family and workflow key."""
    by_task: dict[str, dict[str, Trial]] = defaultdict(dict)
    for trial in trials:
        if not trial.incomplete:
            by_task[trial.task_id][trial.workflow.key] = trial
    gains: dict[tuple[str, ...], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for question in questions:
        tried = by_task.get(question.task_id, {})
        base = tried.get(question.incumbent.key)
        if base is None:
            continue
        for key, trial in tried.items():
            gains[question.family][key].append(trial.utility(price) - base.utility(price))
    return gains


def _everywhere(gains: Mapping[tuple[str, ...], Mapping[str, list[float]]]) -> dict[str, float]:
    """Mean gain by workflow key over all families."""
    pooled: dict[str, list[float]] = defaultdict(list)
    for known in gains.values():
        for key, values in known.items():
            pooled[key].extend(values)
    return {key: sum(values) / len(values) for key, values in pooled.items()}


def _arms(
    questions: Sequence[Question],
    gains: Mapping[str, list[float]],
    everywhere: Mapping[str, float],
    round_: int,
    settings: ExploreSettings,
    rng: random.Random,
) -> list[Workflow]:
    """Workflows by upper confidence bound, untried ones first; from round 2 on with mutants of
    what this family does now."""
    space = {w.key: w for w in SPACE}
    now = sorted({q.incumbent.key: q.incumbent for q in questions}.items())
    if round_ > 1:
        for _, incumbent in now[: settings.mutants]:
            mutant = mutate(incumbent, rng)
            space.setdefault(mutant.key, mutant)
    total = sum(len(values) for values in gains.values()) + 1

    def bound(workflow: Workflow) -> float:
        if workflow.key not in everywhere:
            return math.inf
        values = gains.get(workflow.key, [])
        weight = len(values) + settings.kinship
        mean = (sum(values) + settings.kinship * everywhere[workflow.key]) / weight
        return mean + settings.courage * 0.3 * math.sqrt(math.log(total) / weight)

    order = sorted(space.values(), key=lambda w: w.key)
    rng.shuffle(order)
    return sorted(order, key=bound, reverse=True)


def _allot(
    questions: Sequence[Question],
    arms: Sequence[Workflow],
    untried: int,
    made: set[tuple[str, str]],
    budget: int,
    settings: ExploreSettings,
) -> list[Attempt]:
    """Tasks in turn, rivals in turn: every arm among the leading ones gets its share of tasks.

    The best third leads, and all that was never tried, so no corner goes unseen.
    """
    planned: list[Attempt] = []
    leading = max(settings.rivals, math.ceil(len(arms) / 3), untried) if arms else 0
    for index, question in enumerate(questions):
        rivals = [w for w in arms if w != question.incumbent][:leading]
        start = index * settings.rivals % max(1, len(rivals))
        chosen = (rivals[start:] + rivals[:start])[: settings.rivals]
        fresh = [
            Attempt(question.task_id, w)
            for w in (question.incumbent, *chosen)
            if (question.task_id, w.key) not in made
        ]
        if len(planned) + len(fresh) > budget:
            break
        planned.extend(fresh)
    return planned


def _seed(*parts: object) -> int:
    text = "|".join(map(str, parts))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
