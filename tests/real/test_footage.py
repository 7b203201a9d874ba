"""A real film and a real set of photographs become datasets, pixels untouched."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from surveyor.cli.main import app
from surveyor.core.dataset import Dataset
from surveyor.core.images import rgb
from tests.real.fetch import FILM

FILM_SIZE = (768, 576)
PHOTOS, PHOTO_SIZE = "left", (640, 480)


def _benchmark(folder: Path, scene: str) -> None:
    row = {
        "id": "1",
        "dataset": "own",
        "scene_name": scene,
        "question_type": "object_counting",
        "question": "How many person(s) are in this room?",
        "options": None,
        "ground_truth": "1",
    }
    (folder / "test.jsonl").write_text(json.dumps(row) + "\n")


def _loaded(source: Path, out: Path, frames: str) -> Dataset:
    arguments = ["load", "vsi-bench", str(source), str(out), "--frames", frames]
    told = CliRunner().invoke(app, arguments)
    assert told.exit_code == 0, told.output
    return Dataset.open(out)


def test_a_real_film_gives_the_frames_asked_for(footage: Path, tmp_path: Path) -> None:
    pytest.importorskip("av", reason="PyAV is not installed")
    source = tmp_path / "source"
    (source / "own").mkdir(parents=True)
    shutil.copy(footage / FILM, source / "own" / FILM)
    _benchmark(source, Path(FILM).stem)
    dataset = _loaded(source, tmp_path / "out", "uniform:8")
    frames = dataset.captures[Path(FILM).stem].frames
    assert len(frames) == 8
    times = [frame.time for frame in frames]
    assert times == sorted(times)
    assert times[-1] > 60  # 795 frames at ten a second
    for frame in frames:
        assert rgb(dataset.blobs.get(frame.image.sha256), "a frame").size == FILM_SIZE


def test_real_photographs_come_in_order_as_the_bytes_they_were(
    footage: Path, tmp_path: Path
) -> None:
    source = tmp_path / "source"
    folder = source / "own" / "office"
    folder.mkdir(parents=True)
    photos = sorted(footage.glob(f"{PHOTOS}[0-9]*.jpg"))
    for photo in photos:
        shutil.copy(photo, folder / photo.name)
    _benchmark(source, "office")
    dataset = _loaded(source, tmp_path / "out", "all")
    frames = dataset.captures["office"].frames
    assert len(frames) == len(photos) >= 9
    for frame, photo in zip(frames, photos, strict=True):
        data = dataset.blobs.get(frame.image.sha256)
        assert data == photo.read_bytes()
        assert rgb(data, "a photograph").size == PHOTO_SIZE
