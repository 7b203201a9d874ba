"""A loaded suite goes through a run, and is scored in the groups of its benchmark."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent.planner import Brief, Turn
from agent.scripted import Play
from benchmarks.loaders.frames import FrameRule
from benchmarks.loaders.registry import loader_named
from benchmarks.scoring import score_run
from scenes.suite import Suite
from scenes.tasks import Task
from tests.benchmarks.bench import play
from tests.benchmarks.published import download


def first(task: Task, brief: Brief) -> Play:
    """Take the first option, or say that there is nothing."""
    yield Turn(answer="(A)" if task.options else "[]")


@pytest.mark.parametrize(
    ("name", "groups", "types", "overall"),
    [
        ("cv-bench-3d", {"Omni3D": 50, "3D": 50}, ["Omni3D"], 50),
        (
            "multi3drefer",
            {"mt": 0, "zt_wo_d": 100, "st_wo_d": 0},
            ["mt", "st_wo_d", "zt_wo_d"],
            100 / 3,
        ),
    ],
)
def test_a_run_is_scored_in_the_published_groups(
    name: str, groups: dict[str, float], types: list[str], overall: float, tmp_path: Path
) -> None:
    source, out = download(name, tmp_path), tmp_path / "suite"
    manifest = loader_named(name).load(source, out, frames=FrameRule.parse("uniform:2"))
    folder, _ = play(tmp_path / "run", Suite.open(out), script=first)
    report = score_run(folder, out, str(manifest.settings["metric"]))
    assert report.groups == groups
    assert [row.question_type for row in report.types] == types
    assert report.overall.value == pytest.approx(overall)
