"""Public layouts on the way in: written from a room by our own writer, loaded, run and scored."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from surveyor.benchmarks.loaders.frames import FrameRule
from surveyor.benchmarks.loaders.registry import loader_named
from surveyor.benchmarks.predictions import score_predictions
from surveyor.benchmarks.scoring import metric_of
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.core.geometry import Pose
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from surveyor.scenes.datasets.posed import make_posed_dataset
from surveyor.scenes.datasets.truth import frame_maps, scene_truth, targets
from surveyor.scenes.formats.captures import CAPTURES, read_captures
from surveyor.scenes.formats.registry import export_dataset
from tests.claims.benchmarks.predictors import perfect, score_dataset

FILMED = ("scannet", "scannetpp", "arkitscenes")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("captures") / "rooms"
    types = ("scanqa", "scanrefer", "reason_seg", "object_counting")
    settings = RoomsSettings(
        n_frames=8, size=(160, 120), light_rays=1, per_type=2, types=types, balance=False
    )
    make_rooms_dataset(path, [8107], settings=settings)
    return path


@pytest.fixture(scope="module", params=sorted(CAPTURES))
def loaded(
    request: pytest.FixtureRequest, source: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """The layout's name and the dataset made of it."""
    folder = tmp_path_factory.mktemp(request.param)
    export_dataset(source, folder / "layout", request.param)
    scenes = read_captures(request.param, folder / "layout")
    make_posed_dataset(folder / "dataset", scenes, name=request.param)
    return request.param, folder / "dataset"


def test_what_a_layout_brings_is_asked_and_scored(loaded: tuple[str, Path]) -> None:
    layout, path = loaded
    asked = Dataset.open(path).manifest.questions
    assert sum(asked.values()) >= 4
    assert ("object_counting" in asked) == (layout in ("arkitscenes", "apeiria"))
    assert ("mmsi_camera_camera" in asked) == (layout in FILMED)
    assert ("room_size_estimation" in asked) == (layout == "apeiria")
    lines = [
        json.dumps({"id": target.task_id, "prediction": target.answer}) for target in targets(path)
    ]
    assert score_predictions(path, lines, metric_of(path)).headline == pytest.approx(100.0)
    assert score_dataset(path, metric_of(path), perfect).headline == pytest.approx(100.0)


def test_cameras_and_depth_survive_the_way_out_and_in(
    loaded: tuple[str, Path], source: Path
) -> None:
    """A point of one view lies in another's image where it did before, to less than a pixel."""
    layout, path = loaded
    if layout not in FILMED:
        return
    scene = Dataset.open(path).manifest.scenes[0]
    before = scene_truth(source, Dataset.open(source).manifest.scenes[0]).cameras
    after = scene_truth(path, scene).cameras
    assert len(before) == len(after)
    for k, (one, other) in enumerate(zip(before, after, strict=True)):
        depth = frame_maps(path, scene, k).depth
        camera = other.intrinsics.resized(depth.shape[1], depth.shape[0])
        points = (camera.rays() * depth[..., None])[::20, ::20].reshape(-1, 3)
        world = Pose(np.array(other.T_world_camera)).to_world(points[points[:, 2] > 0])
        flat, z = one.intrinsics.project(Pose(np.array(one.T_world_camera)).to_camera(world))
        again, _ = other.intrinsics.project(Pose(np.array(other.T_world_camera)).to_camera(world))
        assert (z > 0).all()
        assert np.abs(flat - again).max() < 1.0


@pytest.mark.parametrize("layout", sorted(CAPTURES))
def test_other_folders_are_refused_in_one_sentence(layout: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no folder"):
        read_captures(layout, tmp_path / "nowhere")
    with pytest.raises(UserError, match=f"holds no {layout} scene: one"):
        read_captures(layout, tmp_path)


def test_half_a_capture_says_what_is_missing(source: Path, tmp_path: Path) -> None:
    export_dataset(source, tmp_path / "s", "scannet")
    (scene,) = (tmp_path / "s").iterdir()
    shutil.rmtree(scene / "depth")
    with pytest.raises(UserError, match="no depth images"):
        make_posed_dataset(tmp_path / "out", read_captures("scannet", tmp_path / "s"), name="x")
    assert not (tmp_path / "out").exists()
    (scene / "intrinsic" / "intrinsic_color.txt").unlink()
    with pytest.raises(UserError, match="intrinsic_color"):
        read_captures("scannet", tmp_path / "s")


def test_records_in_gpt4scenes_form_come_back(source: Path, tmp_path: Path) -> None:
    export_dataset(source, tmp_path / "g", "gpt4scene")
    out = tmp_path / "dataset"
    manifest = loader_named("gpt4scene").load(tmp_path / "g", out, frames=FrameRule())
    wanted = Dataset.open(source).manifest.questions["scanqa"]
    assert manifest.questions == {"gpt4scene": wanted}
    assert manifest.settings["left_out"] == {"answered by object ids": 2}
    lines = [
        json.dumps({"id": target.task_id, "prediction": target.answer}) for target in targets(out)
    ]
    assert score_predictions(out, lines, "qa-em", "strict").headline == 100.0
    (tmp_path / "g" / "records.json").write_text("{}")
    with pytest.raises(UserError, match="no list of ShareGPT records"):
        loader_named("gpt4scene").load(tmp_path / "g", tmp_path / "other", frames=FrameRule())
