"""Orientation, restoration and new views."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest

from surveyor.core.blobs import Derivation
from surveyor.core.geometry import Pose
from surveyor.services.contract import (
    DetectRequest,
    ErrorCode,
    ImageByHash,
    OrientRequest,
    RenderViewRequest,
    RestoreRequest,
)
from surveyor.services.errors import ExpertError
from surveyor.services.images import inline
from surveyor.services.reference.orient import facing, wrapped
from surveyor.services.reference.presets import PRESETS
from surveyor.services.reference.quality import luma, measure
from surveyor.services.reference.restoration import restored
from tests.services.bench import Bench
from tests.services.world import (
    CAMERA,
    CHAIR_BOX,
    HEIGHT,
    OBJECTS,
    TABLE_BOX,
    WIDTH,
    _camera,
    make_dataset,
    picture,
    textured,
)


@pytest.fixture(scope="module")
def dark(tmp_path_factory):
    """A room filmed in the dark, with its undegraded twins on the truth side."""
    paint = partial(textured, gain=0.1, noise=1.5)
    return make_dataset(tmp_path_factory.mktemp("dark") / "s", 1, 3, paint=paint, twin=textured)


def at(azimuth_degrees, height=0.0, distance=3.0):
    """A camera around the chair, at an azimuth measured from +X."""
    angle = math.radians(azimuth_degrees)
    centre = np.array(OBJECTS[0].box.center)
    offset = np.array([distance * math.cos(angle), distance * math.sin(angle), height])
    eye = centre + offset
    return Pose.look_at(eye, centre)


@pytest.mark.parametrize(("camera", "azimuth"), [(0, 0), (90, -90), (-90, 90), (30, -30)])
def test_azimuth_is_zero_face_on_and_grows_counter_clockwise(camera, azimuth):
    """The chair faces +X: a camera at azimuth a sees it turned by -a."""
    assert facing(OBJECTS[0], at(camera))[0] == pytest.approx(azimuth)


def test_polar_is_the_elevation_of_the_camera_and_level_cameras_do_not_roll():
    azimuth, polar, roll = facing(OBJECTS[0], at(180, height=3.0))
    assert abs(azimuth) == pytest.approx(180)
    assert polar == pytest.approx(45)
    assert roll == pytest.approx(0)


def test_a_camera_rolled_to_the_right_sees_up_leaning_left():
    T = at(0).T_world_camera.copy()
    angle = math.radians(10)
    c, s = math.cos(angle), math.sin(angle)
    T[:3, :3] = T[:3, :3] @ np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    assert facing(OBJECTS[0], Pose(T))[2] == pytest.approx(-10)


def test_angles_wrap_into_half_open_turn():
    assert [wrapped(a) for a in (180, -180, 540, 190, -190, 0)] == [180, 180, 180, -170, 170, 0]


def test_orientation_over_two_views(dataset, tmp_path):
    bench = Bench(dataset, tmp_path, "perfect")
    request = OrientRequest(
        image=bench.frame(index=0), box=CHAIR_BOX, other=bench.frame(index=1), other_box=CHAIR_BOX
    )
    answer = bench.ask("orient", request)
    one, other = (facing(OBJECTS[0], Pose(np.array(_camera(i).T_world_camera))) for i in (0, 1))
    assert answer.orientation.azimuth == pytest.approx(one[0])
    assert answer.other.azimuth == pytest.approx(other[0])
    assert answer.relative_azimuth == pytest.approx(wrapped(other[0] - one[0]))
    assert (answer.orientation.symmetry, answer.orientation.confidence) == (1, 1.0)
    table = bench.ask("orient", OrientRequest(image=bench.frame(), box=TABLE_BOX)).orientation
    assert (table.symmetry, table.confidence) == (0, 0.0)  # no front, and it says so
    with pytest.raises(ExpertError, match="no object in the box"):
        bench.ask("orient", OrientRequest(image=bench.frame(), box=(0, 42, 8, 47)))


def test_a_wrong_orientation_stays_wrong_the_same_way(dataset, tmp_path):
    errors = []
    for seed in range(40):
        bench = Bench(dataset, tmp_path, seed=seed)
        azimuths = []
        for index in (0, 1):
            request = OrientRequest(image=bench.frame(index=index), box=CHAIR_BOX)
            told = bench.ask("orient", request).orientation
            assert told == bench.ask("orient", request).orientation
            true = facing(OBJECTS[0], Pose(np.array(_camera(index).T_world_camera)))[0]
            azimuths.append(wrapped(told.azimuth - true))
        errors.append(azimuths)
    errors = np.array(errors)
    assert 5 < errors.std() < 11  # 8 degrees
    assert np.corrcoef(errors.T)[0, 1] > 0.4


def test_restoring_lifts_what_the_meters_see_and_keeps_lineage(dark, tmp_path):
    bench = Bench(dark, tmp_path)
    frame = bench.frame()
    answer = bench.ask("restore", RestoreRequest(image=frame))
    assert answer.steps[:2] == ("exposure", "denoise")
    before = measure(luma(bench.images(frame).pixels))
    after = measure(luma(bench.pixels(answer.image)))
    assert after.contrast > 3 * before.contrast
    assert after.cnr > before.cnr
    assert answer.derivation == Derivation(parent=frame.sha256, op="restore")
    assert bench.blobs.derivation(answer.image.sha256) == answer.derivation
    restored_frame = ImageByHash(sha256=answer.image.sha256)  # the store knows its lineage
    request = DetectRequest(image=restored_frame, phrases=("chair", "table"), threshold=0)
    bench.ask("detect", request)


def test_a_good_image_is_left_alone():
    pixels = np.random.default_rng(0).integers(90, 200, (HEIGHT, WIDTH, 1), np.uint8)
    pixels = np.repeat(np.repeat(np.repeat(pixels, 4, 0), 4, 1), 3, 2)
    same, steps = restored(pixels, 1)
    assert steps == ()
    assert np.array_equal(same, pixels)


def test_a_crop_enlarged_says_where_it_came_from(dataset, tmp_path):
    bench = Bench(dataset, tmp_path)
    request = RestoreRequest(image=bench.frame(), box=CHAIR_BOX, scale=4)
    answer = bench.ask("restore", request)
    assert (answer.image.width, answer.image.height) == (64, 80)
    a, b, u0, c, d, v0 = answer.derivation.to_parent
    assert (a, b, c, d) == (0.25, 0, 0, 0.25)
    corner = np.array([a * -0.5 + u0, d * -0.5 + v0])  # its corner is the corner of the crop
    assert np.allclose(corner, [9.5, 9.5])
    chair = ImageByHash(sha256=answer.image.sha256)
    perfect = Bench(dataset, tmp_path, "perfect")
    (found,) = perfect.ask("detect", DetectRequest(image=chair, phrases=("chair",))).detections
    assert found.box == (-0.5, -0.5, 63.5, 79.5)


def test_the_undegraded_twin_is_only_for_the_perfect(dark, tmp_path):
    perfect = Bench(dark, tmp_path, "perfect")
    answer = perfect.ask("restore", RestoreRequest(image=perfect.frame()))
    assert answer.steps == ("undegraded twin",)
    twin = perfect.pixels(answer.image)
    real = Bench(dark, tmp_path, "realistic")
    other = real.pixels(real.ask("restore", RestoreRequest(image=real.frame())).image)
    assert not np.array_equal(twin, other)
    assert luma(twin).mean() > 0.2


def test_no_other_preset_has_the_twin():
    assert [name for name, one in PRESETS.items() if one.restore.twin] == ["perfect"]


def test_any_image_can_be_restored_but_not_to_any_size(dataset, tmp_path):
    bench = Bench(dataset, tmp_path)
    stranger = inline(np.zeros((30, 40, 3), np.uint8))
    assert bench.ask("restore", RestoreRequest(image=stranger)).image.width == 40
    big = inline(np.zeros((1500, 1500, 3), np.uint8))
    with pytest.raises(ExpertError) as refused:
        bench.ask("restore", RestoreRequest(image=big, scale=4))
    assert refused.value.code is ErrorCode.TOO_LARGE
    with pytest.raises(ExpertError, match="no area"):
        bench.ask("restore", RestoreRequest(image=bench.frame(), box=(70, 0, 80, 10)))


def test_a_view_from_where_a_frame_was_taken_is_that_frame(tmp_path):
    dataset = make_dataset(tmp_path / "s", 1, 1, paint=lambda _: picture(7))
    bench = Bench(dataset, tmp_path, "perfect")
    request = RenderViewRequest(
        images=(bench.frame(),), T_world_camera=_camera(0).T_world_camera, intrinsics=CAMERA
    )
    answer = bench.ask("render_view", request)
    seen, true = bench.pixels(answer.image), bench.images(bench.frame()).pixels
    assert (np.abs(seen.astype(int) - true).max(axis=2) <= 2).mean() > 0.95
    assert answer.scale == "metric"


def test_a_view_from_around_looks_at_the_scene(dataset, tmp_path):
    bench = Bench(dataset, tmp_path, "perfect")
    images = tuple(bench.frame(index=i) for i in range(3))
    low, high = (
        bench.ask("render_view", RenderViewRequest(images=images, azimuth=20, elevation=e))
        for e in (0, 90)
    )
    assert high.T_world_camera[2][3] > low.T_world_camera[2][3] + 1
    assert np.unique(bench.pixels(high.image)).size > 1
    wrong = (*_camera(0).T_world_camera[:3], (0.0, 0.0, 0.0, float("nan")))
    request = RenderViewRequest(images=images, T_world_camera=wrong)
    with pytest.raises(ExpertError, match="camera-to-world"):
        bench.ask("render_view", request)
