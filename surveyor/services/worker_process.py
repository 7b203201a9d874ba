"""The life of one worker process: start, wait until ready, watch, restart with backoff, stop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from surveyor.core.errors import InfrastructureError, UserError
from surveyor.services.plan import LOOPBACK, ExpertPlan, LaunchPlan
from surveyor.services.spawn import Birth, ChildProcess, ForkServer, alone
from surveyor.services.worker import OPERATOR

_LOG = logging.getLogger(__name__)

READY_POLL = 0.05
HEALTH_TIMEOUT = 5.0
HEALTH_FAILURES = 3
FIRST_BACKOFF, LAST_BACKOFF = 0.2, 10.0
STABLE = 30.0  # seconds after which a worker's earlier deaths are forgiven
KEEP_LOGS = 20


class State(StrEnum):
    """Where a worker is in its life."""

    STARTING = "starting"
    READY = "ready"
    RESTARTING = "restarting"
    STOPPED = "stopped"


class WorkerState(BaseModel):
    """What `status` shows of one expert's worker; ``since`` is when it last changed, on this
    machine's monotonic clock, which no correction of the time of day moves."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    expert: str
    backend: str
    state: State
    pid: int
    url: str
    restarts: int
    since: float
    log: str
    device: str = "cpu"


class WorkerProcess:
    """Owns the listening sockets of some experts, mostly one, and the process that serves them.

    They live and die together: a process is ready when all of its experts are, and is replaced
    when one of them stops answering.
    """

    def __init__(
        self,
        plan: LaunchPlan,
        experts: tuple[ExpertPlan, ...],
        parent_death_pipe: int,
        forkserver: ForkServer | None,
        changed: Callable[[], None],
    ) -> None:
        self._plan = plan
        self._experts = experts
        self._parent_death_pipe = parent_death_pipe
        self._forkserver = forkserver
        self._changed = changed
        self._sockets = tuple(_listen(plan.host, one.port) for one in experts)
        self._process: ChildProcess | None = None
        self._stopping = False
        self.ready = asyncio.Event()
        host = plan.host if plan.host in LOOPBACK else "127.0.0.1"
        self._addresses = [(host, one.getsockname()[1]) for one in self._sockets]
        bracketed = f"[{host}]" if ":" in host else host
        self.states = tuple(
            WorkerState(
                expert=one.expert,
                backend=one.backend,
                state=State.STARTING,
                pid=0,
                url=f"http://{bracketed}:{port}",
                restarts=0,
                since=time.monotonic(),
                log="",
                device=one.device,
            )
            for one, (_, port) in zip(experts, self._addresses, strict=True)
        )

    @property
    def _name(self) -> str:
        return self._experts[0].expert if len(self._experts) == 1 else "shared"

    @property
    def _restarts(self) -> int:
        return self.states[0].restarts

    async def run(self) -> None:
        """Keep the worker alive; raises `UserError` when it says that the operator must act
        before it was ever ready."""
        backoff = FIRST_BACKOFF
        while True:
            process, log = await self._spawn()
            began = time.monotonic()
            watching = asyncio.create_task(self._watch(process))
            code = await process.wait()
            watching.cancel()
            if self._stopping:
                return
            _LOG.warning("%s (pid %d) ended with %s", self._name, process.pid, code)
            if code == OPERATOR and not self.ready.is_set():
                raise UserError(_last_line(log))
            if not self.ready.is_set() and self._restarts >= 2:
                names = ", ".join(one.expert for one in self._experts)
                raise InfrastructureError(
                    f"the expert {names} ended {self._restarts + 1} times before it was ready "
                    f"({_last_line(log)}); its log is {log}"
                )
            if time.monotonic() - began > STABLE:
                backoff = FIRST_BACKOFF
            self._set(State.RESTARTING, restarts=self._restarts + 1)
            await asyncio.sleep(backoff)
            backoff = min(2 * backoff, LAST_BACKOFF)

    async def stop(self) -> None:
        """SIGTERM, wait for requests to finish, then SIGKILL."""
        self._stopping = True
        for listening in self._sockets:
            listening.close()
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), self._plan.grace)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()

    async def _spawn(self) -> tuple[ChildProcess, Path]:
        log = _next_log(self._plan.log_dir, self._name)
        plan_file = self._plan.state_dir / "plan.json"
        birth = Birth(self._experts, self._sockets, plan_file, self._parent_death_pipe, log)
        if self._forkserver is not None and len(self._experts) == 1 and self._experts[0].is_light:
            process = await self._forkserver.spawn(birth)
        else:
            process = await alone(birth)
        self._process = process
        self._set(State.STARTING, pid=process.pid, log=str(log))
        return process, log

    async def _watch(self, process: ChildProcess) -> None:
        """Announce readiness, then end a worker that stops answering: `run` replaces it."""
        while not await self._all_say("/readyz"):  # noqa: ASYNC110 - in a process
            await asyncio.sleep(READY_POLL)
        self.ready.set()
        self._set(State.READY)
        failures = 0
        while failures < HEALTH_FAILURES:
            await asyncio.sleep(self._plan.health_period)
            failures = 0 if await self._all_say("/healthz") else failures + 1
        if self._stopping:
            return
        _LOG.error("%s does not answer; it is ended and started again", self._name)
        with contextlib.suppress(ProcessLookupError):
            process.kill()

    async def _all_say(self, path: str) -> bool:
        """Whether every expert of the process answers this GET with success."""
        told = await asyncio.gather(*(_status(address, path) for address in self._addresses))
        return all(status == 200 for status in told)

    def _set(self, state: State, **changes: object) -> None:
        update = {"state": state, "since": time.monotonic(), **changes}
        self.states = tuple(one.model_copy(update=update) for one in self.states)
        self._changed()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for wanted in dict.fromkeys((port, 0)):
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((host, wanted))
            listening.listen(1024)
        except OSError as error:
            listening.close()
            _LOG.warning("port %d of %s cannot be had: %s", wanted, host, error)
            continue
        return listening
    raise UserError(f"cannot listen on {host}; give an address of this machine")


async def _status(address: tuple[str, int], path: str) -> int | None:
    """HTTP status of a GET, or None when there was no answer in time."""
    try:
        return await asyncio.wait_for(_get(address, path), HEALTH_TIMEOUT)
    except (OSError, TimeoutError, ValueError, IndexError):
        return None


async def _get(address: tuple[str, int], path: str) -> int:
    reader, writer = await asyncio.open_connection(*address)
    try:
        request = f"GET {path} HTTP/1.1\r\nHost: {address[0]}\r\nConnection: close\r\n\r\n"
        writer.write(request.encode())
        line = await reader.readline()
        return int(line.split()[1])
    finally:
        writer.close()


def _next_log(folder: Path, expert: str) -> Path:
    """A new file for each incarnation; the oldest are removed."""
    folder.mkdir(parents=True, exist_ok=True)
    old = sorted(folder.glob(f"{expert}.*.log"))
    number = int(old[-1].name.split(".")[1]) + 1 if old else 0
    for path in old[: max(0, len(old) - KEEP_LOGS + 1)]:
        path.unlink(missing_ok=True)
    return folder / f"{expert}.{number:05d}.log"


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    last = lines[-1] if lines else f"see {log}"
    _, _, sentence = last.partition(" ERROR worker ")
    return sentence or last
