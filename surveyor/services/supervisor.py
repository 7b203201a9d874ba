"""Keeps workers of experts alive: ``python -m surveyor.services.supervisor --plan FILE``.

Every expert has a process of its own, unless the plan says that the light ones share one. Its
listening socket belongs to the supervisor, so its address survives the death of its worker, and
clients that connect meanwhile wait for the next incarnation. Says one line on stdout when every
expert is ready, or why that cannot be; then runs until SIGTERM or the end of its
parent_death_pipe.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict

from surveyor.core.errors import SurveyorError, UserError
from surveyor.core.locks import try_lock
from surveyor.services.blob_gc import trim
from surveyor.services.contract import Endpoints, ExpertEndpoint
from surveyor.services.parent_death import ParentDeathPipe, watch
from surveyor.services.placement import gpu_memory_by_process
from surveyor.services.plan import LaunchPlan, read_memory, write_atomically
from surveyor.services.spawn import ForkServer
from surveyor.services.worker_process import WorkerProcess, WorkerState

_LOG = logging.getLogger(__name__)

MEMORY_PERIOD = 60.0
TIDY_PERIOD = 60.0


class Announcement(BaseModel):
    """The supervisor's one line: no ``error`` means that every expert is ready."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    error: str | None = None
    operator: bool = False


class WorkerStates(BaseModel):
    """The file that `status` reads."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    supervisor: int
    workers: tuple[WorkerState, ...]


class Supervisor:
    """Starts the workers, publishes what they know, ends them in order."""

    def __init__(self, plan: LaunchPlan) -> None:
        self._plan = plan
        self._parent_death_pipe = ParentDeathPipe()
        self._stop = asyncio.Event()
        # One light worker starts as fast alone; several are forked from a common forkserver.
        several = sum(len(them) == 1 and them[0].is_light for them in plan.processes) > 1
        forkserver = ForkServer() if several else None
        self._workers = [
            WorkerProcess(plan, them, self._parent_death_pipe.child_end, forkserver, self._publish)
            for them in plan.processes
        ]

    def stop(self) -> None:
        """Ask for an orderly end."""
        self._stop.set()

    async def run(self) -> None:
        """Until `stop`; raises `UserError` when an expert cannot be started at all."""
        keeping = [asyncio.create_task(worker.run()) for worker in self._workers]
        stopping = asyncio.create_task(self._stop.wait())
        announcing = asyncio.create_task(self._announce_ready())
        tidying = asyncio.create_task(self._keep_tidy())
        try:
            await asyncio.wait({stopping, *keeping}, return_when=asyncio.FIRST_COMPLETED)
            for one in keeping:
                if one.done():
                    one.result()
        finally:
            announcing.cancel()
            tidying.cancel()
            stopping.cancel()
            await self._end(keeping)

    async def _announce_ready(self) -> None:
        for worker in self._workers:
            await worker.ready.wait()
        _announce(Announcement())
        await self._note_memory()

    async def _keep_tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_PERIOD)
            freed = await asyncio.to_thread(trim, self._plan.blob_dir, self._plan.blob_quota)
            if freed:
                _LOG.info("removed %d bytes of old blobs", freed)

    async def _note_memory(self) -> None:
        """Write down what each worker has taken of its GPU, now and then the largest so far."""
        largest = read_memory(self._plan.memory_file)
        while any(state.device.startswith("cuda") for state in self._states()):
            used = await asyncio.to_thread(gpu_memory_by_process)
            for state in self._states():
                largest[state.expert] = max(largest.get(state.expert, 0), used.get(state.pid, 0))
            write_atomically(self._plan.memory_file, json.dumps(largest))
            await asyncio.sleep(MEMORY_PERIOD)

    async def _end(self, keeping: list[asyncio.Task[None]]) -> None:
        self._plan.endpoints_file.unlink(missing_ok=True)
        await asyncio.gather(*(worker.stop() for worker in self._workers))
        for task in keeping:
            task.cancel()
        await asyncio.gather(*keeping, return_exceptions=True)
        self._plan.workers_file.unlink(missing_ok=True)

    def _states(self) -> tuple[WorkerState, ...]:
        return tuple(state for worker in self._workers for state in worker.states)

    def _publish(self) -> None:
        """Write both files; called whenever a worker's state changes."""
        if self._stop.is_set():
            return
        states = self._states()
        me = os.getpid()
        told = WorkerStates(supervisor=me, workers=states)
        write_atomically(self._plan.workers_file, told.model_dump_json(indent=1))
        if all(worker.ready.is_set() for worker in self._workers):
            token = self._plan.token_file
            endpoints = Endpoints(
                supervisor=me,
                experts=tuple(
                    ExpertEndpoint(expert=s.expert, url=s.url, pid=s.pid, backend=s.backend)
                    for s in states
                ),
                token_file=str(token) if token else None,
            )
            write_atomically(self._plan.endpoints_file, endpoints.model_dump_json(indent=1))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a plan; the process's exit code."""
    parser = argparse.ArgumentParser(prog="surveyor.services.supervisor")
    parser.add_argument("--plan", type=Path, required=True)
    parser.add_argument("--parent-death-pipe", type=int)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    plan = LaunchPlan.model_validate_json(given.plan.read_bytes())
    try:
        with locked(plan.lock_file):
            asyncio.run(_main(plan, given.parent_death_pipe))
    except SurveyorError as error:
        _LOG.error("%s", error)
        operator = isinstance(error, UserError)
        _announce(Announcement(error=str(error), operator=operator))
        return 2 if operator else 1
    return 0


async def _main(plan: LaunchPlan, parent_death_pipe: int | None) -> None:
    supervisor = Supervisor(plan)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.stop)
    if parent_death_pipe is not None:
        watch(parent_death_pipe, lambda: _from_thread(loop, supervisor))
    await supervisor.run()


def _from_thread(loop: asyncio.AbstractEventLoop, supervisor: Supervisor) -> None:
    loop.call_soon_threadsafe(supervisor.stop)


def locked(path: Path) -> IO[str]:
    """Hold the lock for as long as the returned file is open; it ends with the process."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a+")
    try:
        if not try_lock(file.fileno(), path):
            raise UserError(
                f"experts are already running in {path.parent}; stop them with "
                "`surveyor serve down`"
            )
    except UserError:
        file.close()
        raise
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return file


def _announce(line: Announcement) -> None:
    """One line to whoever started this process; a starter that is gone is nobody's fault."""
    try:
        os.write(1, line.model_dump_json().encode() + b"\n")
    except OSError as error:
        _LOG.warning("nobody reads the announcement: %s", error)


if __name__ == "__main__":
    sys.exit(main())
