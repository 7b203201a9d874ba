"""What needs an optional library: parquet files (pyarrow) and videos (PyAV)."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from surveyor.benchmarks.loaders.frames import FrameRule
from surveyor.benchmarks.loaders.registry import loader_named
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from tests.benchmarks.published import FIXTURES, download, picture


def _parquet(name: str, fixture: str, path: Path, **changed: Any) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    rows = [json.loads(line) for line in (FIXTURES / name / fixture).read_text().splitlines()]
    path.parent.mkdir(parents=True)
    parquet.write_table(arrow.Table.from_pylist([row | changed for row in rows]), path)


def test_images_in_parquet_are_bytes_or_structs_of_them(tmp_path: Path) -> None:
    source = tmp_path / "mmsi"
    images = [picture(1), picture(2)]
    _parquet("mmsi-bench", "MMSI_Bench.jsonl", source / "MMSI_Bench.parquet", images=images)
    loader_named("mmsi-bench").load(source, tmp_path / "a", frames=FrameRule())
    dataset = Dataset.open(tmp_path / "a")
    for task in dataset.tasks():
        assert [dataset.blobs.get(frame.image.sha256) for frame in task.frames] == images

    source = tmp_path / "cv"
    image = {"bytes": picture(3, ".png"), "path": None}
    _parquet("cv-bench-3d", "test.jsonl", source / "test_3d.parquet", image=image)
    loader_named("cv-bench-3d").load(source, tmp_path / "b", frames=FrameRule())
    dataset = Dataset.open(tmp_path / "b")
    assert [dataset.blobs.get(task.frames[0].image.sha256) for task in dataset.tasks()] == [
        image["bytes"]
    ] * 2


def test_the_debiased_rows_are_read_from_parquet(tmp_path: Path) -> None:
    source = download("vsi-bench", tmp_path)
    _parquet("vsi-bench", "test.jsonl", tmp_path / "parquet" / "test_debiased.parquet")
    (tmp_path / "parquet" / "test_debiased.parquet").rename(source / "test_debiased.parquet")
    loader = loader_named("vsi-bench")
    manifest = loader.load(source, tmp_path / "out", split="debiased", frames=FrameRule())
    assert manifest.settings["subset"] == "debiased"
    assert sum(manifest.questions.values()) == 3


def film(path: Path, n: int = 20, rate: int = 10) -> None:
    """A video that brightens from frame to frame."""
    av = pytest.importorskip("av")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for k in range(n):
            grey = np.full((48, 64, 3), 12 * k, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, format="rgb24")))
        container.mux(stream.encode())


def test_a_video_gives_the_frames_of_the_rule(tmp_path: Path) -> None:
    source = download("vsi-bench", tmp_path)
    (source / "arkitscenes/40000001").rename(tmp_path / "elsewhere")
    film(source / "arkitscenes/40000001.mp4")
    rule = FrameRule.parse("uniform:3")
    manifest = loader_named("vsi-bench").load(source, tmp_path / "out", frames=rule)
    videos = manifest.settings["videos"]
    assert isinstance(videos, dict)
    assert videos["kept_as"] == "png"
    dataset = Dataset.open(tmp_path / "out")
    capture = dataset.captures["40000001"]
    assert capture.fps == 10
    assert [frame.time for frame in capture.frames] == [0, 0.9, 1.9]
    for frame, grey in zip(capture.frames, (0, 108, 228), strict=True):
        with Image.open(io.BytesIO(dataset.blobs.get(frame.image.sha256))) as image:
            assert np.asarray(image).mean() == pytest.approx(grey, abs=6)


def test_a_torn_video_is_refused(tmp_path: Path) -> None:
    source = download("vsi-bench", tmp_path)
    (source / "arkitscenes/40000001").rename(tmp_path / "elsewhere")
    video = source / "arkitscenes/40000001.mp4"
    film(video)
    video.write_bytes(video.read_bytes()[:300])
    with pytest.raises(UserError, match="is no video that av can read"):
        loader_named("vsi-bench").load(source, tmp_path / "out", frames=FrameRule())
    assert not list(tmp_path.glob("out*"))
