"""`surveyor rerun`: the same plans with another expert in one of their steps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def rerun(
    run: Annotated[Path, typer.Argument(help="A finished run; to swap, one of the program's.")],
    swap: Annotated[
        list[str] | None,
        typer.Option(help="EXPERT=WHO: an address, an endpoints file, boxes or a recording."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the new run.")] = None,
    experts: Annotated[
        Path | None, typer.Option(help="Endpoints file of the experts that are not swapped.")
    ] = None,
    trust: Annotated[
        bool, typer.Option("--trust", help="Start the MCP servers that the run names.")
    ] = False,
) -> None:
    """Take a finished run's decisions again, or replace an expert under its plans.

    Without --swap every recorded decision is taken again, by whatever planner it was; no model is
    asked, every expert is asked anew, and any result or answer that differs is said (exit code 1).
    With --swap every plan stays as it was, byte for byte, and what does not rest on the expert is
    taken from the cache. Both write a new run.
    """
    if not swap:
        from surveyor.compose.replay import replay_and_tell

        if any(one.first for one in replay_and_tell(run, out, experts, trusted=trust)):
            raise typer.Exit(1)
        return
    from surveyor.compose.rerun import Swaps, rerun_and_tell

    rerun_and_tell(run, Swaps.read(swap), out, experts, trusted=trust)
