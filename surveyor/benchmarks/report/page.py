"""``report.html``: one file without anything from outside, for one run or several side by side."""

from __future__ import annotations

import base64
import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

from surveyor.benchmarks.compare import RunComparison, compare, in_words
from surveyor.benchmarks.report.examples import Example, examples
from surveyor.benchmarks.report.lines import Lines, lines
from surveyor.benchmarks.report.record import (
    BY_CONSTRUCTION,
    Estimate,
    RunReport,
    Spend,
    read_report,
)
from surveyor.benchmarks.run.progress import clock_text
from surveyor.core.blobs import BlobStore
from surveyor.memory.manifest import Manifest
from surveyor.memory.runs import RunFolder

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES: Final = Path(__file__).parent / "templates"
LEAST_SCENES: Final = 5
"""Scenes below which no interval is shown: resampling three rooms says little of a fourth."""
COLOURS = ("var(--run-0)", "var(--run-1)", "var(--run-2)", "var(--run-3)")


@dataclass(frozen=True, slots=True)
class RunView:
    """One run on the page."""

    name: str
    colour: str
    report: RunReport
    manifest: Manifest
    config: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One run's score on one question type."""

    colour: str
    run: str
    score: Estimate
    n: int
    spend: Spend
    scenes: int


@dataclass(frozen=True, slots=True)
class TypeView:
    """One question type over all runs. ``chance`` and ``constant`` (always the commonest right
    answer) are scores, 0..100, where every question has options."""

    name: str
    bars: tuple[Bar, ...]
    chance: float | None = None
    constant: float | None = None


def write_page(
    folders: Sequence[RunFolder], stores: Sequence[BlobStore] = (), title: str = ""
) -> str:
    """Write ``report.html`` and ``report.csv`` into the first folder; return the page's text.

    ``stores`` are where frames may be found. Raises `UserError` for a run without scores.
    """
    text = render_page(folders, stores, title)
    folders[0].write("report.html", text.encode())
    folders[0].write("report.csv", table(folders).encode())
    return text


def table(folders: Sequence[RunFolder]) -> str:
    """The scores by question type as CSV, the overall ones last; empty where there is no interval.

    Names that a spreadsheet would take for a formula get an apostrophe.
    """
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["run", "type", "scheduled", "scored", "score", "low", "high", "guesses"])
    for folder in folders:
        report = read_report(folder)
        rows = [(r.question_type, r.tally, r.score, r.guesses.n) for r in report.types]
        for name, tally, score, guesses in (
            *rows,
            ("overall", report.tally, report.overall, report.guesses.n),
        ):
            names = [_plain(folder.record.id), _plain(name)]
            writer.writerow(
                [*names, tally.scheduled, tally.scored, score.value, score.low, score.high, guesses]
            )
    return out.getvalue()


def _plain(name: str) -> str:
    return f"'{name}" if name[:1] in "=+-@\t\r" else name


def render_page(
    folders: Sequence[RunFolder], stores: Sequence[BlobStore] = (), title: str = ""
) -> str:
    """The page's text."""
    runs = tuple(_view(folder, place) for place, folder in enumerate(folders))
    shown: tuple[Example, ...] = examples(folders, stores)
    from markupsafe import Markup

    environment = _environment()
    style = environment.get_template("report.css").render()
    return environment.get_template("report.html.j2").render(
        style=Markup(style),  # ours, and the only one that the policy lets in
        policy=policy(style),
        title=title or " · ".join(run.name for run in runs),
        runs=runs,
        types=_types(runs, lines(folders[0])),
        least_scenes=LEAST_SCENES,
        paired=_paired(folders),
        examples=shown,
        by_construction=BY_CONSTRUCTION.get(runs[0].report.dataset, ""),
        reference=any(run.report.reference for run in runs),
        tables=[run.name for run in runs if run.report.table],
    )


def _view(folder: RunFolder, place: int) -> RunView:
    record = folder.record
    settings = {key: value for key, value in record.config.items() if value not in (None, "", {})}
    return RunView(
        name=record.id,
        colour=COLOURS[place % len(COLOURS)],
        report=read_report(folder),
        manifest=record.manifest,
        config="\n".join(f"{key} = {in_words(value)}" for key, value in settings.items()),
    )


def _paired(folders: Sequence[RunFolder]) -> RunComparison | None:
    """Two runs of the same scorer, task by task."""
    if len(folders) != 2:
        return None
    scorers = {(r.metric, r.metric_version, r.profile) for r in map(read_report, folders)}
    return compare(folders[0], folders[1]) if len(scorers) == 1 else None


def _types(runs: Sequence[RunView], marks: Mapping[str, Lines]) -> tuple[TypeView, ...]:
    names = dict.fromkeys(row.question_type for run in runs for row in run.report.types)
    return tuple(
        TypeView(
            name,
            tuple(
                Bar(
                    run.colour,
                    run.name,
                    row.score,
                    row.tally.scheduled,
                    row.spend,
                    row.scenes or run.report.scenes,
                )
                for run in runs
                for row in run.report.types
                if row.question_type == name
            ),
            *marks.get(name, (None, None)),
        )
        for name in sorted(names)
    )


def policy(style: str) -> str:
    """What the page may do: show itself and the pictures in it. Whatever a model or a question
    wrote into it runs nothing and asks nobody."""
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return (
        "default-src 'none'; img-src data:; "
        f"style-src-elem 'sha256-{digest}'; style-src-attr 'unsafe-inline'; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("surveyor.benchmarks.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "readable": readable,
        "score": lambda value: f"{value:.1f}",
        "duration": duration,
        "share": lambda value: "–" if value is None else f"{100 * value:.0f} %",
        "signed": lambda value: f"{value:+.1f}".replace("-", "−"),
        "each": lambda value: f"{value:.1f}",
        "cm": lambda metres: f"{100 * metres:.1f}",
    }
    return environment


def readable(question_type: str) -> str:
    """``object_rel_direction_easy`` is ``relative direction, easy``."""
    words = question_type.removeprefix("object_").removeprefix("obj_").split("_")
    level = words.pop() if words[-1] in ("easy", "medium", "hard") else ""
    full = {"rel": "relative", "abs": "absolute"}
    name = " ".join(full.get(word, word) for word in words).removesuffix(" estimation")
    return f"{name}, {level}" if level else name


def duration(seconds: float) -> str:
    """Seconds in the unit that reads best."""
    if seconds < 1:
        return f"{1000 * seconds:.0f} ms"
    return f"{seconds:.1f} s" if seconds < 90 else clock_text(seconds)
