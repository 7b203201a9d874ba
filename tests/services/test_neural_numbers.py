"""The arithmetic of the neural adapters around their models; needs no model library."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.spatial.transform import Rotation

from surveyor.core.errors import UserError
from surveyor.core.geometry import Intrinsics
from surveyor.services.contract import Orientation
from surveyor.services.images import LoadedImage
from surveyor.services.neural.angles import Bins, composed, fit_symmetry, wrapped
from surveyor.services.neural.detect import accepted, pixel_boxes
from surveyor.services.neural.detect_parts import Candidates
from surveyor.services.neural.detect_tokens import PhrasePrompt, read
from surveyor.services.neural.multi_view import from_above_one, inverted, on_one_grid, to_integers
from surveyor.services.neural.multi_view_nets import pinhole_of
from surveyor.services.neural.preprocessing import (
    exif_focal,
    fitted,
    padded_square,
    resampled_measured,
)
from surveyor.services.neural.tiling import run_tiled, tiles

RED_CHAIR = (0, 1, 3)
BLUE_CHAIR = (1, 4, 6)


def found(rows: list[list[float]]) -> Candidates:
    """Tokens: start, red, chair, dot, blue, chair, dot, end."""
    boxes = np.full((len(rows), 4), 0.5, np.float32)
    prompt = PhrasePrompt(tuple(range(8)), (RED_CHAIR, BLUE_CHAIR))
    return read(prompt, np.array(rows, np.float32), boxes)


def test_a_query_is_the_phrase_whose_words_it_answers_to_together() -> None:
    red = [0, 0.6, 0.8, 0, 0.1, 0.8, 0, 0]
    blue = [0, 0.1, 0.7, 0, 0.5, 0.7, 0, 0]
    neither = [0.9, 0.1, 0.2, 0.9, 0.1, 0.2, 0, 0.9]
    assert [
        (phrase, round(score, 3))
        for phrase, _, score in accepted(found([red, blue, neither]), (10, 10), 0.3)
    ] == [
        (0, 0.8),
        (1, 0.7),
    ]


def test_boxes_that_are_none_are_dropped() -> None:
    one = found([[0, 1, 1, 0, 0, 0, 0, 0]] * 3)
    one.boxes[:] = [[0.5, 0.5, 0.0, 0.2], [1.5, 0.5, 0.2, 0.2], [0.5, 0.5, 0.2, 0.2]]
    assert len(accepted(one, (100, 100), 0.3)) == 1


def test_boxes_have_pixel_centres_at_integers_and_stay_in_the_image() -> None:
    boxes = np.array([[0.5, 0.5, 1.0, 1.0], [0.05, 0.5, 0.2, 0.5]], np.float32)
    assert pixel_boxes(boxes, (100, 40)) == pytest.approx(
        np.array([[-0.5, -0.5, 99.5, 39.5], [-0.5, 9.5, 14.5, 29.5]]), abs=1e-4
    )


@given(height=st.integers(1, 90), width=st.integers(1, 90), size=st.integers(8, 40), data=st.data())
def test_tiles_cover_every_pixel_and_overlap(
    height: int, width: int, size: int, data: st.DataObject
) -> None:
    overlap = data.draw(st.integers(0, size // 2))
    seen = np.zeros((height, width), int)
    for tile in tiles(height, width, size, overlap):
        assert 0 <= tile.top < tile.bottom <= height
        assert tile.bottom - tile.top == min(size, height)
        seen[tile.top : tile.bottom, tile.left : tile.right] += 1
    assert seen.min() >= 1


@settings(max_examples=30, deadline=None)
@given(height=st.integers(1, 60), width=st.integers(1, 60), overlap=st.integers(0, 8))
def test_tiled_work_shows_no_seams(height: int, width: int, overlap: int) -> None:
    image = np.random.default_rng(0).random((3, height, width), dtype=np.float32)

    def double(batch: np.ndarray) -> np.ndarray:
        return batch.repeat(2, axis=2).repeat(2, axis=3)

    out = run_tiled(double, image, scale=2, size=16, overlap=overlap)
    assert out == pytest.approx(double(image[None])[0], abs=1e-5)


def test_tiles_that_disagree_fade_into_each_other() -> None:
    image = np.zeros((3, 8, 48), np.float32)
    image[:, :, 24:] = 1

    def average(batch: np.ndarray) -> np.ndarray:
        return np.broadcast_to(batch.mean(axis=(2, 3), keepdims=True), batch.shape)

    row = run_tiled(average, image, scale=1, size=32, overlap=16)[0, 0]
    assert np.abs(np.diff(row)).max() < 0.05
    assert np.all(np.diff(row) >= -1e-6)


@pytest.mark.parametrize(
    ("size", "grid"), [((640, 480), (504, 378)), ((480, 640), (378, 504)), ((7, 2000), (14, 504))]
)
def test_the_processed_size_of_depth_anything_3(
    size: tuple[int, int], grid: tuple[int, int]
) -> None:
    assert fitted(*size, 504, 14) == grid


def test_views_of_one_shape_are_resized_and_others_are_cropped_and_remembered() -> None:
    wide, tall = np.zeros((60, 80, 3), np.uint8), np.zeros((80, 60, 3), np.uint8)
    first, same, other = on_one_grid([wide, np.zeros((120, 160, 3), np.uint8), tall], 112)
    assert first.pixels.shape == same.pixels.shape == other.pixels.shape == (84, 112, 3)
    assert (first.left, first.top, first.width, first.height) == (0, 0, 112, 84)
    assert (other.left, other.width) == (0, 112)
    assert (other.top, other.height) == (32, 149)
    whole = other.spread(np.ones((84, 112), np.float32))
    assert whole.shape == (149, 112)
    assert np.flatnonzero(whole[:, 0]).tolist() == list(range(32, 116))
    K = np.array([[100.0, 0, 55.5], [0, 100, 41.5], [0, 0, 1]])
    assert other.pinhole(K) == Intrinsics(fx=100, fy=100, cx=55.5, cy=73.5, width=112, height=149)


def test_intrinsics_are_found_from_points_in_the_cameras_frame() -> None:
    camera = Intrinsics(fx=120, fy=110, cx=30, cy=22, width=64, height=48)
    depth = np.random.default_rng(0).uniform(1, 5, (48, 64))
    points = (camera.rays() * depth[..., None]).astype(np.float32)
    points[:5, :7] = np.nan
    points[40:] = 0
    assert pinhole_of(points) == pytest.approx(camera.matrix(), abs=1e-3)
    assert np.isnan(pinhole_of(np.zeros((4, 4, 3), np.float32))).all()


def test_poses_are_inverted_and_centres_moved() -> None:
    rng = np.random.default_rng(0)
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    T = np.eye(4)[None].repeat(2, 0)
    T[0, :3, :3], T[:, :3, 3] = turn * np.sign(np.linalg.det(turn)), rng.normal(size=(2, 3))
    assert inverted(T) @ T == pytest.approx(np.eye(4)[None].repeat(2, 0))
    assert to_integers(np.array([[[9.0, 0, 8], [0, 9, 6], [0, 0, 1]]]))[0, :2, 2].tolist() == [
        7.5,
        5.5,
    ]


def test_confidence_above_one_becomes_a_share() -> None:
    values = from_above_one(np.array([[0.5, 1, 2, 4, 1e9]], np.float32))
    assert values.tolist() == [[0, 0, 0.5, 0.75, 1]]


def test_unmeasured_pixels_do_not_bleed_into_a_resized_depth_map() -> None:
    depth = np.full((4, 4), 2, np.float32)
    depth[:, :2] = 0
    large = resampled_measured(depth, 16, 16)
    assert set(np.unique(large).tolist()) == {0.0, 2.0}
    assert (large[:, :6] == 0).all()
    assert (large[:, 11:] == 2).all()


def test_an_object_is_centred_in_a_white_square() -> None:
    square = padded_square(np.zeros((34, 85, 3), np.uint8), 0.85, 255)
    assert square.shape == (100, 100, 3)
    rows, columns = np.nonzero(square[..., 0] == 0)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (33, 66, 7, 91)


def photo(**tags: float) -> LoadedImage:
    exif = Image.Exif()
    if tags:
        exif.get_ifd(0x8769)[0xA405] = tags["focal"]
    buffer = io.BytesIO()
    Image.new("RGB", (400, 300)).save(buffer, "JPEG", exif=exif)
    return LoadedImage(buffer.getvalue(), max_pixels=10**6)


def test_the_focal_length_of_a_photo_is_read_from_its_exif() -> None:
    focal = exif_focal(photo(focal=26))
    assert focal == pytest.approx(26 * 500 / 43.2666)
    assert exif_focal(photo(focal=0)) is None
    assert exif_focal(photo()) is None


@pytest.mark.parametrize("order", [1, 2, 4])
@pytest.mark.parametrize("peak", [0, 77, 301])
def test_symmetry_is_the_number_of_alike_fronts(order: int, peak: int) -> None:
    angles = np.deg2rad(np.arange(360) - peak)
    noise = np.random.default_rng(0).uniform(0, 0.02, 360)
    symmetry, confidence = fit_symmetry(np.exp(2 * (np.cos(order * angles) - 1)) + noise)
    assert symmetry == order
    assert confidence > 0.8


def test_a_round_thing_has_no_front() -> None:
    noise = np.random.default_rng(0).uniform(0.4, 0.6, 360)
    assert fit_symmetry(noise)[0] == 0
    assert fit_symmetry(np.ones(360)) == (0, 0)


@pytest.mark.parametrize(("total", "rotation"), [(902, 30.0), (722, 30.0)])
def test_angles_are_read_from_the_layout_of_the_checkpoint(total: int, rotation: float) -> None:
    bins = Bins.of(total)
    logits = np.zeros(total, np.float32)
    logits[270] = logits[360 + 100] = 9
    logits[540 + bins.rotation // 2 - 30] = 9
    logits[-2:] = [3, 0]
    told = bins.read(logits)
    assert (told.azimuth, told.polar, told.rotation) == (90, 10, rotation)
    assert told.symmetry == 1
    assert told.confidence == pytest.approx(1 / (1 + np.exp(-3)))
    logits[-2:] = [0, 3]
    assert bins.read(logits).symmetry == 0


def test_unknown_layouts_are_refused() -> None:
    with pytest.raises(UserError, match="722, 900 or 902 outputs, not 540"):
        Bins.of(540)


@given(st.floats(-2000, 2000))
def test_wrapped_angles_keep_their_direction(degrees: float) -> None:
    assert -180 < wrapped(degrees) <= 180
    assert np.cos(np.deg2rad(wrapped(degrees) - degrees)) == pytest.approx(1)


@pytest.mark.parametrize("azimuth", [0, 35, 90, 200, 359])
@pytest.mark.parametrize("turn", [-40, 0, 25])
def test_angles_mean_in_the_image_what_upstreams_projection_of_the_axes_means(
    azimuth: int, turn: int
) -> None:
    """Its axes on the screen (x right, y up), for a level camera: the front at
    ``(-sin a cos r, -sin a sin r)`` and up at ``(-sin r, cos r)``."""
    logits = np.zeros(902, np.float32)
    logits[azimuth] = logits[360 + 90] = logits[540 + 180 + turn] = 9
    told = Bins.of(902).read(logits)
    a, r = np.deg2rad(azimuth), np.deg2rad(turn)
    lean = np.deg2rad(told.rotation)
    assert (np.sin(lean), np.cos(lean)) == pytest.approx((-np.sin(r), np.cos(r)))
    facing_right = np.sin(np.deg2rad(told.azimuth))
    assert facing_right == pytest.approx(-np.sin(a), abs=1e-6)
    assert np.cos(np.deg2rad(told.azimuth)) == pytest.approx(np.cos(a), abs=1e-6)


def _stands(azimuth: float, polar: float, rotation: float) -> Orientation:
    """What the angles of upstream's own sense are in the contract's."""
    return Orientation(
        azimuth=-azimuth, polar=polar, rotation=-rotation, symmetry=1, confidence=0.5
    )


def test_a_second_view_is_the_first_one_turned_as_upstream_turns_it() -> None:
    """(200, 35, 0) turned by (60, 10, 0): what Orient Anything V2's own code makes of it."""
    told = composed(_stands(200, 35, 0), _stands(60, 10, 0))
    assert (-told.azimuth, told.polar, -told.rotation) == pytest.approx(
        (-89.6036, 25.1301, 33.2755), abs=1e-3
    )


@given(st.floats(-180, 180), st.floats(-89, 89), st.floats(-180, 180))
def test_no_turn_changes_nothing(azimuth: float, polar: float, rotation: float) -> None:
    first = _stands(azimuth, polar, rotation)
    told = composed(first, _stands(0, 0, 0))
    assert told.polar == pytest.approx(polar, abs=1e-4)
    for one, same in ((told.azimuth, first.azimuth), (told.rotation, first.rotation)):
        assert np.cos(np.deg2rad(one - same)) == pytest.approx(1)


def _turn(told: Orientation) -> Rotation:
    return Rotation.from_euler("XYZ", (-told.rotation, told.polar, told.azimuth), degrees=True)


@pytest.mark.parametrize("pole", [90, -90])
def test_seen_along_its_own_axis_an_object_has_one_angle_for_two(pole: int) -> None:
    first, change = _stands(30, pole, 0), _stands(0, 0, 20)
    told = composed(first, change)
    assert (told.azimuth, told.polar) == pytest.approx((0, pole))
    assert (_turn(told).inv() * _turn(change) * _turn(first)).magnitude() < 1e-6
