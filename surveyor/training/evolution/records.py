"""What evolution is told and what it reports."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from surveyor.core.wording import many
from surveyor.skills.gate import Comparison, GateSettings
from surveyor.skills.provenance import digest
from surveyor.skills.workflow import PLAIN, Workflow
from surveyor.training.evolution.exploration import ExploreSettings, Rung


class EvolveSettings(BaseModel):
    """``price``: score points (0..1) that one priced second must pay for, everywhere the same.
    ``gate_share``: share of the rooms that judge, divided among the rounds so that every gate has
    fresh ones. ``builtin``: start from the builtin skills instead of nothing. ``default``: how the
    planner looks where no skill applies."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rounds: int = Field(default=1, ge=1)
    price: float = Field(default=0.015, ge=0)
    gate_share: float = Field(default=0.6, gt=0, lt=1)
    seed: int = 0
    builtin: bool = False
    default: Workflow = PLAIN
    space: tuple[Workflow, ...] = ()
    explore: ExploreSettings = ExploreSettings()
    gate: GateSettings = GateSettings()

    def consistent(self) -> EvolveSettings:
        """The same price in every part."""
        return self.model_copy(update={"gate": self.gate.model_copy(update={"price": self.price})})


class Plan(BaseModel):
    """Which rooms teach, rung by rung, and which judge, round by round; drawn once."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rungs: tuple[tuple[str, ...], ...]
    gates: tuple[tuple[str, ...], ...]


class Verdict(BaseModel):
    """What the gate said about one change of the library."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    skill: str
    version: str
    action: str
    comparison: Comparison


class RoundReport(BaseModel):
    """One round. ``rungs`` is the learning curve of exploration. ``utility`` and its parts are
    means over the teaching tasks with the library *as it entered the round*, ``plain`` and ``best``
    those of the planner's default and of the best arm: progress to watch, not a result."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    round: int
    played: int
    incomplete: int
    findings: int
    verdicts: tuple[Verdict, ...]
    active: int
    utility: float
    score: float
    cost: float
    plain: float
    best: float
    rungs: tuple[Rung, ...] = ()

    def count(self, action: str) -> int:
        """How many verdicts of a kind."""
        return sum(v.action == action for v in self.verdicts)


class EvolveReport(BaseModel):
    """All rounds of one evolution and its last snapshot."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    rounds: tuple[RoundReport, ...]
    snapshot: str


def run_id(
    settings: EvolveSettings, task_ids: tuple[str, ...], behaviour: str, distiller: str
) -> str:
    """Names an evolution by everything that decides its outcome."""
    parts = [settings.model_dump_json(), behaviour, distiller, *sorted(task_ids)]
    return digest(parts)[:16]


def round_line(report: RoundReport, total: int) -> str:
    """One line of progress."""
    judged = next((v.comparison for v in report.verdicts if v.comparison.level > 0), None)
    gate = f"gate: {judged.reason} after {many(judged.rooms, 'room')}; " if judged else ""
    return (
        f"round {report.round}/{total}: {many(report.played, 'rollout')}"
        + (f" ({report.incomplete} incomplete)" if report.incomplete else "")
        + f", {report.findings} findings, {gate}{report.count('promoted')} promoted,"
        f" {report.active} active before; on teaching rooms the library has"
        f" {report.utility:.3f} = {report.score:.3f} at {report.cost:.2f} s, plain"
        f" {report.plain:.3f}, the best arm {report.best:.3f}"
    )


def plot(reports: tuple[RoundReport, ...], width: int = 40) -> str:
    """The learning curve over rungs and rounds, for terminals: utility of the best arm so far."""
    rows = [
        (
            f"round {report.round}, rung {number}, {many(rung.rooms, 'room')}",
            max(rung.utilities.values()),
        )
        for report in reports
        for number, rung in enumerate(report.rungs, start=1)
    ]
    if not rows:
        return ""
    values = [value for _, value in rows]
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    lines = [f"utility of the best arm on teaching rooms, {low:.3f} to {high:.3f}"]
    for name, value in rows:
        bar = "#" * max(1, round(width * (value - low) / span))
        lines.append(f"{name:<28} {value:.3f} {bar}")
    return "\n".join(lines)
