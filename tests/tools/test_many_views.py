"""How far off a point is that cameras see, and which way of joining photos is the better."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from surveyor.core.geometry import Float, Intrinsics
from surveyor.tools.geometry.many_views import ViewPose, refined, spread
from surveyor.tools.geometry.photo_joining import _Work, _worth

FOCAL = 400.0
LENS = Intrinsics(fx=FOCAL, fy=FOCAL, cx=240, cy=180, width=480, height=360)


def ring(count: int, degrees: float, away: float = 3.0) -> list[ViewPose]:
    """Cameras on an arc of so many degrees around the origin, all facing it."""
    cameras = []
    for turn in np.radians(np.linspace(-degrees / 2, degrees / 2, count)):
        R = Rotation.from_euler("y", turn).as_matrix()
        cameras.append(ViewPose(R, np.array([0, 0, away])))
    return cameras


def pixels(camera: ViewPose, points: Float) -> Float:
    at = points @ camera.R.T + camera.t
    found: Float = FOCAL * at[:, :2] / at[:, 2:] + [240, 180]
    return found


@settings(max_examples=8)
@given(
    point=st.tuples(*[st.floats(-0.6, 0.6)] * 3), degrees=st.floats(15, 80), count=st.integers(2, 5)
)
def test_the_spread_of_a_point_is_what_a_pixel_of_error_makes_of_it(
    point: tuple[float, float, float], degrees: float, count: int
) -> None:
    cameras, place = ring(count, degrees), np.array(point)
    draws = np.random.default_rng(0)
    seen = np.array([pixels(c, place[None])[0] for c in cameras])
    found = np.array(
        [
            refined(cameras, (seen + draws.normal(0, 1, seen.shape) - [240, 180]) / FOCAL)
            for _ in range(200)
        ]
    )
    told = spread(cameras, np.full(count, FOCAL), place)
    ratios = np.sqrt(np.diag(np.cov(found.T)) / np.diag(told))
    assert np.abs(np.log(ratios)).max() < 0.3


def joined(count: int, degrees: float, points: int) -> _Work:
    """Cameras that all see the same points."""
    cameras = dict(enumerate(ring(count, degrees)))
    cloud = np.random.default_rng(points).uniform(-0.5, 0.5, (points, 3))
    seen = [dict(enumerate(pixels(camera, cloud))) for camera in cameras.values()]
    return _Work([LENS] * count, seen, cameras, dict(enumerate(cloud)))


def test_points_under_a_good_angle_are_worth_more_than_many_photos() -> None:
    few, many = joined(6, 30, 60), joined(12, 2, 90)
    assert _worth(few) > _worth(many)
    assert _worth(joined(7, 30, 60)) > _worth(few)  # as well held: the photos decide
    assert _worth(joined(2, 30, 60))[0] == 0  # two photos agree on anything
