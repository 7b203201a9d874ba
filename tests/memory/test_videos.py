"""The door for videos: frames that a player shows, at the times it shows them, upright."""

from __future__ import annotations

import shutil
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from surveyor.core import videos
from surveyor.core.errors import UserError
from surveyor.core.videos import Film, evenly, open_film
from tests.support import films
from tests.support.films import film, frame, with_matrix

FIXTURES = Path(__file__).parents[1] / "fixtures" / "videos"
GREEN = (0, 200, 0)


@pytest.fixture(params=["av", "cv2"], autouse=True)
def decoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each decoder that is installed, as if it were the only one."""
    name = str(request.param)
    if find_spec(name) is None:
        pytest.skip(f"{name} is not installed")
    monkeypatch.setattr(videos, "find_spec", lambda other: other == name or None)
    return name


def shown(of: Film, *positions: int) -> list[tuple[float, np.ndarray]]:
    return list(of.frames(positions or range(len(of.seconds))))


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [("mp4", "mpeg4"), ("mov", "mpeg4"), ("mkv", "mpeg4"), ("avi", "mpeg4"), ("avi", "mjpeg")],
)
def test_every_container_gives_all_frames_at_their_times(
    tmp_path: Path, decoder: str, suffix: str, codec: str
) -> None:
    opened = open_film(film(tmp_path / f"a.{suffix}", list(range(12)), codec=codec))
    assert opened.seconds == pytest.approx([k / 10 for k in range(12)])
    assert opened.fps == pytest.approx(10)
    assert not opened.uneven
    assert opened.made_by.startswith(decoder)
    taken = shown(opened)
    assert [films.number(pixels) for _, pixels in taken] == list(range(12))
    assert [time for time, _ in taken] == list(opened.seconds)
    assert [films.number(pixels) for _, pixels in shown(opened, 3, 11)] == [3, 11]


@pytest.mark.parametrize("codec", ["libx264", "libvpx-vp9"])
def test_frames_that_are_stored_out_of_order_are_shown_in_order(tmp_path: Path, codec: str) -> None:
    av = pytest.importorskip("av")
    if codec not in av.codecs_available:
        pytest.skip(f"this PyAV cannot write {codec}")
    path = film(tmp_path / "a.mkv", list(range(20)), codec=codec)
    assert [films.number(pixels) for _, pixels in shown(open_film(path))] == list(range(20))


# What each matrix does to a picture as it is stored: the inverse of what a camera did.
MATRICES = {
    "none": ((1, 0, 0, 1), lambda p: p),
    "quarter turn": ((0, 1, -1, 0), lambda p: np.rot90(p, -1)),
    "half turn": ((-1, 0, 0, -1), lambda p: np.rot90(p, 2)),
    "three quarters": ((0, -1, 1, 0), lambda p: np.rot90(p)),
    "mirrored": ((-1, 0, 0, 1), lambda p: p[:, ::-1]),
    "upside down": ((1, 0, 0, -1), lambda p: p[::-1]),
    "transposed": ((0, 1, 1, 0), lambda p: p.swapaxes(0, 1)),
    "transversed": ((0, -1, -1, 0), lambda p: np.rot90(p, 2).swapaxes(0, 1)),
}


@pytest.mark.parametrize("name", MATRICES)
def test_the_display_matrix_is_applied(tmp_path: Path, decoder: str, name: str) -> None:
    matrix, how = MATRICES[name]
    if decoder == "cv2" and name in ("mirrored", "upside down", "transposed", "transversed"):
        pytest.skip("OpenCV turns but does not mirror")
    path = with_matrix(film(tmp_path / "a.mp4", [0, 1, 2]), *matrix)
    wanted = how(films.frame(1))
    _, pixels = shown(open_film(path), 1)[0]
    assert pixels.shape == wanted.shape
    assert np.abs(pixels.astype(int) - wanted).mean() < 6


def test_a_film_held_upright_is_upright() -> None:
    opened = open_film(FIXTURES / "rotated-90.mp4")
    _, pixels = shown(opened, 0)[0]
    assert pixels.shape == (64, 48, 3)
    assert np.abs(pixels[2:6, 8:40].astype(int) - GREEN).mean() < 12


def test_an_edit_list_leaves_frames_out() -> None:
    opened = open_film(FIXTURES / "edit-list-10-of-30.mp4")
    assert opened.seconds == pytest.approx([k / 30 for k in range(10)])
    assert evenly(len(opened.seconds), 4) == (0, 3, 6, 9)
    assert len(shown(opened)) == 10


def test_times_are_the_files_own() -> None:
    opened = open_film(FIXTURES / "variable-rate.mp4")
    assert len(opened.seconds) == 20
    assert opened.seconds[10] == pytest.approx(10 / 3)
    assert opened.uneven
    assert shown(opened, 10)[0][0] == pytest.approx(10 / 3)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("ticks", [[0, 1, 2, 30, 31], [0, 10, 11, 12], [0, 1, 4, 9, 16, 25]])
def test_a_variable_rate_is_kept(tmp_path: Path, suffix: str, ticks: list[int]) -> None:
    opened = open_film(film(tmp_path / f"a.{suffix}", ticks))
    assert opened.seconds == pytest.approx([tick / 10 for tick in ticks], abs=2e-3)
    assert opened.uneven
    assert [films.number(pixels) for _, pixels in shown(opened)] == list(range(len(ticks)))


def test_times_count_from_the_first_frame(tmp_path: Path) -> None:
    opened = open_film(film(tmp_path / "a.mkv", [25, 26, 27]))
    assert opened.seconds == pytest.approx([0, 0.1, 0.2], abs=2e-3)


def test_times_rounded_by_the_container_are_even(tmp_path: Path) -> None:
    opened = open_film(film(tmp_path / "a.mkv", list(range(40)), rate=30))
    assert not opened.uneven
    assert opened.fps == pytest.approx(30, rel=1e-3)


@pytest.mark.parametrize("size", [(64, 48), (66, 50), (160, 32), (16, 16)])
def test_sizes_are_kept(tmp_path: Path, size: tuple[int, int]) -> None:
    _, pixels = shown(open_film(film(tmp_path / "a.mp4", [0, 1], size=size)), 1)[0]
    assert pixels.shape == (size[1], size[0], 3)


def test_one_frame_is_a_film(tmp_path: Path) -> None:
    opened = open_film(film(tmp_path / "a.mp4", [0]))
    assert (opened.seconds, opened.fps, opened.uneven) == ((0.0,), None, False)
    assert len(shown(opened)) == 1


def test_a_wrong_suffix_does_not_matter(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", list(range(5)), container="matroska")
    assert len(open_film(path).seconds) == 5


@pytest.mark.parametrize("data", [b"", b"no video", b"\0\0\0\x18ftypmp42" + bytes(300)])
def test_what_is_no_video_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"a\.mp4 (is no video|holds no)") as told:
        open_film(path)
    assert "\n" not in str(told.value)


def test_sound_alone_is_no_video() -> None:
    with pytest.raises(UserError, match="holds no video"):
        open_film(FIXTURES / "audio-only.mp4")


def test_a_cut_file_is_refused(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", list(range(20)))
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(UserError, match="fetch it again"):
        open_film(path)


def test_a_film_that_ends_early_says_at_which_frame(tmp_path: Path) -> None:
    path = tmp_path / "a.mkv"
    shutil.copy(film(tmp_path / "b.mkv", list(range(20))), path)
    opened = open_film(path)
    film(path, list(range(5)))
    with pytest.raises(UserError, match="has no frame 19 that can be decoded"):
        shown(opened, 2, 19)


def test_without_a_decoder_one_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match=r"there is no video .*a\.mp4"):
        open_film(tmp_path / "a.mp4")
    (tmp_path / "a.mp4").write_bytes(b"video")
    monkeypatch.setattr(videos, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip install av"):
        open_film(tmp_path / "a.mp4")


@pytest.mark.parametrize(
    ("total", "n", "positions"), [(10, 4, (0, 3, 6, 9)), (3, 4, (0, 1, 2)), (10, 1, (0,))]
)
def test_frames_spread_evenly(total: int, n: int, positions: tuple[int, ...]) -> None:
    assert evenly(total, n) == positions


def test_a_cut_file_whose_frames_still_decode_is_refused(tmp_path: Path, decoder: str) -> None:
    if decoder == "cv2":
        pytest.skip("OpenCV counts the frames that are there, and not those that were promised")
    path = film(tmp_path / "a.mkv", list(range(40)))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=r"is cut short: its frames end at \d\.\d of 4\.0 s"):
        open_film(path)


def test_pixels_that_are_no_squares_are_made_square(tmp_path: Path, decoder: str) -> None:
    if decoder == "cv2":
        pytest.skip("OpenCV gives pixels as they are stored")
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "wide.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.sample_aspect_ratio = Fraction(3, 2)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(frame(3), format="rgb24")))
        container.mux(stream.encode())
    ((_, pixels),) = open_film(tmp_path / "wide.mp4").frames([0])
    assert pixels.shape == (48, 96, 3)
