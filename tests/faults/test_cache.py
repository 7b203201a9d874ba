"""A second run over the same scenes asks no expert anything."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

from surveyor.benchmarks.corruption_effect import answers
from surveyor.benchmarks.run.config import RunConfig
from surveyor.core.dataset import Dataset
from surveyor.memory.runs import RunFolder
from surveyor.services.launch import SupervisorHandle
from tests.claims.runner.crash_tests import cache_use
from tests.faults.session import session


def test_a_second_run_makes_no_expert_call(
    tmp_path: Path, dataset: Dataset, experts: SupervisorHandle
) -> None:
    config = RunConfig(dataset=str(dataset.path))
    took = []
    for name in ("first", "second"):
        began = time.monotonic()
        asyncio.run(
            session(dataset, tmp_path / name, experts.endpoints_file, tmp_path / "cache", config)
        )
        took.append(time.monotonic() - began)
    first, second = (RunFolder.open(tmp_path / name) for name in ("first", "second"))
    used = cache_use(first, second, (took[0], took[1]))
    assert (used.first_calls, used.second_calls) == (len(dataset.manifest.scenes), 0)
    assert used.speedup > 0
    assert answers(first) == answers(second)
