"""Adjustment of cameras and points, focal lengths from pairs, and photos placed by known points."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from surveyor.core.geometry import Float, Intrinsics
from surveyor.tools.geometry.bundle import CameraBundle, Sightings, adjusted, camera_spread, slopes
from surveyor.tools.geometry.many_views import ViewPose, drift, refined

FOCAL = 400.0
LENS = Intrinsics(fx=FOCAL, fy=FOCAL, cx=240, cy=180, width=480, height=360)


def filmed(draws: np.random.Generator, cameras: int = 6, points: int = 80) -> CameraBundle:
    """Cameras some way off that all look at the same cloud."""
    turns = Rotation.from_rotvec(draws.normal(0, 0.2, (cameras, 3))).as_matrix()
    shifts = np.column_stack([draws.normal(0, 0.6, (cameras, 2)), np.full(cameras, 4.0)])
    return CameraBundle(turns, shifts, draws.uniform(-1, 1, (points, 3)))


def seen_by(bundle: CameraBundle, draws: np.random.Generator, noise: float) -> Sightings:
    who, what = np.meshgrid(range(len(bundle.turns)), range(len(bundle.points)), indexing="ij")
    none = np.zeros((who.size, 2))
    exact = Sightings(who.ravel(), what.ravel(), none, np.full(who.size, FOCAL))
    at = slopes(bundle, exact).off
    return replace(exact, pixels=at + draws.normal(0, noise, at.shape))


@settings(max_examples=10)
@given(seed=st.integers(0, 10_000))
def test_slopes_are_what_a_small_move_does(seed: int) -> None:
    draws = np.random.default_rng(seed)
    bundle = filmed(draws, 2, 3)
    seen = seen_by(bundle, draws, 0.0)
    now, small = slopes(bundle, seen), 1e-6
    for k in range(6):
        move = np.zeros(6)
        move[k] = small
        turn = Rotation.from_rotvec(move[:3]).as_matrix()
        moved = replace(bundle, turns=turn @ bundle.turns, shifts=bundle.shifts + move[3:])
        assert np.allclose(slopes(moved, seen).off / small, now.camera[:, :, k], atol=0.1)
    wider = slopes(replace(bundle, zoom=small), seen)
    assert np.allclose(wider.off / small, now.zoom[:, :, 0], atol=0.1)
    for k in range(3):
        moved = replace(bundle, points=bundle.points + small * np.eye(3)[k])
        assert np.allclose(slopes(moved, seen).off / small, now.point[:, :, k], atol=0.1)


def lengths(bundle: CameraBundle) -> float:
    """A length by another, on which no choice of coordinates hangs."""
    a, b, c, d = bundle.points[:4]
    return float(np.log(np.linalg.norm(a - b) / np.linalg.norm(c - d)))


def test_what_was_moved_comes_back_wrong_matches_or_not() -> None:
    draws = np.random.default_rng(1)
    true = filmed(draws)
    seen = seen_by(true, draws, 0.3)
    wrong = draws.choice(len(seen.pixels), 20, replace=False)
    seen.pixels[wrong] += 60
    start = replace(
        true,
        shifts=true.shifts + draws.normal(0, 0.05, true.shifts.shape),
        points=true.points + draws.normal(0, 0.05, true.points.shape),
        zoom=0.1,
    )
    found = adjusted(start, seen, zoom=True)
    assert abs(found.zoom) < 0.02
    assert np.median(np.linalg.norm(slopes(found, seen).off, axis=1)) < 0.5
    assert lengths(found) == pytest.approx(lengths(true), abs=0.02)
    assert adjusted(start, seen, zoom=False).zoom == 0.1


def test_matches_wrong_by_little_and_all_alike_do_not_turn_a_photo() -> None:
    """As of a pattern that repeats: a third of one photo's points lie three pixels aside."""
    draws = np.random.default_rng(3)
    true = filmed(draws)
    seen = seen_by(true, draws, 0.3)
    seen.pixels[np.flatnonzero(seen.camera == 2)[::3]] += [3, 0]
    soft = adjusted(true, seen, zoom=True)
    off = []
    for found in (soft, adjusted(soft, seen, zoom=True, fine=True)):
        aside = slopes(found, seen).off[seen.camera == 2]
        off.append(abs(np.median(np.delete(aside, np.s_[::3], axis=0)[:, 0])))
    assert off[0] > 0.3
    assert off[1] < 0.1


@pytest.mark.parametrize("fine", [False, True])
def test_the_spread_of_cameras_tells_how_far_a_length_is_off(fine: bool) -> None:
    """Of two ends marked exactly, in cameras that were adjusted to noisy points; with ``fine``
    every fifth point is seen four times as badly as the others."""
    draws = np.random.default_rng(2)
    true = filmed(draws, 5, 40)
    ends = np.array([[0.5, 0.4, 0.8], [-0.6, -0.2, -0.7], [0.1, -0.8, 0.2], [0.3, 0.7, -0.9]])

    def rays(k: int, point: Float) -> Float:
        at = true.turns[k] @ point + true.shifts[k]
        found: Float = at[:2] / at[2]
        return found

    def logs(cameras: list[ViewPose], zoom: float) -> tuple[float, Float]:
        where = [
            refined(cameras, np.array([rays(k, end) for k in range(5)]) / np.exp(zoom))
            for end in ends
        ]
        a, b, c, d = where
        moves = [drift(cameras, np.full(5, FOCAL), point) for point in where]
        one, other = (a - b) / np.linalg.norm(a - b), (c - d) / np.linalg.norm(c - d)
        by = one @ (moves[0] - moves[1]) / np.linalg.norm(a - b)
        by -= other @ (moves[2] - moves[3]) / np.linalg.norm(c - d)
        return float(np.log(np.linalg.norm(a - b) / np.linalg.norm(c - d))), by

    exact = float(np.log(np.linalg.norm(ends[0] - ends[1]) / np.linalg.norm(ends[2] - ends[3])))
    off, told = [], []
    for _ in range(40):
        seen = seen_by(true, draws, 0.3)
        if fine:
            bad = seen.point % 5 == 0
            seen.pixels[bad] += draws.normal(0, 1.2, (int(bad.sum()), 2))
        found = adjusted(true, seen, zoom=True)
        found = adjusted(found, seen, zoom=True, fine=True) if fine else found
        cameras = [ViewPose(R, t) for R, t in zip(found.turns, found.shifts, strict=True)]
        length, by = logs(cameras, found.zoom)
        off.append(length - exact)
        told.append(by @ camera_spread(found, seen, zoom=True, fine=fine) @ by)
    assert 0.6 < np.sqrt(np.mean(told)) / np.std(off) < 1.7
