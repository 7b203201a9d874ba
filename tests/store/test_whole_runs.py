"""Whole runs with a shared store: killed in their middle, and made by commands on several nodes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from surveyor.benchmarks.corruption_effect import answers
from surveyor.benchmarks.report.record import read_report
from surveyor.benchmarks.scoring import score_run
from surveyor.core.dataset import Dataset
from surveyor.memory.events import EpisodeStatus
from surveyor.memory.runs import RunFolder
from surveyor.services.launch import SupervisorHandle
from tests.claims.runner.crash_tests import integrity, interrupt_at, statuses
from tests.faults.conftest import command, dataset, experts, total, untouched
from tests.support.object_server import SECRET, ObjectServer

__all__ = ["dataset", "experts", "total", "untouched"]


def test_a_store_killed_in_mid_run_loses_nothing(
    server: ObjectServer,
    tmp_path: Path,
    dataset: Dataset,
    experts: SupervisorHandle,
    untouched: RunFolder,
    total: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    run = tmp_path / "r"
    more = ("--concurrency", "1", "--store", "s3://lab/killed")
    session = command(dataset, run, experts.endpoints_file, *more)
    try:
        cut = interrupt_at(session, run, 5, lambda child: server.kill())
    finally:
        server.kill()
        server.start()  # empty: all that it held is lost as well
    assert cut.returncode == 3
    folder = RunFolder.open(run)
    before = statuses(folder)
    assert before[EpisodeStatus.ANSWERED] >= 5
    assert before[EpisodeStatus.INCOMPLETE] >= 1
    assert sum(before.values()) == total
    assert any(b"s3://lab/killed" in p.read_bytes() for p in (run / "episodes").iterdir())
    assert interrupt_at(session, run, None).returncode == 0
    report = score_run(folder, dataset.path)
    assert (report.tally.scored, report.tally.incomplete) == (total, 0)
    checked = integrity(folder, untouched)
    assert checked.faults == 0, checked
    assert answers(folder) == answers(untouched)


def test_two_nodes_run_parts_and_a_third_merges_them(
    server: ObjectServer,
    tmp_path: Path,
    dataset: Dataset,
    experts: SupervisorHandle,
) -> None:
    def surveyor(node: str, *arguments: str) -> str:
        cwd = tmp_path / node
        cwd.mkdir(exist_ok=True)
        known = {**os.environ, **server.environment, "SURVEYOR_CACHE": str(cwd / "cache")}
        done = subprocess.run(
            [sys.executable, "-m", "surveyor.cli.main", *arguments],
            cwd=cwd,
            env={**known, "PYTHONPATH": str(Path(__file__).parents[2])},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    common = ("run", str(dataset.path), "--experts", str(experts.endpoints_file))
    shared = ("--store", "s3://lab/nodes")
    told = [
        surveyor(node, *common, *shared, "--out", f"one.{index}", "--shard", f"{index}/2")
        for node, index in (("a", 1), ("b", 2))
    ]
    urls = [f"s3://lab/nodes/runs/one.{index}" for index in (1, 2)]
    for text, url in zip(told, urls, strict=True):
        assert f"shared: {url}" in text
    surveyor("c", "merge", "one", *urls)
    surveyor("c", *common, "--out", "whole")
    surveyor("c", "store", "push", "one", "s3://lab/nodes")
    surveyor("d", "store", "pull", "s3://lab/nodes/runs/one", "pulled")
    merged, whole, pulled = (
        RunFolder.open(tmp_path / name) for name in ("c/one", "c/whole", "d/pulled")
    )
    assert read_report(merged).overall == read_report(whole).overall
    assert answers(merged) == answers(whole) == answers(pulled)
    assert not read_report(RunFolder.open(tmp_path / "b" / "one.2")).tally.incomplete
    written = [p for p in tmp_path.rglob("*") if p.is_file() and SECRET.encode() in p.read_bytes()]
    assert not written, "no secret is in a run or a cache"
