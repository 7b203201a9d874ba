"""What an evolution will cost, before it is paid: rollouts by stage, model calls, dollars."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from surveyor.skills.distil.rollouts import Rollout
from surveyor.training.evolution.cases import Case, in_rooms
from surveyor.training.evolution.records import EvolveSettings, Plan
from surveyor.training.evolution.space import SPACE

PILOT = "surveyor run DATASET --planner chat --limit 10"
"""What gives prices where there are none yet."""


@dataclass(frozen=True, slots=True)
class Line:
    """One stage. ``calls`` and ``dollars`` are ``None`` where nothing like it was ever played.

    ``most``: whether this is an upper bound: later rungs keep at most so many arms, and a gate ends
    as soon as it knows.
    """

    stage: str
    rollouts: int
    most: bool
    calls: float | None = None
    dollars: float | None = None


def bill(
    cases: Sequence[Case], plan: Plan, settings: EvolveSettings, known: Sequence[Rollout] = ()
) -> tuple[Line, ...]:
    """The first round, stage by stage; prices are the means of ``known`` rollouts.

    Baselines that equal one another, such as plain and an empty library, are played once.
    """
    arms = len({w.key for w in (settings.default, *(settings.space or SPACE))})
    shares = (1.0, *settings.explore.keep)
    stages = []
    for number, (rooms, share) in enumerate(zip(plan.rungs, shares, strict=True), start=1):
        most = arms if number == 1 else min(arms, max(2, math.ceil(share * (arms + 1))) + 1)
        asked = len(in_rooms(cases, rooms))
        stages.append(Line(f"rung {number}", most * asked, most=number > 1))
    judged = len(in_rooms(cases, plan.gates[0]))
    stages.append(Line("gate", 2 * judged, most=True))
    return tuple(priced(line, known) for line in stages)


def priced(line: Line, known: Sequence[Rollout]) -> Line:
    """The line at the mean price of known rollouts."""
    settled = [r for r in known if not r.incomplete]
    if not settled:
        return line
    calls = math.fsum(r.model_calls for r in settled) / len(settled)
    dollars = [r.dollars for r in settled if r.dollars is not None]
    each = math.fsum(dollars) / len(dollars) if len(dollars) == len(settled) else None
    total = None if each is None else line.rollouts * each
    return Line(line.stage, line.rollouts, line.most, line.rollouts * calls, total)


def told(lines: Sequence[Line]) -> str:
    """The bill as a table, with its sum."""
    rows = [_row(line) for line in lines]
    known = [line for line in lines if line.calls is not None]
    whole = Line(
        "in all",
        sum(line.rollouts for line in lines),
        most=True,
        calls=math.fsum(line.calls or 0.0 for line in known) if known else None,
        dollars=math.fsum(line.dollars or 0.0 for line in known)
        if known and all(line.dollars is not None for line in known)
        else None,
    )
    rows.append(_row(whole))
    if not known:
        rows.append(f"prices are not known yet; a run such as `{PILOT}` given by --from tells them")
    return "\n".join(rows)


def _row(line: Line) -> str:
    most = "at most " if line.most else ""
    calls = "" if line.calls is None else f", {line.calls:,.0f} model calls"
    dollars = "" if line.dollars is None else f", ${line.dollars:,.2f}"
    return f"{line.stage:<8} {most:>8}{line.rollouts:>7,} rollouts{calls}{dollars}"
