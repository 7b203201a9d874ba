"""Frames, units and their refusals."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.core.geometry import (
    DepthMap,
    Intrinsics,
    OrientedBox,
    PointCloud,
    Pose,
    Scale,
    ScaleError,
    cross,
)

angle = st.floats(-3.1, 3.1)
coordinate = st.floats(-20, 20)
points = st.lists(st.tuples(coordinate, coordinate, coordinate), min_size=1, max_size=8).map(
    lambda rows: np.array(rows, np.float64)
)
CAMERA = Intrinsics.from_hfov(np.deg2rad(65), 64, 48)


@st.composite
def poses(draw: st.DrawFn) -> Pose:
    eye = np.array(draw(st.tuples(coordinate, coordinate, coordinate)))
    yaw, pitch = draw(angle), draw(st.floats(-1.2, 1.2))
    ahead = [np.cos(pitch) * np.cos(yaw), np.cos(pitch) * np.sin(yaw), np.sin(pitch)]
    return Pose.look_at(eye, eye + ahead)


@given(poses(), points)
def test_to_camera_undoes_to_world(pose: Pose, cloud: np.ndarray) -> None:
    assert np.allclose(pose.to_camera(pose.to_world(cloud)), cloud, atol=1e-8)


@given(poses())
def test_look_at_is_level_and_looks_forward(pose: Pose) -> None:
    right, down = pose.T_world_camera[:3, 0], pose.T_world_camera[:3, 1]
    assert abs(right[2]) < 1e-12
    assert down[2] < 0
    ahead = pose.to_camera((pose.position + pose.forward)[None])[0]
    assert np.allclose(ahead, [0, 0, 1])


def test_a_pose_that_is_not_rigid_is_refused() -> None:
    with pytest.raises(ValueError, match="orthonormal"):
        Pose(np.diag([2.0, 1, 1, 1]))
    with pytest.raises(ValueError, match="orthonormal"):
        Pose(np.diag([1e300, 1e300, 1e300, 1]))  # whose squares are no numbers
    with pytest.raises(ValueError, match="right-handed"):
        Pose(np.diag([-1.0, 1, 1, 1]))
    with pytest.raises(ValueError, match="4x4"):
        Pose(np.eye(3))


def test_unproject_then_project_returns_every_pixel_centre() -> None:
    depth = np.random.default_rng(0).uniform(0.5, 5, (48, 64)).astype(np.float32)
    cloud, measured = DepthMap(depth, Scale.METRIC).unproject(CAMERA)
    pixels, z = CAMERA.project(cloud[measured])
    v, u = np.nonzero(measured)
    assert np.allclose(pixels, np.stack([u, v], 1), atol=1e-4)
    assert np.allclose(z, depth[measured])


@given(st.integers(16, 900), st.integers(16, 900))
def test_resized_intrinsics_keep_the_view(width: int, height: int) -> None:
    """The ray through a corner of the image is the same before and after resampling."""
    other = CAMERA.resized(width, height)

    def corner(camera: Intrinsics) -> tuple[float, float]:
        return (-0.5 - camera.cx) / camera.fx, (-0.5 - camera.cy) / camera.fy

    assert np.allclose(corner(CAMERA), corner(other))


@given(st.tuples(coordinate, coordinate, coordinate), angle)
def test_box_corners_lie_on_the_box_and_nowhere_else(
    center: tuple[float, float, float], yaw: float
) -> None:
    box = OrientedBox.upright(center, (1.0, 2.0, 0.5), yaw)
    assert box.contains(box.corners(), margin=1e-6).all()
    assert not box.contains(box.corners(), margin=-1e-3).any()
    spread = np.ptp(box.to_local(box.corners()), axis=0)
    assert np.allclose(spread, box.size)


def test_relative_lengths_are_not_metres() -> None:
    values = np.ones((2, 2), np.float32)
    with pytest.raises(ScaleError, match="not metres"):
        DepthMap(values, Scale.RELATIVE).metres()
    with pytest.raises(ScaleError, match="not metres"):
        PointCloud(np.zeros((1, 3)), Scale.RELATIVE).metres()
    assert DepthMap(values, Scale.ALIGNED).metres() is values


def test_depth_and_intrinsics_of_different_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="different image sizes"):
        DepthMap(np.ones((10, 10), np.float32), Scale.METRIC).unproject(CAMERA)


@given(st.lists(st.floats(-1e3, 1e3), min_size=6, max_size=6))
def test_the_cross_of_two_vectors_is_numpys_to_the_bit(six: list[float]) -> None:
    a, b = np.array(six[:3]), np.array(six[3:])
    assert cross(a, b).tobytes() == np.cross(a, b).tobytes()
