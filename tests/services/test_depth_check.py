"""Judging depth in metres, and the stereo expert that is judged first."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from surveyor.cli.main import app
from surveyor.compose.depth_check import row
from surveyor.core.errors import UserError
from surveyor.services.contract import DepthRequest, ErrorCode, RightView
from surveyor.services.depth_check import (
    BASELINE,
    FILES,
    FOCAL,
    OFFSET,
    judge_depth,
    read_pair,
    trivial,
)
from surveyor.services.errors import ExpertError
from surveyor.services.images import LoadedImage, inline
from surveyor.services.registry import make_expert
from surveyor.services.settings import Settings

SHAPE = (60, 80)
TRUTH = np.linspace(2.0, 5.0, SHAPE[0] * SHAPE[1]).reshape(SHAPE).astype(np.float32)


def write_pair(folder: Path, depth: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in FILES[:2]:
        buffer = io.BytesIO()
        Image.new("RGB", SHAPE[::-1]).save(buffer, "PNG")
        (folder / name).write_bytes(buffer.getvalue())
    np.savez(folder / FILES[2], (FOCAL * BASELINE / depth - OFFSET).astype(np.float32))
    return folder


def test_the_pairs_disparity_becomes_metres_and_infinity_is_unknown(tmp_path: Path) -> None:
    depth = TRUTH.copy()
    depth[0] = 1e-9  # an endless disparity
    pair = read_pair(write_pair(tmp_path, depth))
    assert np.allclose(pair.depth[1:], TRUTH[1:], atol=1e-3)
    assert (read_pair(tmp_path).depth[0] < 1e-3).all()


def test_a_right_answer_is_right_and_a_scaled_one_is_right_after_alignment() -> None:
    right, scaled = judge_depth(TRUTH, TRUTH), judge_depth(TRUTH * 1.5, TRUTH)
    assert (right.abs_rel, right.delta1, right.scale, right.covered) == (0, 1, 1, 1)
    assert scaled.scale == pytest.approx(1.5)
    assert scaled.abs_rel == pytest.approx(0.5)
    assert scaled.delta1 == 0
    assert scaled.aligned_abs_rel == pytest.approx(0, abs=1e-6)
    assert scaled.aligned_delta1 == 1


def test_what_was_not_measured_counts_against_cover_and_nothing_else() -> None:
    half = TRUTH.copy()
    half[::2], half[1, 0] = 0, np.nan
    score = judge_depth(half, TRUTH)
    assert score.covered == pytest.approx(0.5, abs=0.01)
    assert score.abs_rel == 0
    nothing = judge_depth(np.zeros_like(TRUTH), TRUTH)
    assert nothing.covered == 0
    assert np.isnan(nothing.abs_rel)
    assert "0.0%" in row("none", nothing)


def test_an_answer_of_another_size_is_refused() -> None:
    with pytest.raises(UserError, match="the image sent"):
        judge_depth(TRUTH[:30], TRUTH)


def test_trivial_answers_are_complete_and_bad() -> None:
    for title, guess in trivial(TRUTH):
        score = judge_depth(guess, TRUTH)
        assert score.covered == 1, title
        assert title == "the plane that fits best" or score.abs_rel > 0.1


def test_a_folder_without_the_pair_is_told_where_it_comes_from(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="python3-skimage"):
        read_pair(tmp_path)
    write_pair(tmp_path, TRUTH)
    (tmp_path / FILES[2]).write_bytes(b"PK")
    with pytest.raises(UserError, match="no disparity map"):
        read_pair(tmp_path)


def test_only_depth_can_be_checked(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["serve", "check", "detect", str(tmp_path)])
    assert isinstance(told.exception, UserError)


def _loaded(reference: object) -> LoadedImage:
    import base64

    assert hasattr(reference, "data")
    return LoadedImage(base64.b64decode(reference.data), max_pixels=1 << 22)


def test_stereo_says_what_a_request_lacks() -> None:
    expert = make_expert("depth", "stereo")
    image = inline(np.zeros((8, 8, 3), np.uint8))
    wide = inline(np.zeros((8, 9, 3), np.uint8))
    for request, what in (
        (DepthRequest(image=image, focal=10), "right"),
        (DepthRequest(image=image, right=RightView(image=image, baseline=1)), "focal"),
        (DepthRequest(image=image, focal=10, right=RightView(image=wide, baseline=1)), "right"),
    ):
        with pytest.raises(ExpertError) as told:
            expert.preprocess(request, _loaded)
        assert told.value.code is ErrorCode.BAD_INPUT
        assert told.value.field == what


def test_stereo_measures_a_shifted_texture_in_metres(tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    from surveyor.services.stereo.depth import stereo_depth

    expert = make_expert("depth", "stereo")
    expert.load(Settings(blob_dir=tmp_path))
    assert expert.info().producer.name == "stereo-sgbm"
    wide = np.random.default_rng(1).integers(0, 255, (60, 220, 3)).astype(np.uint8)
    eyes = RightView(image=inline(wide[:8, :8]), baseline=0.2, offset=5.0)
    depth = stereo_depth(wide[:, :200], wide[:, 20:], 100.0, eyes)
    measured = depth > 0
    assert measured[:, 40:].mean() > 0.9
    assert np.median(depth[measured]) == pytest.approx(100 * 0.2 / 25, rel=1e-3)
    assert not measured[:, :10].any()  # the right eye does not see there
