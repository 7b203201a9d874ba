"""Photographs and films as they come from phones, archives and scanners, through a loader."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from surveyor.benchmarks.loaders.frames import FrameRule
from surveyor.benchmarks.loaders.media import footage_at
from surveyor.benchmarks.loaders.registry import loader_named
from surveyor.benchmarks.loaders.video import open_video
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.core.images import opened
from tests.benchmarks.published import download, picture, put
from tests.support import pictures
from tests.support.films import film
from tests.support.pictures import encoded, oriented, quarters

FIXTURES = Path(__file__).parents[1] / "fixtures"


def loaded(tmp_path: Path, *files: Path, rule: str = "all") -> Dataset:
    """VSI-Bench's rows with these files as the frames of one of its scenes."""
    source = download("vsi-bench", tmp_path)
    folder = source / "arkitscenes/40000001"
    shutil.rmtree(folder)
    put(source / "scannet/scene9001_00/fps.txt", b"2")
    for k, file in enumerate(files):
        name = f"40000001{file.suffix}" if file.suffix == ".mp4" else f"40000001/{k}{file.suffix}"
        put(folder.parent / name, file.read_bytes())
    loader_named("vsi-bench").load(source, tmp_path / "out", frames=FrameRule.parse(rule))
    return Dataset.open(tmp_path / "out")


def test_a_photograph_that_was_turned_is_upright_in_dataset_and_pixels(tmp_path: Path) -> None:
    dataset = loaded(tmp_path, FIXTURES / "images/exif-orientation-6.jpg")
    (frame,) = dataset.captures["40000001"].frames
    assert (frame.image.width, frame.image.height) == (60, 80)
    data = dataset.blobs.get(frame.image.sha256)
    assert opened(data).pixels().shape == (80, 60, 3)
    with Image.open(io.BytesIO(data)) as plain:  # what a reader sees that ignores EXIF
        assert (plain.size, frame.image.media_type) == ((60, 80), "image/jpeg")


@pytest.mark.parametrize("name", ["still.webp", "still.bmp", "still.tiff", "gray16.png"])
def test_stills_of_every_kind_are_stored_as_every_expert_reads_them(
    tmp_path: Path, name: str
) -> None:
    dataset = loaded(tmp_path, FIXTURES / "images" / name)
    (frame,) = dataset.captures["40000001"].frames
    data = dataset.blobs.get(frame.image.sha256)
    assert data.startswith(pictures.PNG)
    assert frame.image.media_type == "image/png"
    with Image.open(io.BytesIO(data)) as plain:
        assert (plain.size, plain.mode) == ((80, 60), "RGB")
        low, high = plain.convert("L").getextrema()
    assert isinstance(low, int | float)
    assert low < 90
    assert isinstance(high, int | float)
    assert high > 120


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_suffix_says_nothing(tmp_path: Path, kind: str, orientation: int) -> None:
    put(tmp_path / "attic" / "0.jpg", oriented(kind, orientation))
    (shown,) = footage_at([tmp_path / "attic"], "attic").read([0])
    assert (shown.width, shown.height) == (40, 60)
    seen = opened(shown.data).pixels()
    assert np.abs(pictures.corners(seen) - pictures.CORNERS).max() < 12


def test_a_cut_photograph_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"0\.jpg is (damaged or )?cut short.*fetch it again"):
        loaded(tmp_path, FIXTURES / "images/truncated-80-percent.jpg")
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", r"1\.jpg is empty"),
        (b"<html>404</html>", r"1\.jpg is not an image; fetch it again"),
        (encoded(quarters(), "GIF"), "is a GIF file, which is not read; save it as"),
        (pictures.png_of(20_000, 20_000), "400 megapixels and at most 40 are taken; make it"),
        (pictures.scan_bomb(9000), "more than 24 scans"),
    ],
)
def test_what_no_expert_reads_is_refused_by_name(tmp_path: Path, data: bytes, why: str) -> None:
    good, bad = tmp_path / "good.jpg", tmp_path / "bad.jpg"
    good.write_bytes(picture(1))
    bad.write_bytes(data)
    with pytest.raises(UserError, match=why):
        loaded(tmp_path, good, bad)
    assert not list(tmp_path.glob("out*"))


def test_what_archives_leave_beside_a_file_is_no_frame(tmp_path: Path) -> None:
    for k in range(3):
        put(tmp_path / "attic" / f"{k}.jpg", picture(k))
        put(tmp_path / "attic" / f"._{k}.jpg", b"\0\5\26\7 resource fork")
    put(tmp_path / "attic" / ".DS_Store", b"\0")
    footage = footage_at([tmp_path / "attic"], "attic")
    assert footage.total == 3
    assert [shown.data for shown in footage.read([0, 1, 2])] == [picture(k) for k in range(3)]


def test_frames_of_all_suffixes_are_found(tmp_path: Path) -> None:
    for k, (suffix, kind) in enumerate(
        [(".JPG", "JPEG"), (".png", "PNG"), (".webp", "WEBP"), (".bmp", "BMP"), (".tif", "TIFF")]
    ):
        put(tmp_path / "attic" / f"{k}{suffix}", encoded(quarters(), kind))
    footage = footage_at([tmp_path / "attic"], "attic")
    assert [shown.width for shown in footage.read(range(5))] == [40] * 5


def test_a_film_held_upright_stands_upright(tmp_path: Path) -> None:
    pytest.importorskip("av")
    dataset = loaded(tmp_path, FIXTURES / "videos/rotated-90.mp4", rule="uniform:2")
    frames = dataset.captures["40000001"].frames
    assert {(one.image.width, one.image.height) for one in frames} == {(48, 64)}
    top = opened(dataset.blobs.get(frames[0].image.sha256)).pixels()[2:6, 8:40]
    assert (top[..., 1] > top[..., 0].astype(int) + 100).all()


def test_an_edit_list_is_honoured(tmp_path: Path) -> None:
    pytest.importorskip("av")
    assert open_video(FIXTURES / "videos/edit-list-10-of-30.mp4").total == 10
    dataset = loaded(tmp_path, FIXTURES / "videos/edit-list-10-of-30.mp4", rule="uniform:4")
    frames = dataset.captures["40000001"].frames
    assert [frame.time for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3])
    assert dataset.captures["40000001"].fps == 30


def test_a_variable_rate_gives_the_frames_nearest_each_second(tmp_path: Path) -> None:
    pytest.importorskip("av")
    dataset = loaded(tmp_path, FIXTURES / "videos/variable-rate.mp4", rule="fps:1")
    # Nothing was filmed near 1 s and 2 s: 0.3 s and 3.33 s are the nearest.
    times = [frame.time for frame in dataset.captures["40000001"].frames]
    assert times == pytest.approx([0, 0.3, 10 / 3])


def test_sound_alone_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("av")
    with pytest.raises(UserError, match=r"40000001\.mp4 holds no video"):
        loaded(tmp_path, FIXTURES / "videos/audio-only.mp4")
    assert not list(tmp_path.glob("out*"))


@pytest.mark.parametrize(
    ("rate", "times", "positions"),
    [
        (1, [0, 0.4, 0.9, 1.2, 2.6, 3.0], (0, 2, 4, 5)),
        (1, [0, 5.0], (0, 1)),
        (2, [0, 0.49, 0.52, 1.0], (0, 1, 3)),
        (0.1, [0, 0.5, 3], (0,)),
        (30, [0, 0.5, 3], (0, 1, 2)),
    ],
)
def test_a_rate_of_uneven_frames(
    rate: float, times: list[float], positions: tuple[int, ...]
) -> None:
    rule = FrameRule(kind="fps", rate=rate)
    assert rule.pick("attic", len(times), 1.0, times) == positions


def test_one_frame_has_any_rate(tmp_path: Path) -> None:
    video = open_video(film(tmp_path / "a.mp4", [0]))
    rule = FrameRule.parse("fps:1")
    assert rule.pick("attic", video.total, video.fps, video.times) == (0,)


@pytest.mark.parametrize("name", ["0.gif", "0.avif", "0.jp2", "0.pdf"])
def test_frames_in_no_format_that_is_read_are_named(tmp_path: Path, name: str) -> None:
    put(tmp_path / "scene" / name, b"GIF89a")
    with pytest.raises(UserError, match=rf"cannot be read from \S+{name}: images are .*convert it"):
        footage_at([tmp_path / "scene"], "scene")


@pytest.mark.parametrize("ending", ["wmv", "ts", "flv"])
def test_a_video_in_no_format_that_is_read_is_named(tmp_path: Path, ending: str) -> None:
    put(tmp_path / f"scene.{ending}", b"video")
    with pytest.raises(UserError, match=rf"cannot be read from \S+scene.{ending}: .*convert it"):
        footage_at([tmp_path / "scene"], "scene")


def test_a_folder_is_not_shortened_by_the_pictures_that_are_not_read(tmp_path: Path) -> None:
    put(tmp_path / "scene/0.jpg", picture(1))
    put(tmp_path / "scene/1.gif", b"GIF89a")
    with pytest.raises(UserError, match=r"1\.gif is in no format that is read"):
        footage_at([tmp_path / "scene"], "scene")


def test_endings_count_in_any_case_and_jpegs_have_several(tmp_path: Path) -> None:
    for k, name in enumerate(["0.JPG", "1.jfif", "2.jpe", "3.Png"]):
        put(tmp_path / "scene" / name, picture(k))
    put(tmp_path / "scene/notes.txt", b"taken on Monday")
    assert footage_at([tmp_path / "scene"], "scene").total == 4
    put(tmp_path / "film.MP4", (FIXTURES / "videos/rotated-90.mp4").read_bytes())
    assert footage_at([tmp_path / "film"], "film").total > 1
