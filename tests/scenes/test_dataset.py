"""Datasets on disk: public and hidden sides, resuming, and folders that are not whole."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from surveyor.core.dataset import Dataset, DatasetManifest
from surveyor.core.errors import UserError
from surveyor.scenes.capture.depth_maps import FrameMaps, decode_maps, encode_maps
from surveyor.scenes.datasets import truth as dataset_truth
from surveyor.scenes.datasets.writer import DatasetPlan, SceneBundle, write_dataset
from surveyor.scenes.questions.asking import ask
from tests.scenes.worlds import filmed

PLAN = DatasetPlan(name="tiny", generator="test", seed=3, scenes=("a", "b"))


def make(
    path: Path, plan: DatasetPlan = PLAN, build: Callable[[str], SceneBundle] = filmed
) -> DatasetManifest:
    return write_dataset(path, plan, build, partial(ask, dataset=plan.name, split="test", seed=3))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    make(tmp_path / "dataset")
    return tmp_path / "dataset"


def test_both_sides_agree_on_what_was_asked(path: Path) -> None:
    tasks, answers = list(Dataset.open(path).tasks()), dataset_truth.targets(path)
    assert [task.id for task in tasks] == [answer.task_id for answer in answers]
    assert len({task.id for task in tasks}) == len(tasks) >= 20
    assert all(len(task.frames) == 3 for task in tasks)


def test_frames_lead_to_bytes_and_to_exact_maps(path: Path) -> None:
    dataset = Dataset.open(path)
    frame = dataset.captures["b"].frames[2]
    assert dataset.blobs.get(frame.image.sha256) == b"b 2"
    assert dataset_truth.frame_index(path)[frame.image.sha256] == ("b", 2)
    assert float(dataset_truth.frame_maps(path, "b", 2).depth[0, 0]) == 4.5
    truth = dataset_truth.scene_truth(path, "b")
    assert dataset_truth.clean_blobs(path).get(truth.clean_frames[1].sha256) == b"b 1 clean"


def test_nothing_hidden_lies_outside_the_truth_folder(path: Path) -> None:
    answers = dataset_truth.targets(path)
    public = [p for p in path.rglob("*") if p.is_file() and "truth" not in p.parts]
    text = b"".join(p.read_bytes() for p in public)
    assert b'answer"' not in text
    assert b"margin" not in text
    assert b"clean" not in text
    assert str(answers[0].proof["program"]).encode() not in text


def test_the_public_side_loads_without_the_hidden_one() -> None:
    code = "import sys, surveyor.core.dataset; print([m for m in sys.modules if 'scenes' in m])"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    for name in ("targets", "dataset_truth", "questions"):
        assert f"scenes.{name}" not in loaded.stdout


def test_making_it_again_changes_nothing_and_costs_nothing(path: Path) -> None:
    def refuse(scene_id: str) -> SceneBundle:
        raise AssertionError(scene_id)

    before = {p: p.stat().st_mtime_ns for p in path.rglob("*")}
    manifest = make(path, build=refuse)
    assert {p: p.stat().st_mtime_ns for p in path.rglob("*")} == before
    assert manifest == Dataset.open(path).manifest


def test_an_interrupted_dataset_is_finished_not_begun_again(tmp_path: Path) -> None:
    built: list[str] = []

    def stumble(scene_id: str) -> SceneBundle:
        built.append(scene_id)
        if scene_id == "b" and len(built) == 2:
            raise KeyboardInterrupt
        return filmed(scene_id)

    with pytest.raises(KeyboardInterrupt):
        make(tmp_path / "dataset", build=stumble)
    assert not (tmp_path / "dataset").exists()
    resumed = make(tmp_path / "dataset", build=stumble)
    assert built == ["a", "b", "b"]
    assert resumed.content_hash == make(tmp_path / "other").content_hash
    assert not (tmp_path / "dataset.part").exists()


def test_other_settings_never_overwrite(path: Path, tmp_path: Path) -> None:
    other = PLAN.model_copy(update={"seed": 4})
    with pytest.raises(UserError, match="other settings"):
        make(path, other)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("precious")
    with pytest.raises(UserError, match="is no dataset"):
        make(tmp_path / "mine")
    path.rename(tmp_path / "x.part")
    (tmp_path / "x.part" / "plan.json").write_text(PLAN.model_dump_json())
    with pytest.raises(UserError, match="half-made"):
        make(tmp_path / "x", other)


def _without_a_frame(path: Path) -> None:
    next((path / "blobs").glob("??/*")).unlink()


def _other_version(path: Path) -> None:
    manifest = json.loads((path / "dataset.json").read_text())
    (path / "dataset.json").write_text(json.dumps(manifest | {"version": 99}))


def _reworded(path: Path) -> None:
    lines = (path / "tasks.jsonl").read_text()
    (path / "tasks.jsonl").write_text(lines.replace("chair", "stool"))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (_without_a_frame, "1 of 6 frames are missing"),
        (_other_version, "version 99"),
        (_reworded, "were changed"),
        (lambda p: (p / "dataset.json").write_text("{"), "damaged"),
        (lambda p: (p / "dataset.json").unlink(), "no dataset"),
        (lambda p: (p / "tasks.jsonl").unlink(), "cannot be read"),
        (lambda p: (p / "captures/a.json").write_text("[]"), "damaged"),
    ],
)
def test_a_damaged_dataset_is_refused_in_one_sentence(
    path: Path, damage: Callable[[Path], None], says: str
) -> None:
    damage(path)
    with pytest.raises(UserError, match=says) as caught:
        Dataset.open(path)
    assert "\n" not in str(caught.value)


def test_a_damaged_truth_is_refused(path: Path) -> None:
    maps = dataset_truth.maps_path(path, "a", 0)
    maps.write_bytes(maps.read_bytes()[:-7])
    with pytest.raises(UserError, match="damaged"):
        dataset_truth.frame_maps(path, "a", 0)
    (path / "truth/scenes/a/truth.json").write_text("{}")
    with pytest.raises(UserError, match="damaged"):
        dataset_truth.scene_truth(path, "a")
    with pytest.raises(UserError, match="no scene"):
        dataset_truth.scene_truth(path, "c")
    answers = path / "truth/targets.jsonl"
    answers.write_text(answers.read_text().replace('"answer":"2"', '"answer":"3"'))
    with pytest.raises(UserError, match="were changed"):
        dataset_truth.targets(path)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), shape=hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9))
def test_maps_survive_to_the_bit(data: st.DataObject, shape: tuple[int, int]) -> None:
    depth = data.draw(hnp.arrays(np.float32, shape))
    ids = data.draw(hnp.arrays(np.int32, shape))
    found = decode_maps(encode_maps(FrameMaps(depth, ids)))
    assert found.depth.tobytes() == depth.tobytes()
    assert np.array_equal(found.ids, ids)


def test_maps_of_planes_are_compact() -> None:
    v, u = np.mgrid[:120, :160]
    depth = (1 / (0.2 + 0.001 * u + 0.0003 * v)).astype(np.float32)
    maps = FrameMaps(depth, (u // 40).astype(np.int32))
    assert len(encode_maps(maps)) < 0.2 * (depth.nbytes + maps.ids.nbytes)
