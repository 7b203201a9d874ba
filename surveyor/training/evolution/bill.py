"""What an evolution will cost, before it is paid: rollouts by stage, model calls, dollars."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from surveyor.skills.distil.rollouts import Rollout
from surveyor.training.evolution.cases import Case, in_rooms
from surveyor.training.evolution.records import EvolveSettings, Plan
from surveyor.training.evolution.space import SPACE

PILOT = "surveyor run DATASET --planner chat --limit 10"
"""What gives prices where there are none yet."""


@dataclass(frozen=True, slots=True)
class Line:
    """One stage. ``calls`` and ``dollars`` are ``None`` where nothing like it was ever played.

    ``sure``: how the number is meant. Later rungs keep ``about`` so many arms, because a type's own
    leader stays as well; a gate takes ``at most`` so many, because it ends as soon as it knows.
    """

    stage: str
    rollouts: int
    sure: Literal["", "about", "at most"] = ""
    calls: float | None = None
    dollars: float | None = None


def bill(
    cases: Sequence[Case], plan: Plan, settings: EvolveSettings, known: Sequence[Rollout] = ()
) -> tuple[Line, ...]:
    """The first round, stage by stage; prices are the means of ``known`` rollouts.

    Baselines that equal one another, such as plain and an empty library, are played once.
    """
    arms = len({w.key for w in (settings.default, *(settings.space or SPACE))}) + settings.builtin
    shares = (1.0, *settings.explore.keep)
    stages = []
    for number, (rooms, share) in enumerate(zip(plan.rungs, shares, strict=True), start=1):
        most = arms if number == 1 else min(arms, max(2, math.ceil(share * (arms + 1))) + 1)
        asked = len(in_rooms(cases, rooms))
        stages.append(Line(f"rung {number}", most * asked, "about" if number > 1 else ""))
    judged = len(in_rooms(cases, plan.gates[0]))
    stages.append(Line("gate", 2 * judged, "at most"))
    return tuple(priced(line, known) for line in stages)


def priced(line: Line, known: Sequence[Rollout]) -> Line:
    """The line at the mean price of known rollouts, ways weighing alike: some ways of looking take
    many more calls than others, and every arm plays as many tasks."""
    ways: dict[str, list[Rollout]] = defaultdict(list)
    for rollout in known:
        if not rollout.incomplete:
            ways[rollout.workflow.key].append(rollout)
    if not ways:
        return line
    calls = _mean([_mean([r.model_calls for r in way]) for way in ways.values()])
    dollars = [[r.dollars for r in way if r.dollars is not None] for way in ways.values()]
    whole = all(len(d) == len(way) for d, way in zip(dollars, ways.values(), strict=True))
    total = line.rollouts * _mean([_mean(each) for each in dollars]) if whole else None
    return Line(line.stage, line.rollouts, line.sure, line.rollouts * calls, total)


def told(lines: Sequence[Line]) -> str:
    """The bill as a table, with its sum."""
    rows = [_row(line) for line in lines]
    known = [line for line in lines if line.calls is not None]
    whole = Line(
        "in all",
        sum(line.rollouts for line in lines),
        "about",
        calls=math.fsum(line.calls or 0.0 for line in known) if known else None,
        dollars=math.fsum(line.dollars or 0.0 for line in known)
        if known and all(line.dollars is not None for line in known)
        else None,
    )
    rows.append(_row(whole))
    if not known:
        rows.append(f"prices are not known yet; a run such as `{PILOT}` given by --from tells them")
    return "\n".join(rows)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _row(line: Line) -> str:
    calls = "" if line.calls is None else f", {line.calls:,.0f} model calls"
    dollars = "" if line.dollars is None else f", ${line.dollars:,.2f}"
    return f"{line.stage:<8} {line.sure:>7} {line.rollouts:>7,} rollouts{calls}{dollars}"
