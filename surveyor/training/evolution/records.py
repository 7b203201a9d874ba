"""What evolution is told and what it reports."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from surveyor.skills.distil.findings import FindingSettings
from surveyor.skills.gate import Comparison, GateSettings
from surveyor.skills.provenance import digest
from surveyor.skills.workflow import GUARDED, Workflow
from surveyor.training.evolution.exploration import ExploreSettings


class EvolveSettings(BaseModel):
    """``price``: score points (0..1) that one priced second must pay for, everywhere the same.
    ``gate_share``: share of the rooms held out for the gate. ``candidates``: most candidates a
    round brings to the gate. ``default``: how the planner looks where no skill applies."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rounds: int = Field(default=4, ge=1)
    price: float = Field(default=0.015, ge=0)
    gate_share: float = Field(default=0.5, gt=0, lt=1)
    candidates: int = Field(default=8, ge=1)
    seed: int = 0
    seeds: bool = True
    default: Workflow = GUARDED
    explore: ExploreSettings = ExploreSettings()
    gate: GateSettings = GateSettings()
    finding: FindingSettings = FindingSettings(errors=1.5)

    def consistent(self) -> EvolveSettings:
        """The same price and seed in every part."""
        same = {"price": self.price, "seed": self.seed}
        return self.model_copy(
            update={
                "explore": self.explore.model_copy(update=same),
                "gate": self.gate.model_copy(update=same),
                "finding": self.finding.model_copy(update={"price": self.price}),
            }
        )


class Verdict(BaseModel):
    """What the gate said about one change of the library."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    skill: str
    version: str
    action: str
    comparison: Comparison


class RoundReport(BaseModel):
    """One round. ``utility`` and its parts are means over the exploration tasks that were tried
    with the library *as it entered the round*: progress to watch, not a result."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    round: int
    tried: int
    incomplete: int
    findings: int
    verdicts: tuple[Verdict, ...]
    active: int
    utility: float
    score: float
    cost: float

    def count(self, action: str) -> int:
        """How many verdicts of a kind."""
        return sum(v.action == action for v in self.verdicts)


class EvolveReport(BaseModel):
    """All rounds of one evolution and its last snapshot."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: str
    rounds: tuple[RoundReport, ...]
    snapshot: str


def run_id(settings: EvolveSettings, task_ids: tuple[str, ...], world: str, distiller: str) -> str:
    """Names an evolution by everything that decides its outcome, but not by how long it runs."""
    shape = settings.model_copy(update={"rounds": 1}).model_dump_json()
    return digest([shape, world, distiller, *sorted(task_ids)])[:16]


def round_line(report: RoundReport, total: int) -> str:
    """One line of progress."""
    return (
        f"round {report.round}/{total}: {report.tried} episodes"
        + (f" ({report.incomplete} incomplete)" if report.incomplete else "")
        + f", {report.findings} findings, {report.count('promoted')} promoted,"
        f" {report.count('retired') + report.count('merged')} retired, {report.active} active;"
        f" utility {report.utility:.3f} = {report.score:.3f} at {report.cost:.2f} s"
    )


def plot(reports: tuple[RoundReport, ...], width: int = 40) -> str:
    """A plot of utility by round, for terminals."""
    if not reports:
        return ""
    values = [r.utility for r in reports]
    low, high = min(values), max(values)
    span = (high - low) or 1.0
    lines = [f"utility on exploration rooms, {low:.3f} to {high:.3f}"]
    for report in reports:
        bar = "#" * max(1, round(width * (report.utility - low) / span))
        lines.append(f"{report.round:>3} {report.utility:.3f} {bar}")
    return "\n".join(lines)
