"""`surveyor proofs`: measure the project's claims and print each beside its bound."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from dataclasses import asdict
from typing import Annotated

import typer

from memory.claims import Claim

app = typer.Typer()


@app.command()
def proofs(
    group: Annotated[str, typer.Argument(help="A group of claims, or all.")] = "all",
    json: Annotated[
        bool, typer.Option("--json", help="Print one JSON array instead of a table.")
    ] = False,
) -> None:
    """Measure claims and print name, value, bound and whether the value is within it.

    Nothing is asserted: a row that misses its bound is printed like any other.
    """
    from scripts.proofs.groups import APART, GROUPS, measure

    rows: list[Claim] = []
    told = sys.stdout
    for name in [g for g in GROUPS if g not in APART] if group == "all" else [group]:
        with redirect_stdout(sys.stderr):  # what is measured may talk; the rows stand alone
            for row in measure(name):
                rows.append(row)
                if not json:
                    print(_line(row), file=told, flush=True)
    if json:
        import orjson

        print(orjson.dumps([asdict(row) for row in rows], option=orjson.OPT_INDENT_2).decode())
    else:
        passed = sum(row.ok for row in rows)
        print(f"{passed} of {len(rows)} within bounds")


def _line(row: Claim) -> str:
    value = f"{row.value:.4g}" if isinstance(row.value, float) else str(row.value)
    mark = "ok  " if row.ok else "MISS"
    note = f"   {row.note}" if row.note else ""
    return f"{mark} {row.name:<62} {value:>12}   {row.bound:<12}{note}"
