"""`surveyor serve`: start, list and stop expert services."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Start, list and stop expert services.")

STATE = Path("out/experts")
_STATE_HELP = "Where the endpoints file, logs and blobs are."


@app.command()
def up(
    suite: Annotated[
        list[Path] | None, typer.Option(help="A suite whose places reference experts know.")
    ] = None,
    expert: Annotated[
        list[str] | None, typer.Option(help="Which experts; all that the backend has if none.")
    ] = None,
    preset: Annotated[str, typer.Option(help="Error model of the reference experts.")] = "perfect",
    backend: Annotated[str, typer.Option(help="What stands behind the experts.")] = "reference",
    state: Annotated[Path, typer.Option(help=_STATE_HELP)] = STATE,
    host: Annotated[str, typer.Option(help="Address to bind; others need a token.")] = "127.0.0.1",
    token: Annotated[bool, typer.Option(help="Make a token and ask every client for it.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the error model.")] = 0,
) -> None:
    """Start experts, one process each, and return when each has answered a real request."""
    from services.launch import new_token
    from services.launch import up as launch

    handle = launch(
        expert or list(_default_experts(backend)),
        suite or (),
        preset,
        state,
        backend=backend,
        seed=seed,
        host=host,
        token=new_token() if token else None,
        detached=True,
    )
    for endpoint in handle.endpoints.experts:
        print(f"{endpoint.expert:<12} {endpoint.url}  pid {endpoint.pid}")
    print(f"endpoints: {handle.endpoints_file}")


@app.command()
def status(state: Annotated[Path, typer.Option(help=_STATE_HELP)] = STATE) -> None:
    """Show what every worker does now."""
    from services.launch import status as rows

    for row in rows(state / "endpoints.json"):
        print(
            f"{row.expert:<12} {row.state.value:<9} pid {row.pid:<8} {row.url:<26} "
            f"restarts {row.restarts}  up {row.up_for:.0f} s  {row.log}"
        )


@app.command()
def down(state: Annotated[Path, typer.Option(help=_STATE_HELP)] = STATE) -> None:
    """Stop the experts that were started with the same --state, and nothing else."""
    from services.launch import down as stop

    stop(state / "endpoints.json")
    print("stopped")


def _default_experts(backend: str) -> tuple[str, ...]:
    from services.registry import experts_of

    return experts_of(backend)
