"""What every worker does now: its state from the supervisor, its numbers from itself."""

from __future__ import annotations

import http.client
import os
import time
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict

from surveyor.core.errors import UserError
from surveyor.services.placement import gpu_memory_by_process
from surveyor.services.plan import supervisor_pid
from surveyor.services.supervisor import WorkerStates
from surveyor.services.worker_process import State, WorkerState

_TIMEOUT = 2.0


class StatusRow(BaseModel):
    """One expert as `surveyor serve status` shows it.

    Times in seconds, memory in bytes; None where it cannot be known. ``p50`` and ``p99`` are
    latencies of the last 1,024 requests, ``queue`` the requests that wait.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    expert: str
    backend: str
    state: State
    pid: int
    url: str
    restarts: int
    up_for: float
    log: str
    device: str = "cpu"
    p50: float | None = None
    p99: float | None = None
    queue: int | None = None
    requests: int | None = None
    memory: int | None = None
    gpu_memory: int | None = None


def status(endpoints_file: Path) -> list[StatusRow]:
    """Every worker of the supervisor that wrote ``endpoints_file``; `UserError` when none runs."""
    folder = endpoints_file.parent
    if supervisor_pid(folder / "supervisor.lock") is None:
        raise UserError(f"no experts are running in {folder}; start them with `surveyor serve up`")
    try:
        states = WorkerStates.model_validate_json((folder / "workers.json").read_bytes())
    except FileNotFoundError:
        raise UserError(
            f"the experts in {folder} are still starting, or replicas that Ray looks after: "
            "`ray status` shows those, and their /metrics the numbers of one replica"
        ) from None
    token = folder / "token"
    secret = token.read_text().strip() if token.exists() else None
    on_gpu = gpu_memory_by_process()
    return [_row(worker, secret, on_gpu) for worker in states.workers]


def _row(worker: WorkerState, token: str | None, on_gpu: dict[int, int]) -> StatusRow:
    numbers = _metrics(worker.url, token) if worker.state is State.READY else {}
    queue, count = numbers.get("surveyor_queue_depth"), _answered(numbers)
    return StatusRow(
        **worker.model_dump(exclude={"since"}),
        up_for=time.monotonic() - worker.since,
        p50=numbers.get('surveyor_recent_seconds{quantile="0.5"}') if count else None,
        p99=numbers.get('surveyor_recent_seconds{quantile="0.99"}') if count else None,
        queue=None if queue is None else int(queue),
        requests=count,
        memory=_resident(worker.pid),
        gpu_memory=on_gpu.get(worker.pid),
    )


def _metrics(url: str, token: str | None) -> dict[str, float]:
    """Samples of ``/metrics`` by name and labels; empty when there is no answer in time."""
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=_TIMEOUT)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        connection.request("GET", "/metrics", headers=headers)
        text = connection.getresponse().read().decode()
    except (OSError, http.client.HTTPException):
        return {}
    finally:
        connection.close()
    samples = (line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, value in samples}


def _answered(numbers: dict[str, float]) -> int | None:
    counts = [v for name, v in numbers.items() if name.startswith("surveyor_request_seconds_count")]
    return int(counts[0]) if counts else None


def _resident(pid: int) -> int | None:
    """Resident memory of a process, where the system tells (Linux)."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
