"""A second run over the same scenes asks no expert anything."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from benchmarks.run.config import RunConfig
from benchmarks.survival import answers, cache_use
from memory.runs import RunFolder
from scenes.suite import Suite
from services.launch import SupervisorHandle
from tests.faults.session import session


def test_a_second_run_makes_no_expert_call(
    tmp_path: Path, suite: Suite, experts: SupervisorHandle
) -> None:
    config = RunConfig(suite=str(suite.path))
    took = []
    for name in ("first", "second"):
        began = time.monotonic()
        asyncio.run(
            session(suite, tmp_path / name, experts.endpoints_file, tmp_path / "cache", config)
        )
        took.append(time.monotonic() - began)
    first, second = (RunFolder.open(tmp_path / name) for name in ("first", "second"))
    used = cache_use(first, second, (took[0], took[1]))
    assert (used.first_calls, used.second_calls) == (len(suite.manifest.scenes), 0)
    assert used.speedup > 0
    assert answers(first) == answers(second)
