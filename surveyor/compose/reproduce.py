"""A suite of benchmarks from one request: datasets found or fetched, runs, one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from surveyor.benchmarks.loaders.catalog import Listed, named
from surveyor.benchmarks.loaders.frames import FrameRule
from surveyor.benchmarks.loaders.hub import fetch
from surveyor.benchmarks.loaders.registry import loader_named
from surveyor.benchmarks.report.record import RunReport, read_report
from surveyor.benchmarks.report.results_table import ENDINGS, figures, written
from surveyor.benchmarks.run.config import Baseline
from surveyor.compose.configuration import configured
from surveyor.compose.run import default_cache
from surveyor.compose.session import Request, carry_out
from surveyor.core.dataset import MANIFEST
from surveyor.core.errors import InfrastructureError, UserError
from surveyor.core.wording import many
from surveyor.memory.runs import RunFolder

_DEFAULTS: Final[Mapping[str, object]] = {"planner": "chat", "baseline": Baseline.NO_TOOLS}


@dataclass(frozen=True, slots=True)
class ReproductionPlan:
    """What was asked for; ``typed`` are options of a run, which go over those of a suite."""

    suite: str
    datasets: Path
    out: Path
    fetch: bool = False
    experts: Path | None = None
    typed: Mapping[str, object] = field(default_factory=dict)


def carry_out_suite(plan: ReproductionPlan) -> str:
    """Run every benchmark of the suite, write the tables into ``out``, and return the Markdown one.

    The tables are written anew after every run. Raises `UserError` before the first run when
    datasets are missing, naming the line that fetches each, and `InfrastructureError` at the end
    when runs stayed incomplete.
    """
    entries = named(plan.suite)
    _complete(plan, entries)
    reports: dict[str, RunReport] = {}
    incomplete: list[str] = []
    for entry in entries:
        place = plan.out / entry.name
        try:
            _, reports[str(place)] = carry_out(_request(plan, entry, place))
        except InfrastructureError as error:
            incomplete.append(f"{entry.name}: {error}")
            if (place / "report.json").exists():
                reports[str(place)] = read_report(RunFolder.open(place))
        rows = list(figures(reports))
        for form, ending in ENDINGS.items():
            (plan.out / f"table.{ending}").write_text(written(rows, form), encoding="utf-8")
    if incomplete:
        raise InfrastructureError(
            f"{len(incomplete)} of {many(len(entries), 'run')} left incomplete ({incomplete[0]}); "
            "run the same command again to complete them"
        )
    return written(rows, "markdown")


def _request(plan: ReproductionPlan, entry: Listed, place: Path) -> Request:
    defaults = dict(_DEFAULTS)
    if plan.experts is not None:
        defaults["baseline"] = Baseline.ALL
    typed = {**defaults, **plan.typed, "dataset": str(plan.datasets / entry.name)}
    if typed["planner"] == "chat":
        given = typed.get("planner_options")
        options = dict(given) if isinstance(given, Mapping) else {}
        typed["planner_options"] = {"profile": "easi", **options}
    typed["expert_options"] = {}
    return Request(configured(None, None, typed), endpoints=plan.experts, out=place)


def _complete(plan: ReproductionPlan, entries: Sequence[Listed]) -> None:
    """Every dataset in its place, fetched where that was asked for."""
    missing = [e for e in entries if not (plan.datasets / e.name / MANIFEST).is_file()]
    if missing and not plan.fetch:
        lines = "\n".join(f"  {e.fetch_line(str(plan.datasets / e.name))}" for e in missing)
        raise UserError(
            f"{len(missing)} datasets are not in {plan.datasets}; make them (or add --fetch):\n"
            f"{lines}"
        )
    for entry in missing:
        if not entry.hub:
            raise UserError(f"{entry.name} is not on the hub; {entry.fetch_line()}")
        source = fetch(entry.name, entry.hub, None, default_cache())
        rule = FrameRule.parse(entry.frames)
        place = plan.datasets / entry.name
        loader_named(entry.name).load(source, place, split=entry.split, frames=rule)
