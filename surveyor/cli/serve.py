"""`surveyor serve`: start, list and stop expert services; record and replay their answers."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from surveyor.cli.verbs import Verbs

if TYPE_CHECKING:
    from surveyor.services.cluster import ClusterHandle
    from surveyor.services.launch import SupervisorHandle
    from surveyor.services.plan import ExpertPlan, LaunchPlan
    from surveyor.services.status import StatusRow

app = typer.Typer(cls=Verbs, no_args_is_help=True, help="Start, list and stop expert services.")

STATE = Path("out/experts")
ENVS = Path("out/envs")
_STATE_HELP = "Where the endpoints file, logs and blobs are."
Datasets = Annotated[
    list[Path] | None,
    typer.Option("--dataset", help="A dataset whose places reference experts know."),
]
Experts = Annotated[
    list[str] | None,
    typer.Option("--expert", help="Which experts; all that the backend has if none."),
]
Preset = Annotated[str, typer.Option(help="Error model of the reference experts.")]
Backend = Annotated[str, typer.Option(help="What stands behind the experts.")]
Weights = Annotated[
    Path | None, typer.Option(help="Start neural experts on the checkpoints found in this folder.")
]
State = Annotated[Path, typer.Option(help=_STATE_HELP)]


class ServingEngine(StrEnum):
    """What runs the experts."""

    LOCAL = "local"
    RAY = "ray"


@app.command()
def up(
    dataset: Datasets = None,
    expert: Experts = None,
    preset: Preset = "perfect",
    backend: Backend = "reference",
    state: State = STATE,
    host: Annotated[str, typer.Option(help="Address to bind; others need a token.")] = "127.0.0.1",
    token: Annotated[bool, typer.Option(help="Make a token and ask every client for it.")] = False,
    seed: Annotated[int, typer.Option(help="Seed of the error model.")] = 0,
    device: Annotated[
        str | None,
        typer.Option(help="auto (a GPU where there is room), cpu or cuda:N; auto for neural ones."),
    ] = None,
    weights: Weights = None,
    config: Annotated[
        Path | None, typer.Option(help="An experts.toml that says all of this instead.")
    ] = None,
    engine: Annotated[
        ServingEngine, typer.Option(help="local: processes here; ray: replicas, until Ctrl-C.")
    ] = ServingEngine.LOCAL,
    gpus: Annotated[float, typer.Option(min=0, help="ray: share of a GPU for each replica.")] = 0,
    replicas: Annotated[int, typer.Option(min=1, help="ray: replicas of each expert.")] = 1,
    most: Annotated[
        int | None, typer.Option("--max-replicas", help="ray: grow to so many under load.")
    ] = None,
) -> None:
    """Start experts, one process each, and return when each has answered a real request."""
    from surveyor.services.launch import (
        LOAD_TIMEOUT,
        START_TIMEOUT,
        launch,
        new_token,
        planned,
        planned_from_config,
    )

    chosen = _found(weights, expert or (), device, config) if weights else ()
    if config is not None:
        plan = planned_from_config(config)
    else:
        plan = planned(
            [one.expert for one in chosen] or expert or list(_default_experts(backend)),
            dataset or (),
            preset,
            state,
            backend=backend,
            seed=seed,
            host=host,
            token=new_token() if token else None,
            device=device
            or ("auto" if engine is ServingEngine.RAY or backend == "neural" else "cpu"),
            known_ports=True,
        )
    plan = _with(chosen, plan)
    if engine is ServingEngine.RAY:
        _up_on_ray(plan, gpus, replicas, most)
    else:
        patience = LOAD_TIMEOUT if config or chosen else START_TIMEOUT
        _show(launch(plan, detached=True, timeout=patience))


@app.command()
def record(
    into: Annotated[Path, typer.Argument(help="Folder that every answer is written to.")],
    dataset: Datasets = None,
    expert: Experts = None,
    preset: Preset = "perfect",
    backend: Backend = "reference",
    state: State = STATE,
    seed: Annotated[int, typer.Option(help="Seed of the error model.")] = 0,
) -> None:
    """Start experts that keep every answer by its request, for `replay`."""
    from surveyor.services.launch import up as launch

    names = expert or list(_default_experts(backend))
    handle = launch(
        names, dataset or (), preset, state, backend=backend, seed=seed, detached=True, record=into
    )
    _show(handle)


@app.command()
def replay(
    source: Annotated[Path, typer.Argument(metavar="FROM", help="Folder made by `record`.")],
    state: State = STATE,
) -> None:
    """Serve recorded answers without any expert."""
    from surveyor.services.launch import up as launch
    from surveyor.services.recording import recorded_experts

    names = recorded_experts(source)
    _show(launch(names, (), "perfect", state, backend="replay", detached=True, recording=source))


@app.command()
def status(state: State = STATE) -> None:
    """Show what every worker does now."""
    from surveyor.services.status import status as rows

    for row in rows(state / "endpoints.json"):
        print(_line(row))


@app.command()
def url(
    expert: Annotated[str, typer.Argument(help="Which expert.")],
    state: State = STATE,
) -> None:
    """Print the address of a running expert, for curl."""
    from surveyor.core.errors import ServiceUnavailable, UserError
    from surveyor.services.plan import read_endpoints
    from surveyor.tools.endpoints import url_of

    running = read_endpoints(state / "endpoints.json")
    try:
        print(url_of(running, expert))
    except ServiceUnavailable as error:  # a name that was typed wrong is the user's to mend
        raise UserError(str(error)) from None


@app.command()
def down(state: State = STATE) -> None:
    """Stop the experts that were started with the same --state, and nothing else."""
    from surveyor.services.launch import down as stop

    stop(state / "endpoints.json")
    print("stopped")


@app.command()
def env(
    expert: Annotated[str, typer.Argument(help="Which neural expert.")],
    route: Annotated[str | None, typer.Option(help="Which of its models; the default one.")] = None,
    root: Annotated[Path, typer.Option(help="Folder of the environments.")] = ENVS,
    pip: Annotated[
        list[str] | None, typer.Option(help="A further argument for every `pip install`.")
    ] = None,
) -> None:
    """Make a Python environment with pinned versions for one neural expert."""
    from surveyor.services.environments import create, plan_environment

    plan = plan_environment(expert, root.resolve(), route=route, pip=pip or ())
    python = create(plan)
    print(f'python = "{python}"   # for [experts.{expert}] in experts.toml')
    for command in plan.by_hand:
        print(f"still to be installed by you: {command}")


@app.command()
def setup(
    expert: Experts = None,
    route: Annotated[
        list[str] | None, typer.Option(help="EXPERT=ROUTE: another of an expert's models.")
    ] = None,
    state: State = STATE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Fetch without asking.")] = False,
) -> None:
    """Show neural weights' sizes and licences, fetch them, place them on GPUs, start them."""
    from surveyor.core.errors import UserError
    from surveyor.services.neural import setting_up as up
    from surveyor.services.neural.found_weights import expert_plans
    from surveyor.services.placement import present_gpus
    from surveyor.services.plan import read_memory

    pairs = [text.partition("=") for text in route or ()]
    if wrong := [name for name, equals, value in pairs if not (equals and value)]:
        raise UserError(f"--route is written EXPERT=ROUTE, as detect=owlv2, not {wrong[0]!r}")
    wanted = up.needs(expert or (), {name: value for name, _, value in pairs})
    gpus = present_gpus()
    for line in up.told(wanted, gpus, up.placed(wanted, gpus, read_memory(state / "memory.json"))):
        print(line, flush=True)
    missing = any(one.at is None and not one.by_hand for one in wanted)
    if dry_run or (missing and not (yes or typer.confirm("fetch these and start them?"))):
        return
    chosen, left = expert_plans(up.fetched(wanted), ENVS.resolve(), device="auto")
    for one in left:
        print(f"cannot start  {one.path}: {one.why}")
    if not chosen:
        raise UserError("no expert can start: the lines above say why")
    _start(up.declared(chosen, wanted), state)


@app.command()
def check(
    expert: Annotated[str, typer.Argument(help="Which running expert; depth is the one so far.")],
    truth: Annotated[Path, typer.Argument(help="Folder of the measured pair; see docs/real.md.")],
    state: State = STATE,
) -> None:
    """Judge a running expert on a real place with measured truth, beside trivial answers."""
    from surveyor.compose.depth_check import check_depth
    from surveyor.core.errors import UserError

    if expert != "depth":
        raise UserError(f"only depth can be checked so far, not {expert!r}")
    for line in check_depth(truth, state / "endpoints.json"):
        print(line)


def _start(chosen: Sequence[ExpertPlan], state: Path) -> None:
    from surveyor.services.launch import LOAD_TIMEOUT, launch, planned

    names = [one.expert for one in chosen]
    plan = planned(names, (), "perfect", state, backend="neural", known_ports=True)
    _show(launch(_with(chosen, plan), detached=True, timeout=LOAD_TIMEOUT))


def _with(chosen: Sequence[ExpertPlan], plan: LaunchPlan) -> LaunchPlan:
    """The plan with what was found in place of its experts of the same names."""
    found = {one.expert: one for one in chosen}
    experts = (
        found.get(one.expert, one).model_copy(update={"port": one.port}) for one in plan.experts
    )
    return plan.model_copy(update={"experts": tuple(experts)})


def _found(
    folder: Path, wanted: Sequence[str], device: str | None, config: Path | None
) -> tuple[ExpertPlan, ...]:
    """Experts on the checkpoints of a folder, after telling what is there and what is not."""
    from surveyor.core.errors import UserError
    from surveyor.services.neural.found_weights import expert_plans, survey

    if config is not None:
        raise UserError("--weights and --config both say what to start; give one of them")
    told = survey(folder)
    for line in told.lines():
        print(line, flush=True)
    plans, left = expert_plans(told, ENVS.resolve(), only=tuple(wanted), device=device or "auto")
    for one in left:
        print(f"cannot start  {one.path}: {one.why}")
    if not plans:
        which = f" as {', '.join(wanted)}" if wanted else ""
        raise UserError(f"nothing in {folder} can be served{which}: the lines above say why")
    return plans


def _up_on_ray(plan: LaunchPlan, gpus: float, replicas: int, most: int | None) -> None:
    """Deploy on a cluster and stay until Ctrl-C or `down`; Serve's replicas end with us."""
    import signal

    from surveyor.core.errors import UserError
    from surveyor.services.cluster import Scaling, deploy

    if most is not None and most < replicas:
        raise UserError(f"--max-replicas {most} is less than --replicas {replicas}")
    try:
        with deploy(plan, Scaling(gpus=gpus, replicas=replicas, most=most)) as handle:
            # Ray has put its own handler there, which calls being stopped a failure.
            signal.signal(signal.SIGTERM, _interrupt)
            _show(handle)
            while True:
                signal.pause()
    except KeyboardInterrupt:
        print("stopped")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _default_experts(backend: str) -> tuple[str, ...]:
    from surveyor.services.registry import experts_of

    return experts_of(backend)


def _show(handle: SupervisorHandle | ClusterHandle) -> None:
    for endpoint in handle.endpoints.experts:
        print(f"{endpoint.expert:<12} {endpoint.url}  pid {endpoint.pid}")
    print(f"endpoints: {handle.endpoints_file}", flush=True)


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
