"""Fusing exact maps: boxes and areas come back within what the pixels can carry."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from scipy import ndimage

from surveyor.core.cameras import Camera
from surveyor.core.geometry import Intrinsics, OrientedBox, Pose
from surveyor.scenes.capture.depth_maps import FrameMaps
from surveyor.scenes.capture.visibility import (
    eroded,
    first_of_each,
    fuse,
    upright_box,
    world_points,
)


def surface(box: OrientedBox, n: int = 4000) -> np.ndarray:
    rng = np.random.default_rng(0)
    local = rng.uniform(-0.5, 0.5, (n, 3))
    local[np.arange(n), rng.integers(0, 3, n)] = rng.choice([-0.5, 0.5], n)
    return np.array(local * box.size @ np.array(box.axes) + box.center)


@settings(max_examples=25, deadline=None)
@given(
    yaw=st.floats(-4, 4),
    a=st.floats(0.1, 2),
    b=st.floats(0.1, 2),
    c=st.floats(0.05, 2),
)
def test_the_fitted_box_is_the_box(yaw: float, a: float, b: float, c: float) -> None:
    box = OrientedBox.upright((1.0, -2.0, 0.7), (a, b, c), yaw)
    fitted = upright_box(surface(box))
    assert np.allclose(fitted.center, box.center, atol=0.03)
    assert np.allclose(sorted(fitted.size), sorted(box.size), atol=0.06)
    assert fitted.contains(surface(box), margin=1e-6).all()


def test_a_line_of_points_still_has_a_box() -> None:
    line = np.stack([np.linspace(0, 1, 20)] * 2 + [np.zeros(20)], axis=1)
    assert max(upright_box(line).size) == pytest.approx(math.sqrt(2))


def test_fusing_two_views_of_a_wall_restores_it() -> None:
    intrinsics = Intrinsics.from_hfov(1.2, 64, 48)
    eyes = np.array([0.0, -0.5, 1.5]), np.array([0.0, 0.5, 1.5])
    cameras = [
        Camera(
            T_world_camera=Pose.look_at(eye, eye + np.array([1, 0, 0])).tolist(),  # type: ignore[arg-type]
            intrinsics=intrinsics,
        )
        for eye in eyes
    ]
    maps = FrameMaps(np.full((48, 64), 2.0, np.float32), np.full((48, 64), 7, np.int32))
    seen = fuse(cameras, [maps, maps])
    assert set(seen.clouds) == {7}
    assert np.allclose(seen.clouds[7][:, 0], 2.0)
    width = 2.0 * (63 / intrinsics.fx) + 1.0
    fitted = seen.measured().boxes[7]
    assert max(fitted.size) == pytest.approx(width, abs=1e-6)


def test_unmeasured_pixels_and_smaller_maps() -> None:
    camera = Camera(
        T_world_camera=Pose.look_at(np.zeros(3), np.array([0.0, 1, 0])).tolist(),  # type: ignore[arg-type]
        intrinsics=Intrinsics.from_hfov(1.2, 64, 48),
    )
    depth = np.full((24, 32), 3.0, np.float32)
    depth[:, :16] = 0
    points, ids = world_points(camera, FrameMaps(depth, np.ones((24, 32), np.int32)))
    assert len(points) == len(ids) == 24 * 16
    assert np.allclose(points[:, 1], 3.0)
    assert (points[:, 0] > 0).all()
    assert fuse([camera], [FrameMaps(depth * 0, np.ones((24, 32), np.int32))]).clouds == {}


@given(st.lists(st.integers(0, 2**62), max_size=60) | st.lists(st.integers(0, 5), max_size=60))
def test_the_first_of_each_value_is_what_numpy_says(values):
    keys = np.array(values, np.int64)
    assert first_of_each(keys).tolist() == np.unique(keys, return_index=True)[1].tolist()


@given(arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=9)))
def test_what_is_left_of_a_mask_is_what_ndimage_leaves(mask: NDArray[np.bool_]) -> None:
    np.testing.assert_array_equal(eroded(mask), ndimage.binary_erosion(mask))
