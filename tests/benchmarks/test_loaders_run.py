"""A loaded dataset goes through a run, and is scored in the groups of its benchmark."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyor.agent.planner import PlannerInput, Turn
from surveyor.agent.scripted import Play
from surveyor.benchmarks.loaders.frames import FrameRule
from surveyor.benchmarks.loaders.registry import loader_named
from surveyor.benchmarks.scoring import score_run
from surveyor.core.dataset import Dataset
from surveyor.core.tasks import Task
from surveyor.scenes.datasets.truth import targets
from surveyor.scenes.formats.registry import export_dataset
from tests.benchmarks.bench import make_dataset, play
from tests.benchmarks.published import download


def first(task: Task, brief: PlannerInput) -> Play:
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
    source, out = download(name, tmp_path), tmp_path / "dataset"
    manifest = loader_named(name).load(source, out, frames=FrameRule.parse("uniform:2"))
    folder, _ = play(tmp_path / "run", Dataset.open(out), script=first)
    report = score_run(folder, out, str(manifest.settings["metric"]))
    assert report.groups == groups
    assert [row.question_type for row in report.types] == types
    assert report.overall.value == pytest.approx(overall)


def test_an_exported_dataset_comes_back_as_it_was(tmp_path: Path) -> None:
    made = make_dataset(tmp_path / "made", scenes=("living",))
    export_dataset(made.path, tmp_path / "exported", "vsibench")
    loader = loader_named("vsi-bench")
    loader.load(tmp_path / "exported", tmp_path / "back", frames=FrameRule())
    back = Dataset.open(tmp_path / "back")
    pairs = list(zip(made.tasks(), back.tasks(), strict=True))
    assert len(pairs) > 20
    for ours, theirs in pairs:
        same = ("scene_id", "question_type", "question", "options", "answer_kind", "unit", "frames")
        assert [getattr(ours, name) for name in same] == [getattr(theirs, name) for name in same]
    answers = [[target.answer for target in targets(dataset.path)] for dataset in (made, back)]
    assert answers[0] == answers[1]
