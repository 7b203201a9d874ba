"""What a run keeps for whoever looks at it later: end points, cameras, clouds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.core.blobs import BlobStore
from surveyor.core.geometry import Intrinsics, OrientedBox, PointCloud, Pose, Scale
from surveyor.tools.geometry.boxes import box_distance, closest_points
from surveyor.tools.geometry.kept import MOST, KeptGeometry, keep_geometry, quantised
from surveyor.tools.records import ReconstructionRecord, ViewRecord

SIZES = st.tuples(*[st.floats(0.1, 2.0)] * 3)
PLACES = st.tuples(*[st.floats(-2.0, 2.0)] * 3)
YAWS = st.floats(0, 3.1)


@given(PLACES, SIZES, YAWS, PLACES, SIZES, YAWS)
def test_closest_points_lie_on_their_boxes_and_are_as_far_apart_as_the_boxes(
    place: tuple[float, float, float],
    size: tuple[float, float, float],
    yaw: float,
    place_b: tuple[float, float, float],
    size_b: tuple[float, float, float],
    yaw_b: float,
) -> None:
    a = OrientedBox.upright(place, size, yaw)
    b = OrientedBox.upright(place_b, size_b, yaw_b)
    first, second = closest_points(a, b)
    slack = 1e-6 if (first != second).any() else 0.05  # a point of both is sought step by step
    assert a.contains(first[None], slack).all()
    assert b.contains(second[None], slack).all()
    assert np.linalg.norm(first - second) == pytest.approx(box_distance(a, b), abs=1e-9)


def test_a_quantised_cloud_is_even_bounded_and_true_to_a_tenth_of_a_millimetre() -> None:
    points = np.random.default_rng(1).uniform(-3, 3, (400_000, 3))
    grid, origin, step = quantised(points)
    assert len(grid) == MOST
    back = np.array(origin) + grid[:100] * step
    nearest = min(np.linalg.norm(points - back[0], axis=1))
    assert nearest < 2e-4
    first = np.array(origin) + grid[: MOST // 20] * step
    assert np.abs(first.mean(axis=0)).max() < 0.2  # any first part is an even sample


def test_cameras_and_cloud_are_kept_once_and_can_be_read_back(tmp_path: Path) -> None:
    store = BlobStore(tmp_path)
    intrinsics = Intrinsics.from_hfov(1.0, 8, 6)
    pose = Pose(np.eye(4))
    grid = np.ones((6, 8), np.float32)
    view = ViewRecord("frame_0", "k", pose, intrinsics, grid, grid)
    cloud = PointCloud(np.random.default_rng(0).normal(size=(500, 3)), Scale.METRIC)
    record = ReconstructionRecord({"frame_0": view}, cloud, ())
    ref = keep_geometry(record, store)
    assert keep_geometry(record, store) == ref
    kept = KeptGeometry.model_validate_json(store.get(ref.sha256))
    assert kept.views[0].frame == "frame_0"
    assert kept.cloud.size == kept.points * 6
    assert len(store.get(kept.cloud.sha256)) == kept.cloud.size
    assert len(list(store)) == 2


def test_an_empty_cloud_is_kept_as_such() -> None:
    grid, _, step = quantised(np.empty((0, 3)))
    assert grid.shape == (0, 3)
    assert step > 0
