"""`surveyor rooms`: make suites of embedded rooms."""

from __future__ import annotations

import typer

app = typer.Typer(no_args_is_help=True, help="Make and show embedded rooms.")


@app.callback()
def _rooms() -> None:
    pass
