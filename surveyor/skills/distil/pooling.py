"""Findings over several families of question types at once.

A way of looking that pays often pays for most kinds of question, and shows with a fraction of the
rooms that each kind alone would need. Which kinds it is for is estimated, not assumed: each
family's mean gain is shrunk towards that of all families, by as many tasks as it has little
evidence of its own (James and Stein 1961, in its empirical-Bayes reading), and only families with
a gain remain. Choosing so makes the gain look better than it is; the gate judges it on other rooms.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence

from surveyor.skills.distil.findings import (
    Barred,
    Finding,
    FindingSettings,
    Incumbent,
    cells,
    chosen_after,
    finding_of,
    paired,
    shrunk,
)
from surveyor.skills.distil.rollouts import Trial
from surveyor.skills.scope import Scope
from surveyor.skills.workflow import Workflow

KINSHIP = 20.0
"""Tasks of its own that a family's evidence has to outweigh."""

_Pairs = list[tuple[Trial, Trial]]


def find_pooled(
    trials: Sequence[Trial],
    workflows: Mapping[str, Workflow],
    families: Sequence[tuple[str, ...]],
    incumbent: Incumbent,
    settings: FindingSettings,
    barred: Barred = frozenset(),
) -> tuple[Finding, ...]:
    """The workflow that gains most over two or more families, and by kind of scene what gains
    beyond it."""
    settled = [t for t in trials if not t.incomplete]
    general = _best(settled, workflows, families, Scope(), incumbent, settings, barred)
    found = [] if general is None else [general]
    for scope, cell in cells(settled, ()):
        chosen = chosen_after(general, incumbent)
        special = _best(cell, workflows, families, scope, chosen, settings, barred)
        if special is not None:
            found.append(special)
    return tuple(found)


def _best(
    trials: Sequence[Trial],
    workflows: Mapping[str, Workflow],
    families: Sequence[tuple[str, ...]],
    where: Scope,
    incumbent: Incumbent,
    settings: FindingSettings,
    barred: Barred,
) -> Finding | None:
    """Of all workflows the one whose gain, less its error, adds up to most over the tasks that it
    is for."""
    best: tuple[float, Finding] | None = None
    for key, pairs in paired(trials, incumbent, workflows):
        gaining = _gaining(pairs, families, settings.price)
        if len(gaining) < 2:
            continue
        kinds = tuple(sorted({kind for family in gaining for kind in family}))
        scope = Scope(question_types=kinds, conditions=where.conditions)
        mine = [pair for pair in pairs if pair[1].card.question_type in kinds]
        found = None
        if (scope, key) not in barred:
            found = finding_of(mine, workflows[key], scope, settings)
        if found is None:
            continue
        tasks = len({t.task_id for t in trials if t.card.question_type in kinds})
        worth = shrunk(found) * tasks
        if best is None or worth > best[0]:
            best = worth, found
    return None if best is None else best[1]


def _gaining(
    pairs: _Pairs, families: Sequence[tuple[str, ...]], price: float
) -> list[tuple[str, ...]]:
    """Families for which the shrunk mean gain is above nothing."""
    by_kind = {kind: family for family in families for kind in family}
    gains: dict[tuple[str, ...], list[float]] = defaultdict(list)
    for new, old in pairs:
        family = by_kind.get(old.card.question_type)
        if family is not None:
            gains[family].append(new.utility(price) - old.utility(price))
    every = [gain for values in gains.values() for gain in values]
    if not every:
        return []
    level = KINSHIP * statistics.fmean(every)
    return [
        family
        for family, values in sorted(gains.items())
        if (sum(values) + level) / (len(values) + KINSHIP) > 0
    ]
