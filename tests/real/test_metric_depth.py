"""Depth in metres on a real indoor pair: stereo is right, trivial answers are not."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from surveyor.services.contract import RightView
from surveyor.services.depth_check import judge_depth, read_pair, trivial
from surveyor.services.images import inline


def test_the_truth_is_metric_and_indoor(depth_pair: Path) -> None:
    depth = read_pair(depth_pair).depth
    known = depth[depth > 0]
    assert depth.shape == (500, 741)
    assert (known.min(), known.max()) == pytest.approx((2.11, 5.02), abs=0.01)


def test_stereo_measures_it_and_trivial_answers_do_not(depth_pair: Path) -> None:
    pytest.importorskip("cv2", reason="OpenCV is not installed; make test-real brings it")
    from surveyor.services.stereo.depth import stereo_depth

    pair = read_pair(depth_pair)
    left, right = (
        np.asarray(Image.open(io.BytesIO(data)).convert("RGB")) for data in (pair.left, pair.right)
    )
    eyes = RightView(image=inline(left[:8, :8]), baseline=pair.baseline, offset=pair.offset)
    score = judge_depth(stereo_depth(left, right, pair.focal, eyes), pair.depth)
    assert score.covered > 0.85
    assert score.median < 0.005
    assert score.delta1 > 0.95
    assert score.scale == pytest.approx(1, abs=0.005)
    for title, guess in trivial(pair.depth):
        assert judge_depth(guess, pair.depth).abs_rel > 0.1, title


def test_the_command_line_judges_a_running_expert(depth_pair: Path, tmp_path: Path) -> None:
    pytest.importorskip("cv2", reason="OpenCV is not installed; make test-real brings it")
    state = str(tmp_path / "state")
    _surveyor("serve", "up", "--backend", "stereo", "--expert", "depth", "--state", state)
    try:
        told = _surveyor("serve", "check", "depth", str(depth_pair), "--state", state)
    finally:
        _surveyor("serve", "down", "--state", state)
    assert "stereo-sgbm" in told
    assert "everywhere" in told


def _surveyor(*arguments: str) -> str:
    command = [sys.executable, "-m", "surveyor.cli.main", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
