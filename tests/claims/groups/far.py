"""Claims on distance: several machines, what a run's start costs, what a second run pays."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from surveyor.benchmarks.run.config import RunConfig
from surveyor.compose.demo import make_rooms
from surveyor.compose.run import Job, perform
from surveyor.compose.session import reference_experts
from tests.claims.claim import Claim
from tests.claims.far import chaos, nodes

ROOMS = range(8710, 8714)


def measure() -> Iterator[Claim]:
    """Speed rows; about a quarter of an hour on two quiet cores, meaningless on busy ones."""
    with tempfile.TemporaryDirectory(prefix="surveyor-claims-") as name:
        yield from nodes.measure(Path(name))
    with tempfile.TemporaryDirectory(prefix="surveyor-claims-") as name:
        yield from chaos.measure(Path(name))
    with tempfile.TemporaryDirectory(prefix="surveyor-claims-") as name:
        folder = Path(name)
        make_rooms(folder / "rooms", ROOMS)
        config = RunConfig(dataset=str(folder / "rooms"), concurrency=4)
        with reference_experts(folder / "rooms", "perfect", folder / "experts") as endpoints:

            def run(title: str, **more: object) -> float:
                job = Job(
                    folder / "rooms",
                    folder / title,
                    config.changed(**more),
                    endpoints,
                    folder / "cache",
                )
                began = time.perf_counter()
                perform(job)
                return time.perf_counter() - began

            first, second = run("first"), run("second")
            note = f"{first:.1f} s, then {second:.1f} s"
            yield Claim.at_least(
                "second run over the same scenes: times faster", first / second, 5, note
            )
            yield Claim.at_most(
                "a run of one known question, experts up: seconds", run("one", limit=1), 1.5
            )
