"""Reports as terminal tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from benchmarks.report.record import Estimate, RunReport, Spend, Tally

if TYPE_CHECKING:
    from rich.table import Table

REFERENCE_NOTE = (
    "Answered by reference experts, which know the truth: an upper bound, not a neural result."
)


def show(reports: Mapping[str, RunReport]) -> None:
    """Print runs side by side: a row for each question type, a score column for each run."""
    from rich.console import Console

    console = Console()
    console.print(comparison(reports))
    if any(report.reference for report in reports.values()):
        console.print(REFERENCE_NOTE, style="dim", highlight=False)


def comparison(reports: Mapping[str, RunReport]) -> Table:
    """The table behind `show`."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("question type")
    table.add_column("n", justify="right")
    for name in reports:
        table.add_column(f"{name}\nscore [95 %]", justify="right")
        table.add_column("calls\n/question", justify="right")
        table.add_column("effective", justify="right")
    first = next(iter(reports.values()))
    for index, row in enumerate(first.types):
        cells = [row.question_type, str(row.tally.scheduled)]
        for report in reports.values():
            own = report.types[index]
            cells += [*_numbers(own.score, own.spend)]
        table.add_row(*cells)
    cells = ["overall", str(first.tally.scheduled)]
    for report in reports.values():
        cells += [*_numbers(report.overall, report.spend)]
    table.add_row(*cells, style="bold")
    cells = ["scored/failed/owed", ""]
    for report in reports.values():
        cells += [_counts(report.tally), "", f"{report.wall:.1f} s"]
    table.add_row(*cells)
    return table


def _numbers(score: Estimate, spend: Spend) -> tuple[str, str, str]:
    share = spend.effective_share
    return (
        _estimate(score),
        f"{spend.per_episode(spend.calls):.1f}",
        "" if share is None else f"{100 * share:.0f} %",
    )


def _estimate(score: Estimate) -> str:
    if score.low is None or score.high is None:
        return f"{score.value:.1f}"
    return f"{score.value:.1f} [{score.low:.1f}, {score.high:.1f}]"


def _counts(tally: Tally) -> str:
    return f"{tally.scored}/{tally.failed}/{tally.owed}"
