"""Servers to measure: our app with the fake model, and the plain peer, each its own process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from surveyor.services.launch import SupervisorHandle, launch
from surveyor.services.plan import ExpertPlan, LaunchPlan
from surveyor.services.settings import Batching
from tests.claims.experts.http_client import wait_until


@dataclass(frozen=True, slots=True)
class Served:
    """A running server."""

    port: int
    pid: int


def fake_plan(state_dir: Path, batching: Batching | None = None, **options: str) -> LaunchPlan:
    """One supervised fake depth expert."""
    expert = ExpertPlan(
        expert="depth", backend="tests.claims.experts.fake_model:FakeDepth", options=options
    )
    return LaunchPlan(state_dir=state_dir, experts=(expert,), batching=batching or Batching())


def served(handle: SupervisorHandle) -> Served:
    """Where the only expert of a handle answers."""
    endpoint = handle.endpoints.experts[0]
    return Served(int(endpoint.url.rpartition(":")[2]), endpoint.pid)


@contextmanager
def ours(folder: Path, batching: Batching | None = None, **options: str) -> Iterator[Served]:
    """Our serving with the fake model behind it."""
    with launch(fake_plan(folder / "ours", batching, **options)) as handle:
        yield served(handle)


@contextmanager
def peer(folder: Path, arrays: str = "json") -> Iterator[Served]:
    """The plain server with the same fake model; ``arrays`` as `tests.claims.experts.plain_server`
    has it."""
    port_file = folder / f"peer-{arrays}.port"
    root = str(Path(__file__).resolve().parents[3])
    command = [sys.executable, "-m", "tests.claims.experts.plain_server"]
    command += ["--port-file", str(port_file), "--arrays", arrays]
    process = subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": root},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(
            lambda: port_file.exists() and bool(port_file.read_text()), 20, "the peer's start"
        )
        yield Served(int(port_file.read_text()), process.pid)
    finally:
        process.terminate()
        process.wait()
