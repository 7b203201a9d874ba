"""VSI-Bench's released metadata, from a fixture of its real field names and from the real files."""

from __future__ import annotations

import json
import os
import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from surveyor.core.errors import UserError
from surveyor.scenes.datasets.vsi_meta import make_vsi_meta_dataset
from surveyor.scenes.formats.vsi_meta import read_vsi_meta
from surveyor.scenes.questions.askable import CapturedScene
from surveyor.scenes.questions.asking import ask
from surveyor.scenes.questions.vsi import OFFICIAL_COUNTS

FIXTURE = Path(__file__).parents[1] / "fixtures" / "vsi_meta"
REAL = Path(os.environ.get("SURVEYOR_VSI_META", Path(__file__).parents[3] / "shared/data/vsi_meta"))


def test_boxes_are_oriented_as_their_published_extents_say() -> None:
    published = {}
    for path in FIXTURE.glob("*.json"):
        published.update(json.loads(path.read_bytes()))
    for scene in read_vsi_meta(FIXTURE):
        boxes = published[scene.scene_id]["object_bbox"]
        for item in scene.objects:
            low, high = item.box.corners().min(axis=0), item.box.corners().max(axis=0)
            assert any(
                np.allclose(low, box["min"], atol=1e-5) and np.allclose(high, box["max"], atol=1e-5)
                for box in boxes[item.category]
            )


def test_scenes_come_in_order_with_their_source_and_area() -> None:
    scenes = read_vsi_meta(FIXTURE)
    assert [s.scene_id for s in scenes] == ["90000001", "90000002", "scene9001_00", "9f00000001"]
    assert [s.source for s in scenes] == ["arkitscenes", "arkitscenes", "scannet", "scannetpp"]
    assert scenes[0].room_area == pytest.approx(18.437)
    assert [o.instance_id for o in scenes[0].objects] == list(range(1, 8))


def test_a_category_that_contradicts_itself_is_left_out() -> None:
    categories = Counter(o.category for o in read_vsi_meta(FIXTURE)[2].objects)
    assert "printer" not in categories
    assert categories["pillow"] == 3


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FIXTURE, tmp_path / "meta"))


def _damage(folder: Path, **changes: object) -> None:
    path = folder / "scannet_meta_info_val.json"
    data = json.loads(path.read_bytes())
    data["scene9001_00"].update(changes)
    path.write_text(json.dumps(data))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"room_size": -1}, "room_size"),
        ({"room_size": None}, "room_size"),
        ({"object_bbox": []}, "object_bbox"),
        ({"object_bbox": {"bed": [{"centroid": [0, 0, 0]}]}}, "axesLengths"),
        (
            {
                "object_bbox": {
                    "bed": [
                        {
                            "centroid": [0, 0, 0],
                            "axesLengths": [1, 1, 1],
                            "normalizedAxes": [1, 0, 0, 1, 0, 0, 0, 0, 1],
                        }
                    ]
                }
            },
            "orthonormal",
        ),
    ],
)
def test_malformed_metadata_is_named(folder: Path, changes: dict[str, object], says: str) -> None:
    _damage(folder, **changes)
    with pytest.raises(UserError, match=says):
        read_vsi_meta(folder)


def test_missing_and_cut_off_metadata_are_told_apart(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a folder"):
        read_vsi_meta(tmp_path / "nowhere")
    path = folder / "scannetpp_meta_info_val.json"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(UserError, match="cut off"):
        read_vsi_meta(folder)
    path.unlink()
    with pytest.raises(UserError, match="missing"):
        read_vsi_meta(folder)
    path.write_text("[1, 2]")
    with pytest.raises(UserError, match="does not look like"):
        read_vsi_meta(folder)
    for one in folder.glob("*_meta_info_val.json"):
        one.write_text("{}")
    with pytest.raises(UserError, match="holds no scenes"):
        read_vsi_meta(folder)


def test_bad_metadata_leaves_nothing_half_written(folder: Path, tmp_path: Path) -> None:
    (folder / "scannet_meta_info_val.json").write_text("{")
    with pytest.raises(UserError):
        make_vsi_meta_dataset(tmp_path / "dataset", folder)
    assert not list(tmp_path.glob("dataset*"))


@pytest.mark.skipif(not REAL.is_dir(), reason="VSI-Bench's metadata is not on this machine")
def test_the_official_question_counts_are_met() -> None:
    scenes = [CapturedScene(scene) for scene in read_vsi_meta(REAL)]
    types = ("object_counting", "object_size_estimation", "room_size_estimation")
    found = ask(scenes, dataset="s", split="test", seed=0, per_type=dict.fromkeys(types))
    counts = Counter(question.task.question_type for question in found)
    for name in types:
        assert counts[name] == pytest.approx(OFFICIAL_COUNTS[name], rel=0.02)


def test_the_fixture_becomes_a_dataset(tmp_path: Path) -> None:
    questions = make_vsi_meta_dataset(tmp_path / "dataset", FIXTURE).questions
    assert questions["room_size_estimation"] == 4
    assert questions["object_counting"] == 4
    assert questions["object_abs_distance"] > 10
