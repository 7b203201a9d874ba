"""Runs on several benchmarks as one table: CSV, Markdown or LaTeX, each figure by its profile."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final

from surveyor.benchmarks.report.record import RunReport
from surveyor.core.errors import UserError


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: a run's headline under one profile, 0..100, and what it stands on.

    ``low`` and ``high`` belong to the profile that the run was scored by. ``unread`` is the share
    of replies that the profile's rule could not read, ``guessed`` that where the published code
    takes an option all the same, ``differs`` that of rows whose score is not the scored profile's;
    ``planner_guesses`` that of answers that rest on nothing measured.
    """

    benchmark: str
    metric: str
    profile: str
    figure: str
    score: float
    low: float | None
    high: float | None
    rows: int
    failed: int
    incomplete: int
    unread: float
    guessed: float
    differs: float
    planner_guesses: float
    planner: str
    run: str


def figures(reports: Mapping[str, RunReport], profiles: Sequence[str] = ()) -> Iterator[Figure]:
    """A row for every run, by title, under each of ``profiles`` that its metric has, else all."""
    for title, report in reports.items():
        wanted = [name for name in report.profiles if name in profiles] or list(report.profiles)
        for profile in wanted:
            own = profile == report.profile
            n = report.tally.scheduled
            yield Figure(
                benchmark=report.dataset,
                metric=f"{report.metric}@{report.metric_version}",
                profile=profile,
                figure=report.headlines.get(profile, ""),
                score=report.profiles[profile],
                low=report.overall.low if own else None,
                high=report.overall.high if own else None,
                rows=n,
                failed=report.tally.failed,
                incomplete=report.tally.incomplete,
                unread=report.unread.get(profile, 0.0),
                guessed=report.scorer_guessed.get(profile, 0.0),
                differs=report.differ.get(profile, 0.0),
                planner_guesses=100.0 * report.guesses.n / n if n else 0.0,
                planner=report.planner,
                run=title,
            )


def as_csv(rows: Sequence[Figure]) -> str:
    """Every field of every figure."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    names = [field.name for field in fields(Figure)]
    writer.writerow(names)
    for row in rows:
        values = (getattr(row, name) for name in names)
        writer.writerow([f"{v:.2f}" if isinstance(v, float) else v for v in values])
    return out.getvalue()


_HEAD: Final = (
    *("benchmark", "profile", "figure", "score [95 %]", "rows", "failed / incomplete", "unread %"),
    *("guessed %", "differs %", "planner's guesses %", "run"),
)


def as_markdown(rows: Sequence[Figure]) -> str:
    """A pipe table."""
    lines = [_line(_HEAD), "|" + "---|" * len(_HEAD)]
    lines += [_line([cell.replace("|", "\\|") for cell in _cells(row)]) for row in rows]
    return "\n".join(lines) + "\n"


def as_latex(rows: Sequence[Figure]) -> str:
    """A tabular of package booktabs."""
    columns = "lll" + "r" * (len(_HEAD) - 4) + "l"
    body = [f"{' & '.join(map(_escaped, _cells(row)))} \\\\" for row in rows]
    head = f"{' & '.join(map(_escaped, _HEAD))} \\\\"
    return "\n".join(
        (
            f"\\begin{{tabular}}{{{columns}}}",
            *("\\toprule", head, "\\midrule", *body, "\\bottomrule"),
            "\\end{tabular}\n",
        )
    )


FORMATS: Final[Mapping[str, Callable[[Sequence[Figure]], str]]] = {
    "csv": as_csv,
    "markdown": as_markdown,
    "latex": as_latex,
}
ENDINGS: Final = {"csv": "csv", "markdown": "md", "latex": "tex"}


def written(rows: Sequence[Figure], form: str) -> str:
    """The table in a format of `FORMATS`; `UserError` lists them."""
    if form not in FORMATS:
        raise UserError(f"there is no format {form!r} for tables; choose from {', '.join(FORMATS)}")
    return FORMATS[form](rows)


def _cells(row: Figure) -> list[str]:
    interval = "" if row.low is None or row.high is None else f" [{row.low:.1f}, {row.high:.1f}]"
    return [
        row.benchmark,
        row.profile,
        row.figure,
        f"{row.score:.1f}{interval}",
        str(row.rows),
        f"{row.failed} / {row.incomplete}",
        *(f"{share:.1f}" for share in (row.unread, row.guessed, row.differs, row.planner_guesses)),
        row.run,
    ]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


_LATEX: Final = {
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(mark, mark) for mark in text)
