"""`surveyor reproduce`: a model on a suite of benchmarks, one run each, and one table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from surveyor.cli.options import with_options
from surveyor.cli.run import GROUPS

app = typer.Typer()


@app.command()
@with_options(*GROUPS)
def reproduce(
    suite: Annotated[
        str, typer.Argument(help="easi-8, easi-extra, or benchmarks as vsi-bench,site.")
    ],
    datasets: Annotated[
        Path, typer.Option(help="Folder of the datasets, each under its benchmark's name.")
    ] = Path("datasets"),
    out: Annotated[Path, typer.Option(help="Folder of the runs and of the table.")] = Path("out"),
    fetch: Annotated[
        bool, typer.Option("--fetch", help="Fetch what is missing from the hub, many GB.")
    ] = False,
    experts: Annotated[
        Path | None, typer.Option(help="Endpoints file, for an agent with tools.")
    ] = None,
    *,
    typed: Mapping[str, Any],
) -> None:
    """Run a suite as its papers do, and write table.csv, table.md and table.tex.

    Chat models without tools and EASI's prompts, unless options say otherwise. The same command
    again resumes what is incomplete.
    """
    from surveyor.compose.reproduce import ReproductionPlan, carry_out_suite

    plan = ReproductionPlan(suite, datasets, out, fetch, experts, typed)
    print(carry_out_suite(plan), end="")
    print(f"tables: {out / 'table.csv'}, table.md, table.tex")
