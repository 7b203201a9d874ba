"""A dataset written as VSI-Bench ships it, with an mp4 a scene, and read back by the loaders."""

from __future__ import annotations

import io
import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from surveyor.benchmarks.loaders.video import open_video
from surveyor.core.errors import UserError
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from surveyor.scenes.formats.posed_images import dataset_views
from surveyor.scenes.formats.registry import export_dataset
from surveyor.scenes.formats.video import write_mp4
from surveyor.scenes.formats.vsi_meta import read_vsi_meta

ROOM = "room_000005"
needs_av = pytest.mark.skipif(find_spec("av") is None, reason="PyAV is not installed")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "dataset"
    settings = RoomsSettings(n_frames=5, size=(160, 120), light_rays=1, per_type=2, balance=False)
    make_rooms_dataset(path, [5], settings=settings)
    return path


def pixels(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(np.float64)


@needs_av
def test_a_scene_comes_back_from_its_mp4_frame_by_frame(dataset: Path, tmp_path: Path) -> None:
    export_dataset(dataset, tmp_path / "out", "vsibench-video")
    video = open_video(tmp_path / "out" / "surveyor" / f"{ROOM}.mp4")
    views = dataset_views(dataset, ROOM)
    assert (video.total, video.fps) == (len(views), 1.0)
    found = list(video.read(range(len(views))))
    for view, picture in zip(views, found, strict=True):
        assert picture.time == view.time
        ours, theirs = pixels(view.image), pixels(picture.data)
        assert ours.shape == theirs.shape
        # Better than 30 dB against its own frame, far worse against any other.
        assert np.mean((ours - theirs) ** 2) < 65
    shuffled = np.mean((pixels(views[0].image) - pixels(found[-1].data)) ** 2)
    assert shuffled > 300


@needs_av
def test_the_metadata_names_the_video(dataset: Path, tmp_path: Path) -> None:
    export_dataset(dataset, tmp_path / "out", "vsibench-video")
    meta = json.loads((tmp_path / "out" / "surveyor_meta_info_val.json").read_text())
    assert (tmp_path / "out" / meta[ROOM]["video_path"]).is_file()
    assert [scene.scene_id for scene in read_vsi_meta(tmp_path / "out", ("surveyor",))] == [ROOM]


@needs_av
def test_odd_sizes_lose_one_row_and_rates_need_not_be_whole(tmp_path: Path) -> None:
    images = []
    for k in range(12):
        buffer = io.BytesIO()
        Image.new("RGB", (65, 49), (20 * k, 20 * k, 20 * k)).save(buffer, "PNG")
        images.append(buffer.getvalue())
    write_mp4(tmp_path / "a.mp4", images, 23.976)
    video = open_video(tmp_path / "a.mp4")
    assert video.total == 12
    assert video.fps == pytest.approx(23.976, abs=1e-3)
    first, last = video.read([0, 11])
    assert (first.width, first.height) == (64, 48)
    assert pixels(last.data).mean() == pytest.approx(220, abs=4)
    assert last.time == pytest.approx(11 / 23.976, abs=1e-3)


@pytest.mark.skipif(find_spec("av") is not None, reason="PyAV is installed")
def test_without_an_encoder_one_is_told_what_to_do(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="pip install av"):
        export_dataset(dataset, tmp_path / "out", "vsibench-video")
    assert not (tmp_path / "out").exists()
