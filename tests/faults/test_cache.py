"""A second run over the same scenes asks no expert anything."""

from __future__ import annotations

from pathlib import Path

from benchmarks.survival import answers, cache_use, interrupt_at
from memory.runs import RunFolder
from scenes.suite import Suite
from services.launch import SupervisorHandle
from tests.faults.conftest import command


def test_a_second_run_makes_no_expert_call(
    tmp_path: Path, suite: Suite, experts: SupervisorHandle
) -> None:
    took = []
    for name in ("first", "second"):
        session = command(
            suite, tmp_path / name, experts.endpoints_file, "--cache", str(tmp_path / "cache")
        )
        took.append(interrupt_at(session, tmp_path / name, None).seconds)
    first, second = (RunFolder.open(tmp_path / name) for name in ("first", "second"))
    used = cache_use(first, second, (took[0], took[1]))
    assert (used.first_calls, used.second_calls) == (len(suite.manifest.scenes), 0)
    assert answers(first) == answers(second)
