"""Reports as terminal tables."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING

from surveyor.benchmarks.report.record import (
    BY_CONSTRUCTION,
    GUESSED_NOTE,
    Estimate,
    Guesses,
    RunReport,
    Spend,
)
from surveyor.benchmarks.scorers.outcome_counts import OutcomeCounts

if TYPE_CHECKING:
    from rich.table import Table

    from surveyor.agent.doctor import Diagnosis

REFERENCE_NOTE = (
    "Answered by reference experts, which know the truth: an upper bound, not a neural result."
)

TABLE_NOTE = "the table of objects was offered (`scene`): what was read there was not measured."


def show(reports: Mapping[str, RunReport]) -> None:
    """Print runs side by side: a row for each question type, score and calls for each run."""
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 100)
    console.print(comparison(reports))
    for title, report in reports.items():
        for reason, count in report.failures.items():
            console.print(f"{title}: {count} failed: {reason}", highlight=False)
    for title in (title for title, report in reports.items() if report.guessed_only):
        console.print(f"{title}: {GUESSED_NOTE}", highlight=False)
    if any(report.reference for report in reports.values()):
        console.print(REFERENCE_NOTE, style="dim", highlight=False)
    for title in (title for title, report in reports.items() if report.table):
        console.print(f"{title}: {TABLE_NOTE}", style="dim", highlight=False)
    for dataset in sorted({report.dataset for report in reports.values()} & BY_CONSTRUCTION.keys()):
        console.print(BY_CONSTRUCTION[dataset], style="dim", highlight=False)


def comparison(reports: Mapping[str, RunReport]) -> Table:
    """The table behind `show`; the reports must be about the same dataset."""
    from rich.table import Table

    runs = tuple(reports.values())
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("question type", no_wrap=True)
    table.add_column("n", justify="right")
    for name in reports:
        table.add_column(name, justify="right", no_wrap=True)
    for index, row in enumerate(runs[0].types):
        scores = [_estimate(run.types[index].score) for run in runs]
        table.add_row(row.question_type, str(row.tally.scheduled), *scores)
    total = str(runs[0].tally.scheduled)
    table.add_row("overall [95 %]", total, *(_estimate(r.overall) for r in runs), style="bold")
    for name in runs[0].measures if len(runs[0].measures) > 1 else ():
        table.add_row(f"  {name}", "", *(f"{run.measures.get(name, 0.0):.1f}" for run in runs))
    table.add_row("scored / failed / incomplete", "", *(_counts(run.tally) for run in runs))
    if any(run.guesses.n for run in runs):
        table.add_row("guesses, their score", "", *(_guesses(run.guesses) for run in runs))
    if any(_unread(run) for run in runs):
        table.add_row("unread replies", "", *(f"{_unread(run):.1f} %" for run in runs))
    table.add_row("calls a question, effective", "", *(_calls(run.spend) for run in runs))
    table.add_row("time", "", *(f"{run.wall:.1f} s" for run in runs))
    return table


def _estimate(score: Estimate) -> str:
    if score.low is None or score.high is None:
        return f"{score.value:.1f}"
    return f"{score.value:.1f} [{score.low:.1f}, {score.high:.1f}]"


def _counts(tally: OutcomeCounts) -> str:
    return f"{tally.scored} / {tally.failed} / {tally.incomplete}"


def _guesses(guesses: Guesses) -> str:
    return f"{guesses.n}, {guesses.score:.1f}" if guesses.n else "0"


def _unread(report: RunReport) -> float:
    """The share of replies that the profile's rule could not read, in per cent."""
    return report.unread.get(report.profile, 0.0)


def _calls(spend: Spend) -> str:
    share = spend.effective_share
    calls = f"{spend.per_episode(spend.calls):.1f}"
    return calls if share is None else f"{calls}, {100 * share:.0f} %"


def show_diagnosis(diagnosis: Diagnosis) -> None:
    """Findings, the verdict, and what to put into a run's configuration."""
    for finding in diagnosis.findings:
        print(f"{finding.health.value:<8} {finding.probe:<22} {finding.detail}")
        if finding.advice:
            print(f"{'':<31} {finding.advice}")
    print(f"{diagnosis.model}: {diagnosis.verdict}")
    if diagnosis.settings:
        print(diagnosis.settings)
