"""The cluster engine: the same apps under Ray Serve, for fractions of GPUs and many machines.

Each expert is one Serve application below its own prefix; a replica runs the app of `build_app`
with its own batcher, and starts to take requests when it has answered a real one. Ray decides where
replicas live and how many there are; guards, batching, errors and metrics are the app's own.

Everything comes from `ray`, an extra; it is imported when something is deployed.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

from pydantic import BaseModel, ConfigDict, Field, model_validator

from surveyor.core.errors import InfrastructureError, UserError
from surveyor.services.contract import Endpoints, ExpertEndpoint
from surveyor.services.guards import App, Receive, Scope, Send
from surveyor.services.placement import AUTO
from surveyor.services.plan import ExpertPlan, LaunchPlan, write_atomically
from surveyor.services.settings import Settings
from surveyor.services.supervisor import locked

if TYPE_CHECKING:
    from fastapi import FastAPI

PORT = 8000  # of the cluster's HTTP proxy, when it is free
LOAD_TIMEOUT = 900.0
_POLL = 0.1
_ANSWER = 10.0
_CANNOT_LOAD = "cannot load: "
_OBJECTS = 100 << 20  # bytes; Ray's least is 75 MiB, and Serve passes nothing large through it


class Scaling(BaseModel):
    """How much one replica gets and how many there are.

    ``gpus`` and ``cpus`` are shares that Ray keeps account of; they limit nobody: what shares a GPU
    must fit into its memory together. With ``most`` above ``replicas`` their number follows
    the load, at ``ongoing`` requests for each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    gpus: float = Field(default=0, ge=0)
    cpus: float = Field(default=0.1, ge=0)
    replicas: int = Field(default=1, ge=1)
    most: int | None = Field(default=None, ge=1)
    ongoing: float = Field(default=8, gt=0)

    @model_validator(mode="after")
    def _ordered(self) -> Scaling:
        if self.most is not None and self.most < self.replicas:
            raise ValueError(f"at most {self.most} replicas, but {self.replicas} to begin with")
        return self


class Replica:
    """What Serve makes a deployment of; ``app`` is what the factory built in its process."""

    app: FastAPI

    async def check_health(self) -> None:
        """Serve replaces a replica for which this raises, and reports what is raised at its start
        (of a startup that fails it reports nothing)."""
        service = self.app.state.service
        if service.failure is not None:
            raise RuntimeError(f"{_CANNOT_LOAD}{service.failure}")
        if service.stuck:
            raise RuntimeError("a batch hangs in the model")


class Mounted:
    """Hides the prefix that Serve leaves in the path, so that guards and metrics see the app's
    own routes; ``root_path`` keeps it for the links of the documentation page."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        prefix = scope.get("root_path", "")
        path = scope.get("path", "")
        if prefix and path.startswith(prefix + "/"):
            scope = {**scope, "path": path[len(prefix) :]}
        await self._app(scope, receive, send)


@dataclass(frozen=True, slots=True)
class ClusterHandle:
    """Deployed experts. As a context manager it withdraws them, and ends Ray where it was
    started for them."""

    plan: LaunchPlan
    endpoints: Endpoints
    _undo: ExitStack

    @property
    def endpoints_file(self) -> Path:
        """Where clients find the experts."""
        return self.plan.endpoints_file

    def stop(self) -> None:
        """Withdraw these experts and nothing else."""
        self._undo.close()

    def __enter__(self) -> ClusterHandle:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def deploy(
    plan: LaunchPlan,
    scaling: Scaling | Mapping[str, Scaling],
    *,
    address: str | None = None,
    port: int = PORT,
    timeout: float = LOAD_TIMEOUT,
) -> ClusterHandle:
    """Deploy the experts of ``plan`` and return when each has answered a real request.

    ``scaling`` is for all experts or by expert. ``address`` is the cluster's, by default that of
    ``RAY_ADDRESS``; without either Ray is started on this machine. The HTTP proxy is on the
    cluster's head, which is where this should run. The plan's ``state_dir`` holds the blobs, so
    replicas on other machines need it at the same path.
    `UserError` when the operator must mend something, `InfrastructureError` when the cluster fails.
    """
    plan.check()
    own = [one.expert for one in plan.experts if one.python is not None]
    if own:
        raise UserError(f"a replica runs in the cluster's own environment: drop python of {own[0]}")
    with ExitStack() as stack:
        stack.enter_context(locked(plan.lock_file))
        stack.enter_context(_connected(address or os.environ.get("RAY_ADDRESS")))
        base = _proxy(plan.host, port)
        stack.enter_context(_applications(plan, scaling, timeout))
        endpoints = _endpoints(plan, base)
        _check_reachable(endpoints)
        stack.callback(plan.endpoints_file.unlink, missing_ok=True)
        write_atomically(plan.endpoints_file, endpoints.model_dump_json(indent=1))
        return ClusterHandle(plan, endpoints, stack.pop_all())


def replica_app(one: ExpertPlan, settings: Settings) -> FastAPI:
    """The app of one replica. Loading has ended when its startup has, well or badly (which
    `Replica.check_health` tells): Serve sends requests only to replicas that can answer."""
    from surveyor.services.app import build_app
    from surveyor.services.registry import make_expert

    app = build_app(make_expert(one.expert, one.backend), settings)
    inner, service = app.router.lifespan_context, app.state.service

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with inner(app):
            await service.loaded()
            yield

    app.router.lifespan_context = lifespan
    app.add_middleware(Mounted)
    return app


@contextmanager
def _connected(address: str | None) -> Iterator[None]:
    """Joined to a cluster, or to one of our own that ends with us."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
        from ray import serve
    except ImportError:
        raise UserError("the cluster engine needs Ray: pip install '.[ray]'") from None
    options: dict[str, Any] = {"log_to_driver": False, "configure_logging": False}
    if address is None:
        options |= {"object_store_memory": _OBJECTS, "include_dashboard": False}
    try:
        ray.init(address=address, **options)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise UserError(f"Ray cannot be joined at {address or 'this machine'}: {error}") from error
    try:
        yield
    finally:
        if address is None:
            serve.shutdown()
        ray.shutdown()


def _proxy(host: str, port: int) -> str:
    """Start the HTTP proxy, at any port where ``port`` is taken; its address."""
    from ray import serve

    if not serve.status().proxies:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind((host, port))
            if probe.getsockname()[1] == 0:
                probe.bind((host, 0))
            port = probe.getsockname()[1]
        serve.start(proxy_location="HeadOnly", http_options={"host": host, "port": port})
    return f"http://{host}:{port}"


@contextmanager
def _applications(
    plan: LaunchPlan, scaling: Scaling | Mapping[str, Scaling], timeout: float
) -> Iterator[None]:
    from ray import serve

    names = [_name(one) for one in plan.experts]
    taken = sorted(set(names) & set(serve.status().applications))
    if taken:
        raise UserError(f"{taken[0]} runs on this cluster already; stop it first")
    try:
        serve.run_many(
            [_target(plan, one, scaling) for one in plan.experts],
            wait_for_applications_running=False,
        )
        _await_running(names, timeout)
        yield
    finally:
        for name in names:
            serve.delete(name)


def _target(
    plan: LaunchPlan, one: ExpertPlan, scaling: Scaling | Mapping[str, Scaling]
) -> Any:  # a RunTarget; Ray is not there when this is type-checked
    from ray import serve

    scale = scaling if isinstance(scaling, Scaling) else scaling.get(one.expert, Scaling())
    settings = plan.settings(one.expert)
    if one.device == AUTO:
        settings = settings.model_copy(update={"device": "cuda:0" if scale.gpus else "cpu"})
    # The app refuses what its queue cannot hold, with Retry-After; Serve must not queue before it.
    options: dict[str, Any] = {"max_ongoing_requests": 2 * plan.batching.queue + 32}
    if scale.most is None or scale.most == scale.replicas:
        options["num_replicas"] = scale.replicas
    else:
        options["autoscaling_config"] = {
            "min_replicas": scale.replicas,
            "max_replicas": scale.most,
            "target_ongoing_requests": scale.ongoing,
        }
    source = Path(__file__).resolve().parents[2]
    deployment = serve.deployment(
        serve.ingress(lambda: replica_app(one, settings))(Replica),
        name=one.expert,
        graceful_shutdown_timeout_s=plan.grace,
        graceful_shutdown_wait_loop_s=0.2,
        ray_actor_options={
            "num_gpus": scale.gpus,
            "num_cpus": scale.cpus,
            "runtime_env": {
                "env_vars": {"PYTHONPATH": str(source), "OMP_NUM_THREADS": str(one.threads)}
            },
        },
        **options,
    )
    return serve.RunTarget(deployment.bind(), name=_name(one), route_prefix=f"/{one.expert}")


def _await_running(names: list[str], timeout: float) -> None:
    from ray import serve

    until = time.monotonic() + timeout
    while True:
        known = serve.status().applications
        told = {name: known[name] for name in names}
        if all(one.status == "RUNNING" for one in told.values()):
            return
        for name, one in told.items():
            if one.status in ("DEPLOY_FAILED", "UNHEALTHY"):
                raise InfrastructureError(f"{name} cannot start: {_why(one)}")
            if one.status != "RUNNING" and time.monotonic() > until:
                raise InfrastructureError(f"{name} is not ready in {timeout:g} s: {_why(one)}")
        time.sleep(_POLL)


def _why(application: Any) -> str:
    parts = [application.message, *(one.message for one in application.deployments.values())]
    text = " ".join(part for part in parts if part) or "Ray does not say why; is there room?"
    # The expert's own sentence, where there is one in Ray's account with its traces.
    return text.rpartition(_CANNOT_LOAD)[2].strip().split("\n")[0] if _CANNOT_LOAD in text else text


def _check_reachable(endpoints: Endpoints) -> None:
    """A Serve that ran before keeps the port that it has."""
    for one in endpoints.experts:
        try:
            with urlopen(f"{one.url}/readyz", timeout=_ANSWER):
                pass
        except OSError as error:
            raise InfrastructureError(
                f"{one.expert} runs but does not answer at {one.url} ({error}): run this on the "
                "cluster's head, with the port of the Serve that is there"
            ) from error


def _endpoints(plan: LaunchPlan, base: str) -> Endpoints:
    me = os.getpid()
    return Endpoints(
        supervisor=me,
        experts=tuple(
            ExpertEndpoint(
                expert=one.expert, url=f"{base}/{one.expert}", pid=me, backend=one.backend
            )
            for one in plan.experts
        ),
        token_file=str(plan.token_file) if plan.token_file else None,
    )


def _name(one: ExpertPlan) -> str:
    return f"surveyor-{one.expert}"
