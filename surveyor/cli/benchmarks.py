"""`surveyor benchmarks`: what there is to run on, and results on it as one table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def benchmarks(
    names: Annotated[
        str, typer.Argument(help="A suite (easi-8, easi-extra) or names; all when left out.")
    ] = "",
    table: Annotated[
        list[Path] | None, typer.Option(help="A scored run: print its figures. Repeatable.")
    ] = None,
    form: Annotated[str, typer.Option("--as", help="csv, markdown or latex.")] = "markdown",
    profile: Annotated[
        list[str] | None, typer.Option(help="Figures of this profile only. Repeatable.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")] = False,
) -> None:
    """List benchmarks with splits, rows, size, licence and the line that fetches them.

    With --table RUN it prints the figures of scored runs instead, profile by profile.
    """
    if table:
        _print_figures(table, form, profile or [])
        return
    from surveyor.benchmarks.loaders.catalog import CATALOG, SUITES, named

    entries = named(names) if names else tuple(CATALOG.values())
    if json:
        from dataclasses import asdict
        from json import dumps

        rows = [{**asdict(e), "splits": e.splits, "fetch": e.fetch_line()} for e in entries]
        print(dumps(rows, indent=1))
        return
    for entry in entries:
        known = [entry.rows and f"{entry.rows} rows", entry.size, entry.licence]
        print(f"{entry.name:<14}{'; '.join(filter(None, known))}")
        print(f"{'':<14}splits: {', '.join(entry.splits)}")
        print(f"{'':<14}{entry.fetch_line()}")
    for suite, members in SUITES.items() if not names else ():
        print(f"{suite:<14}{', '.join(members)}")
        print(f"{'':<14}surveyor reproduce {suite} --model MODEL --base-url URL")


def _print_figures(runs: list[Path], form: str, profiles: list[str]) -> None:
    from surveyor.benchmarks.report.record import read_report
    from surveyor.benchmarks.report.results_table import figures, written
    from surveyor.memory.runs import RunFolder

    reports = {str(path): read_report(RunFolder.open(path)) for path in runs}
    print(written(list(figures(reports, profiles)), form), end="")
