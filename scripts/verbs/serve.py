"""`surveyor serve`: start, list and stop expert services; record and replay their answers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from services.launch import SupervisorHandle
    from services.status import StatusRow

app = typer.Typer(no_args_is_help=True, help="Start, list and stop expert services.")

STATE = Path("out/experts")
_STATE_HELP = "Where the endpoints file, logs and blobs are."
Suites = Annotated[
    list[Path] | None, typer.Option("--suite", help="A suite whose places reference experts know.")
]
Experts = Annotated[
    list[str] | None,
    typer.Option("--expert", help="Which experts; all that the backend has if none."),
]
Preset = Annotated[str, typer.Option(help="Error model of the reference experts.")]
Backend = Annotated[str, typer.Option(help="What stands behind the experts.")]
State = Annotated[Path, typer.Option(help=_STATE_HELP)]


@app.command()
def up(
    suite: Suites = None,
    expert: Experts = None,
    preset: Preset = "perfect",
    backend: Backend = "reference",
    state: State = STATE,
    host: Annotated[str, typer.Option(help="Address to bind; others need a token.")] = "127.0.0.1",
    token: Annotated[bool, typer.Option(help="Make a token and ask every client for it.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the error model.")] = 0,
    config: Annotated[
        Path | None, typer.Option(help="An experts.toml that says all of this instead.")
    ] = None,
) -> None:
    """Start experts, one process each, and return when each has answered a real request."""
    from services.launch import new_token, up_from_config
    from services.launch import up as launch

    if config is not None:
        _show(up_from_config(config, detached=True))
        return
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
        known_ports=True,
    )
    _show(handle)


@app.command()
def record(
    into: Annotated[Path, typer.Argument(help="Folder that every answer is written to.")],
    suite: Suites = None,
    expert: Experts = None,
    preset: Preset = "perfect",
    backend: Backend = "reference",
    state: State = STATE,
    seed: Annotated[int, typer.Option(help="Seed of the error model.")] = 0,
) -> None:
    """Start experts that keep every answer by its request, for `replay`."""
    from services.launch import up as launch

    names = expert or list(_default_experts(backend))
    handle = launch(
        names, suite or (), preset, state, backend=backend, seed=seed, detached=True, record=into
    )
    _show(handle)


@app.command()
def replay(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="Folder made by `record`.")],
    state: State = STATE,
) -> None:
    """Serve recorded answers without any expert."""
    from services.launch import up as launch
    from services.recording import recorded_experts

    names = recorded_experts(source)
    _show(launch(names, (), "perfect", state, backend="replay", detached=True, recording=source))


@app.command()
def status(state: State = STATE) -> None:
    """Show what every worker does now."""
    from services.status import status as rows

    for row in rows(state / "endpoints.json"):
        print(_line(row))


@app.command()
def down(state: State = STATE) -> None:
    """Stop the experts that were started with the same --state, and nothing else."""
    from services.launch import down as stop

    stop(state / "endpoints.json")
    print("stopped")


@app.command()
def env(
    expert: Annotated[str, typer.Argument(help="Which neural expert.")],
    route: Annotated[str | None, typer.Option(help="Which of its models; the default one.")] = None,
    root: Annotated[Path, typer.Option(help="Folder of the environments.")] = Path("out/envs"),
    pip: Annotated[
        list[str] | None, typer.Option(help="A further argument for every `pip install`.")
    ] = None,
) -> None:
    """Make a Python environment with pinned versions for one neural expert."""
    from services.environments import create, plan_environment

    plan = plan_environment(expert, root.resolve(), route=route, pip=pip or ())
    python = create(plan)
    print(f'python = "{python}"   # for [experts.{expert}] in experts.toml')
    for command in plan.by_hand:
        print(f"still to be installed by you: {command}")


def _default_experts(backend: str) -> tuple[str, ...]:
    from services.registry import experts_of

    return experts_of(backend)


def _show(handle: SupervisorHandle) -> None:
    for endpoint in handle.endpoints.experts:
        print(f"{endpoint.expert:<12} {endpoint.url}  pid {endpoint.pid}")
    print(f"endpoints: {handle.endpoints_file}")


def _line(row: StatusRow) -> str:
    def milliseconds(seconds: float | None) -> str:
        return "-" if seconds is None else f"{seconds * 1e3:.1f} ms"

    def mebibytes(size: int | None) -> str:
        return "-" if size is None else f"{size >> 20} MiB"

    return (
        f"{row.expert:<12} {row.state.value:<10} pid {row.pid:<8} {row.url:<26} {row.device:<7} "
        f"p50 {milliseconds(row.p50)}  p99 {milliseconds(row.p99)}  queue {row.queue or 0}  "
        f"requests {row.requests or 0}  memory {mebibytes(row.memory)}  "
        f"GPU {mebibytes(row.gpu_memory)}  restarts {row.restarts}  up {row.up_for:.0f} s  "
        f"{row.log}"
    )
