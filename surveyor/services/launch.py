"""`up`, `status` and `down`: what the command line and the runner do with experts."""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from pydantic import ValidationError

from surveyor.core.errors import InfrastructureError, UserError
from surveyor.core.workers import python_module
from surveyor.services.config import KNOWN_PORTS, plan_of, read_config
from surveyor.services.contract import Endpoints
from surveyor.services.parent_death import ParentDeathPipe
from surveyor.services.placement import place, present_gpus
from surveyor.services.plan import (
    ExpertPlan,
    LaunchPlan,
    read_endpoints,
    read_memory,
    supervisor_pid,
    write_atomically,
)
from surveyor.services.spawn import environment
from surveyor.services.status import StatusRow, status
from surveyor.services.supervisor import Announcement

__all__ = [
    "StatusRow",
    "SupervisorHandle",
    "down",
    "launch",
    "new_token",
    "planned",
    "planned_from_config",
    "status",
    "up",
    "up_from_config",
]

START_TIMEOUT = 60.0
LOAD_TIMEOUT = 900.0  # with real weights, the first time
_POLL = 0.02


@dataclass(slots=True)
class SupervisorHandle:
    """Running experts. As a context manager it ends them; so does the end of this process,
    unless they were started detached."""

    plan: LaunchPlan
    endpoints: Endpoints
    pid: int
    _process: subprocess.Popen[bytes]
    _parent_death_pipe: ParentDeathPipe | None

    @property
    def endpoints_file(self) -> Path:
        """Where clients find the experts."""
        return self.plan.endpoints_file

    def stop(self) -> None:
        """End the supervisor and its workers; returns when they are gone."""
        with contextlib.suppress(ProcessLookupError):
            self._process.terminate()
        try:
            self._process.wait(self.plan.grace + 5)
        except subprocess.TimeoutExpired:
            self._process.kill()  # its workers go with it: they hold its parent_death_pipe
            self._process.wait()
        if self._parent_death_pipe is not None:
            self._parent_death_pipe.cut()
            self._parent_death_pipe = None

    def __enter__(self) -> SupervisorHandle:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


def up(
    experts: Sequence[str],
    dataset_paths: Sequence[Path],
    preset: str,
    state_dir: Path,
    *,
    backend: str = "reference",
    seed: int = 0,
    host: str = "127.0.0.1",
    token: str | None = None,
    detached: bool = False,
    known_ports: bool = False,
    record: Path | None = None,
    recording: Path | None = None,
    shared: bool = False,
    timeout: float = START_TIMEOUT,
) -> SupervisorHandle:
    """Start ``experts`` and return when each has answered a real request.

    ``state_dir`` gets the endpoints file, logs and blobs. Attached experts end with this process,
    however it ends; ``detached`` ones stay until `down`. ``known_ports`` takes the experts' usual
    ports where they are free. ``record`` is a folder to write every answer to, ``recording`` one
    that the backend ``replay`` answers from. ``shared``: one process for all that need nothing of
    their own, rather than one each; it takes less memory, and restarts as one.
    `UserError` when the operator must mend something, `InfrastructureError` when a worker cannot
    be kept alive.
    """
    plan = planned(
        experts,
        dataset_paths,
        preset,
        state_dir,
        backend=backend,
        seed=seed,
        host=host,
        token=token,
        known_ports=known_ports,
        record=record,
        recording=recording,
        shared=shared,
    )
    return launch(plan, detached=detached, timeout=timeout)


def planned(
    experts: Sequence[str],
    dataset_paths: Sequence[Path],
    preset: str,
    state_dir: Path,
    *,
    backend: str = "reference",
    seed: int = 0,
    host: str = "127.0.0.1",
    token: str | None = None,
    device: str = "cpu",
    known_ports: bool = False,
    record: Path | None = None,
    recording: Path | None = None,
    shared: bool = False,
) -> LaunchPlan:
    """What `up` launches; writes the token's file when there is a ``token``."""
    state_dir = state_dir.resolve()
    return LaunchPlan(
        state_dir=state_dir,
        experts=tuple(
            ExpertPlan(
                expert=name,
                backend=backend,
                device=device,
                port=KNOWN_PORTS.get(name, 0) if known_ports else 0,
                options={"recording": str(recording.resolve())} if recording else {},
            )
            for name in experts
        ),
        datasets=tuple(path.resolve() for path in dataset_paths),
        preset=preset,
        seed=seed,
        host=host,
        token_file=_write_token(state_dir, token) if token else None,
        record=record.resolve() if record else None,
        shared=shared,
    )


def up_from_config(
    path: Path, *, detached: bool = False, timeout: float = LOAD_TIMEOUT
) -> SupervisorHandle:
    """Start what an `experts.toml` asks for; see `surveyor.services.config`."""
    return launch(planned_from_config(path), detached=detached, timeout=timeout)


def planned_from_config(path: Path) -> LaunchPlan:
    """The plan of an `experts.toml`; writes the token's file when it asks for one."""
    config = read_config(path)
    base = path.resolve().parent
    state_dir = (base / config.state).resolve()
    token_file = _write_token(state_dir, new_token()) if config.token else None
    return plan_of(config, base, token_file)


def launch(
    plan: LaunchPlan, *, detached: bool = False, timeout: float = START_TIMEOUT
) -> SupervisorHandle:
    """Carry out a plan; see `up`."""
    plan.check()
    measured = read_memory(plan.memory_file)
    plan = plan.model_copy(update={"experts": place(plan.experts, present_gpus(), measured)})
    if supervisor_pid(plan.lock_file) is not None:
        raise UserError(
            f"experts are already running in {plan.state_dir}; stop them with `surveyor serve down`"
        )
    ours = not plan.state_dir.exists()
    write_atomically(plan.state_dir / "plan.json", plan.model_dump_json(indent=1))
    parent_death_pipe = None if detached else ParentDeathPipe()
    process = _start(plan, parent_death_pipe)
    try:
        _await_announcement(process, plan, timeout)
        endpoints = read_endpoints(plan.endpoints_file)
    except BaseException as error:
        process.terminate()
        process.wait()
        if parent_death_pipe is not None:
            parent_death_pipe.cut()
        if ours and isinstance(error, UserError):  # the sentence is all that its log says
            shutil.rmtree(plan.state_dir, ignore_errors=True)
        raise
    return SupervisorHandle(plan, endpoints, process.pid, process, parent_death_pipe)


def down(endpoints_file: Path, *, timeout: float = 15.0) -> None:
    """End the supervisor that wrote ``endpoints_file``, and with it exactly its own workers."""
    lock = endpoints_file.with_name("supervisor.lock")
    pid = supervisor_pid(lock)
    if pid is None:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            endpoints_file.unlink()
        raise UserError(f"no experts are running in {endpoints_file.parent}")
    os.kill(pid, signal.SIGTERM)
    if _released(lock, timeout):
        return
    os.kill(pid, signal.SIGKILL)
    if not _released(lock, timeout):
        raise InfrastructureError(f"the supervisor {pid} does not end")


def _start(plan: LaunchPlan, parent_death_pipe: ParentDeathPipe | None) -> subprocess.Popen[bytes]:
    plan_file = str(plan.state_dir / "plan.json")
    command = python_module("surveyor.services.supervisor", "--plan", plan_file)
    if parent_death_pipe is not None:
        command += ["--parent-death-pipe", str(parent_death_pipe.child_end)]
    plan.log_dir.mkdir(parents=True, exist_ok=True)
    with (plan.log_dir / "supervisor.log").open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment(),
            pass_fds=() if parent_death_pipe is None else (parent_death_pipe.child_end,),
            start_new_session=True,
        )


def _await_announcement(process: subprocess.Popen[bytes], plan: LaunchPlan, timeout: float) -> None:
    assert process.stdout is not None
    with process.stdout as output:
        readable, _, _ = select.select([output], [], [], timeout)
        line = output.readline() if readable else b""
    try:
        told = Announcement.model_validate_json(line)
    except ValidationError:
        why = "said nothing useful" if readable else f"was not ready within {timeout:g} s"
        raise InfrastructureError(f"the supervisor {why}; see {plan.log_dir}") from None
    if told.error is not None:
        raise (UserError if told.operator else InfrastructureError)(told.error)


def _write_token(state_dir: Path, token: str) -> Path:
    path = state_dir / "token"
    write_atomically(path, token, mode=0o600)
    return path


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(32)


def _released(lock: Path, timeout: float) -> bool:
    until = time.monotonic() + timeout
    while supervisor_pid(lock) is not None:
        if time.monotonic() > until:
            return False
        time.sleep(_POLL)
    return True
