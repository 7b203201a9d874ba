"""Joining photos from what they show in common: focal lengths, photos placed, photos torn off."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from surveyor.core.geometry import Float, Intrinsics
from surveyor.tools.geometry.many_views import ViewPose
from surveyor.tools.geometry.photo_joining import _drop_torn, _Work, join_tracks
from surveyor.tools.geometry.photo_matching import _alike, _nearest, fundamental

FOCAL = 400.0
LENS = Intrinsics(fx=FOCAL, fy=FOCAL, cx=240, cy=180, width=480, height=360)


def guessed(factor: float, count: int) -> list[Intrinsics]:
    return [LENS.model_copy(update={"fx": FOCAL * factor, "fy": FOCAL * factor})] * count


def walk(count: int) -> list[ViewPose]:
    """Cameras on an arc around a cloud at the origin, each a little higher than the last."""
    cameras = []
    for k, turn in enumerate(np.radians(np.linspace(-25, 25, count))):
        R = Rotation.from_euler("yx", [turn, 0.05 * k]).as_matrix()
        cameras.append(ViewPose(R, np.array([0, 0, 4.0 + 0.1 * k])))
    return cameras


def pixels(camera: ViewPose, points: Float) -> Float:
    at = points @ camera.R.T + camera.t
    found: Float = FOCAL * at[:, :2] / at[:, 2:] + [240, 180]
    return found


def shown(cameras: list[ViewPose], points: int = 150, noise: float = 0.4) -> list[dict[int, Float]]:
    draws = np.random.default_rng(0)
    cloud = draws.uniform(-1, 1, (points, 3))
    return [
        dict(enumerate(pixels(c, cloud) + draws.normal(0, noise, (points, 2)))) for c in cameras
    ]


@settings(max_examples=4, deadline=None)
@given(factor=st.sampled_from([0.6, 0.8, 1.2, 1.5]))
def test_pairs_tell_the_focal_length_that_no_camera_wrote(factor: float) -> None:
    pytest.importorskip("cv2", reason="OpenCV is not installed; make test-real brings it")
    from surveyor.tools.geometry.photo_focal import focal_factor

    told = focal_factor(guessed(factor, 5), shown(walk(5)))
    assert told == pytest.approx(1 / factor, rel=0.06)


def test_photos_from_one_spot_tell_no_focal_length() -> None:
    pytest.importorskip("cv2", reason="OpenCV is not installed; make test-real brings it")
    from surveyor.tools.geometry.photo_focal import focal_factor

    turned = [
        ViewPose(Rotation.from_euler("y", a).as_matrix(), np.array([0, 0, 4.0])) for a in (0, 0.1)
    ]
    still = [ViewPose(c.R @ turned[0].R.T, c.R @ np.array([0, 0, 4.0])) for c in turned]
    assert focal_factor(guessed(1.3, 2), shown(still)) is None


def test_photos_are_joined_from_a_focal_length_guessed_a_third_off() -> None:
    pytest.importorskip("cv2", reason="OpenCV is not installed; make test-real brings it")
    cameras = walk(7)
    joined = join_tracks(guessed(0.7, 7), shown(cameras), focal_known=False)
    assert joined.apart == ()
    assert joined.intrinsics[0].fx == pytest.approx(FOCAL, rel=0.03)
    steps = [np.linalg.norm(a.centre - b.centre) for a, b in pairwise(cameras)]
    found = list(joined.cameras.values())
    told = [np.linalg.norm(a.centre - b.centre) for a, b in pairwise(found)]
    ratios = np.array(told) / steps
    assert np.ptp(ratios) / ratios.mean() < 0.06
    assert joined.loose.shape == (43, 43)


def test_a_photo_is_placed_by_known_points_and_not_by_a_few() -> None:
    pytest.importorskip("cv2", reason="OpenCV is not installed; make test-real brings it")
    from surveyor.tools.geometry.resection import resected

    draws = np.random.default_rng(3)
    cloud, camera = draws.uniform(-1, 1, (60, 3)), walk(3)[2]
    rays = (pixels(camera, cloud) - [240, 180]) / FOCAL
    wrong = rays.copy()
    wrong[:20] += draws.uniform(-0.3, 0.3, (20, 2))
    found = resected(cloud, wrong, FOCAL)
    assert found is not None
    assert np.linalg.norm(found.centre - camera.centre) < 0.02
    wrong[:45] += draws.uniform(-0.3, 0.3, (45, 2))
    assert resected(cloud, wrong, FOCAL) is None


def test_a_photo_that_fits_two_places_alike_waits() -> None:
    """Points of one small wall, far off: two turns of it look the same but for half a pixel."""
    pytest.importorskip("cv2", reason="OpenCV is not installed; make test-real brings it")
    from surveyor.tools.geometry.resection import resected

    draws = np.random.default_rng(4)
    wall = np.column_stack([draws.uniform(-0.2, 0.2, (40, 2)), np.zeros(40)])
    camera = ViewPose(Rotation.from_euler("y", 0.6).as_matrix(), np.array([0, 0, 6.0]))
    rays = (pixels(camera, wall) + draws.normal(0, 1.0, (40, 2)) - [240, 180]) / FOCAL
    assert resected(wall, rays, FOCAL) is None


def test_photos_whose_pairs_contradict_where_they_stand_are_torn_off() -> None:
    cameras = dict(enumerate(walk(6)))
    draws = np.random.default_rng(0)
    cloud = draws.uniform(-1, 1, (150, 3))
    seen = [dict(enumerate(pixels(c, cloud))) for c in cameras.values()]
    work = _Work([LENS] * 6, seen, dict(cameras), dict(enumerate(cloud)))
    assert not _drop_torn(work, True)
    swung = Rotation.from_euler("y", 0.4).as_matrix()
    for k in (4, 5):  # together, so that the two agree with each other
        work.cameras[k] = ViewPose(
            cameras[k].R @ swung, cameras[k].t + cameras[k].R @ [0.9, 0.2, 0]
        )
    assert _drop_torn(work, True)
    assert sorted(work.cameras) == [0, 1, 2, 3]


def test_points_that_end_opencv_in_an_assertion_fit_nothing() -> None:
    pytest.importorskip("cv2", reason="OpenCV is not installed; make test-real brings it")
    one = [90, 102, 152, 87, -58, 30, 90, 102, -13, 78, 149, 77, 41, 62, -1, 78, 107, 132]
    two = [122, 84, 193, 78, 1, 11, 122, 84, 37, 56, 193, 69, 89, 48, 48, 56, 146, 112]
    left, right = (np.array(row, float).reshape(-1, 2) for row in (one, two))
    assert fundamental(left, right, 1.0) is None
    cameras = walk(3)[::2]
    cloud = np.random.default_rng(0).uniform(-1, 1, (60, 3))
    left, right = (pixels(camera, cloud) for camera in cameras)
    right[:10] += 40
    found = fundamental(left, right, 1.0)
    assert found is not None
    assert found[1].tolist() == [False] * 10 + [True] * 50


@pytest.mark.parametrize(("common", "alike"), [(9, False), (10, True)])
def test_photos_are_alike_by_ten_features_in_common(common: int, alike: bool) -> None:
    draws = np.random.default_rng(0)
    one, other = draws.integers(0, 512, (2, 60, 128)).astype(np.float32)
    other[:common] = one[50 : 50 + common]
    assert _alike(one, other) is alike
    assert not _alike(one[:1], other)


@settings(max_examples=20)
@given(seed=st.integers(0, 1000), one=st.integers(18, 40), other=st.integers(18, 40))
def test_the_nearest_descriptor_is_taken_where_it_is_clearly_the_nearest(
    seed: int, one: int, other: int
) -> None:
    draws = np.random.default_rng(seed)
    a = draws.integers(0, 30, (one, 8)).astype(np.float32)
    b = draws.integers(0, 30, (other, 8)).astype(np.float32)
    many = min(one, other // 2)
    b[:many] = a[:many] + draws.integers(0, 2, (many, 8))
    far = np.linalg.norm(a[:, None].astype(float) - b, axis=2)
    wanted: dict[int, tuple[float, int]] = {}
    for i, row in enumerate(far):
        first, second = np.sort(row)[:2]
        j = int(row.argmin())
        if first < 0.8 * second and (j not in wanted or first < wanted[j][0]):
            wanted[j] = (float(first), i)
    assert {(i, j) for j, (_, i) in wanted.items()} == {(i, j) for i, j in _nearest(a, b).tolist()}


@settings(max_examples=20)
@given(factor=st.floats(0.1, 1.0), u=st.floats(0, 479), v=st.floats(0, 359))
def test_a_lens_of_a_smaller_picture_sees_the_same_ways(factor: float, u: float, v: float) -> None:
    from surveyor.tools.geometry.photo_focal import resized

    small = resized(LENS, factor)
    at = (np.array([u, v]) + 0.5) * factor - 0.5
    ray = (at - [small.cx, small.cy]) / [small.fx, small.fy]
    assert np.allclose(ray, (np.array([u, v]) - [LENS.cx, LENS.cy]) / FOCAL)
    again = resized(small, 1 / factor)
    assert np.allclose([again.fx, again.cx, again.cy], [LENS.fx, LENS.cx, LENS.cy])


def test_an_adjusted_focal_length_stays_near_the_vote_of_pairs() -> None:
    from surveyor.tools.geometry.photo_joining import _adjust

    cameras = dict(enumerate(walk(6)))
    cloud = np.random.default_rng(0).uniform(-1, 1, (150, 3))
    seen = [dict(enumerate(pixels(c, cloud))) for c in cameras.values()]
    for voted, told in ((FOCAL, FOCAL), (FOCAL * 1.3, FOCAL * 1.1)):
        work = _Work(guessed(1.1, 6), seen, dict(cameras), dict(enumerate(cloud)), voted)
        _adjust(work, focal=True)
        assert work.intrinsics[0].fx == pytest.approx(told, rel=0.02)


def test_of_many_photos_those_that_are_alike_are_matched_however_far_apart() -> None:
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed; make test-real brings it")
    from surveyor.core.photos import Photo
    from surveyor.tools.geometry.photo_matching import tracks_of

    rough = np.random.default_rng(0).integers(0, 256, (80, 100), np.uint8)
    wall = cv2.resize(rough, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    pictures = [np.full((240, 320), 128, np.uint8)] * 36
    pictures[3], pictures[30] = wall[:240, :320], wall[20:260, 40:360]
    photos = [
        Photo(str(k), cv2.imencode(".png", picture)[1].tobytes(), "image/png", 320, 240)
        for k, picture in enumerate(pictures)
    ]
    lens = Intrinsics(fx=300, fy=300, cx=159.5, cy=119.5, width=320, height=240)
    seen = tracks_of(photos, [lens] * 36)
    common = seen[3].keys() & seen[30].keys()
    assert len(common) > 50
    off = np.array([seen[3][track] - seen[30][track] for track in common])
    assert np.allclose(np.median(off, axis=0), [40, 20], atol=0.2)
