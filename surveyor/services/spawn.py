"""Two ways to start a worker process.

`alone`: a new interpreter, for adapters with an environment, a GPU or libraries of their own.
`ForkServer`: a fork of one process that has imported the serving code already; several light
workers then start in the time of one, restart at once, and share the memory of what they imported.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import socket
import sys
from dataclasses import dataclass
from multiprocessing import reduction
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Protocol

from surveyor.core.workers import python_module
from surveyor.services.plan import ExpertPlan
from surveyor.services.worker import forked

_PRELOADED = [
    "uvicorn",
    "surveyor.services.app",
    "surveyor.services.registry",
    "surveyor.services.reference.detect",
]


@dataclass(frozen=True, slots=True)
class Birth:
    """What a worker is given: its experts and their listening sockets (in the same order), the
    plan file, the parent_death_pipe and the log."""

    experts: tuple[ExpertPlan, ...]
    sockets: tuple[socket.socket, ...]
    plan_file: Path
    parent_death_pipe: int
    log: Path


class ChildProcess(Protocol):
    """A running worker; the shape of `asyncio.subprocess.Process`."""

    @property
    def pid(self) -> int:
        """Process id."""
        ...

    @property
    def returncode(self) -> int | None:
        """Exit code, or None while it runs."""
        ...

    async def wait(self) -> int:
        """Wait for its end; the exit code."""
        ...

    def terminate(self) -> None:
        """SIGTERM."""
        ...

    def kill(self) -> None:
        """SIGKILL."""
        ...


async def alone(birth: Birth) -> ChildProcess:
    """A worker in a new interpreter."""
    first = birth.experts[0]
    names = [one.expert for one in birth.experts]
    descriptors = [one.fileno() for one in birth.sockets]
    python = str(first.python) if first.python else None
    command = python_module("surveyor.services.worker", *names, python=python)
    command += ["--plan", str(birth.plan_file), "--sockets", *map(str, descriptors)]
    command += ["--parent-death-pipe", str(birth.parent_death_pipe)]
    with birth.log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=environment(first.threads, first.device),
            pass_fds=(*descriptors, birth.parent_death_pipe),
        )


class ForkServer:
    """Forks light workers of one expert each; its own process starts with the first of them."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["__main__", *_PRELOADED])
        self._one_at_a_time = asyncio.Lock()

    async def spawn(self, birth: Birth) -> ChildProcess:
        """A forked worker."""
        async with self._one_at_a_time:
            return Forked(await asyncio.to_thread(self._start, birth))

    def _start(self, birth: Birth) -> BaseProcess:
        process = self._context.Process(
            target=_forked,
            args=(birth.experts[0].expert, birth.plan_file, birth.sockets[0], birth.log),
            kwargs={"parent_death_pipe": _Descriptor(birth.parent_death_pipe)},
            # Ended with the supervisor rather than waited for, should it fail unexpectedly.
            daemon=True,
        )
        process.start()
        return process


class _Descriptor:
    """A file descriptor that finds its way into a forked worker."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> tuple[Any, ...]:
        return _received, (reduction.DupFd(self.number),)


def _received(sent: Any) -> _Descriptor:
    return _Descriptor(sent.detach())


def _forked(
    expert: str,
    plan_file: Path,
    listening: socket.socket,
    log: Path,
    parent_death_pipe: _Descriptor,
) -> None:
    """In the fork: speak into the log, then be a worker like any other."""
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    sys.exit(forked([expert], plan_file, [listening.detach()], parent_death_pipe.number))


class Forked:
    """A forked worker seen from the supervisor."""

    def __init__(self, process: BaseProcess) -> None:
        assert process.pid is not None
        self.pid: int = process.pid
        self._process = process
        self._ended = asyncio.get_running_loop().create_task(self._watch())

    @property
    def returncode(self) -> int | None:
        """Exit code, or None while it runs."""
        return self._ended.result() if self._ended.done() else None

    async def wait(self) -> int:
        """Wait for its end; the exit code."""
        return await asyncio.shield(self._ended)

    def terminate(self) -> None:
        """SIGTERM."""
        os.kill(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        os.kill(self.pid, signal.SIGKILL)

    async def _watch(self) -> int:
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        loop.add_reader(self._process.sentinel, ended.set)
        try:
            await ended.wait()
        finally:
            loop.remove_reader(self._process.sentinel)
        self._process.join()
        code = self._process.exitcode
        if code == 255:  # the forkserver itself is gone and cannot tell: make sure
            with contextlib.suppress(ProcessLookupError):
                self.kill()
        return 1 if code is None else code


def environment(threads: int = 1, device: str = "cpu") -> dict[str, str]:
    """The environment of our processes: this code is importable, numeric libraries use few
    threads."""
    root = str(Path(__file__).resolve().parents[2])
    path = os.environ.get("PYTHONPATH")
    gpu = device.removeprefix("cuda:") if device.startswith("cuda:") else None
    return {
        **os.environ,
        "PYTHONPATH": root if not path else os.pathsep.join((root, path)),
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        **({"CUDA_VISIBLE_DEVICES": gpu} if gpu else {}),
    }
