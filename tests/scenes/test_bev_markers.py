"""Top views and markers: metric, on their object, legible, and the same number everywhere."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveyor.core.cameras import Camera
from surveyor.core.geometry import Intrinsics, Pose
from surveyor.core.marker_font import draw_label, label_bitmap
from surveyor.core.markers import MarkerRule, draw_markers, place_markers, visible_share
from surveyor.core.top_view import TopCamera, TopView, top_view_of_points
from surveyor.scenes.capture.rendering import renderer
from surveyor.scenes.capture.trajectory import plan_trajectory
from surveyor.scenes.rooms.room import Room, RoomSpec, build_room
from tests.support.marker_reader import read_labels
from tests.support.room_top_view import top_view_of_room


@pytest.fixture(scope="module")
def room() -> Room:
    return build_room(RoomSpec(11, shape="rectangle", area=16))


@pytest.fixture(scope="module")
def view(room: Room) -> TopView:
    return top_view_of_room(room, longest=256)


def candidates(room: Room) -> frozenset[int]:
    return frozenset(item.instance_id for item in room.objects)


@given(
    x=st.floats(-9, 9), y=st.floats(-9, 9), w=st.floats(1, 9), h=st.floats(1, 9),
    n=st.integers(16, 900),
)  # fmt: skip
def test_the_transform_is_metric_and_goes_both_ways(
    x: float, y: float, w: float, h: float, n: int
) -> None:
    corners = np.array([[x, y], [x + w, y + h]])
    camera = TopCamera.over(corners, n)
    pixels = camera.to_pixels(corners)
    assert np.allclose(camera.to_world(pixels), corners)
    assert max(camera.width, camera.height) == n
    assert (pixels >= 0).all()
    assert (pixels <= [camera.width - 1, camera.height - 1]).all()
    assert np.allclose(np.abs(np.diff(pixels, axis=0)), camera.scale * np.array([w, h]))


def test_what_is_highest_under_the_cut_is_what_is_seen(room: Room, view: TopView) -> None:
    world = view.camera.grid().reshape(*view.ids.shape, 2)
    seen_boxes = 0
    for item in room.objects:
        where = view.ids == item.instance_id
        if where.any():
            seen_boxes += 1
            points = np.column_stack([world[where], view.z[where]])
            assert item.box.contains(points, margin=0.01).all(), item.category
    assert seen_boxes >= 5


def test_box_centres_land_on_their_object_when_nothing_is_above(room: Room, view: TopView) -> None:
    checked = 0
    for item in room.objects:
        top = item.box.center[2] + item.box.size[2] / 2
        if item.category not in ("table", "bed", "cabinet", "closet", "nightstand"):
            continue
        u, v = np.rint(view.camera.to_pixels(np.array([item.box.center]))[0]).astype(int)
        if view.z[v, u] <= top + 0.005:
            assert view.ids[v, u] == item.instance_id
            checked += 1
    assert checked >= 1


def test_every_drawn_pixel_belongs_to_its_object(room: Room, view: TopView) -> None:
    trajectory = plan_trajectory(room, 3, intrinsics=Intrinsics.from_hfov(1.18, 256, 192))
    images = [(view.ids, view.rgb)]
    for camera in trajectory.cameras:
        frame = renderer(room).render(camera)
        assert frame.rgb is not None
        images.append((frame.ids, frame.rgb))
    for ids, rgb in images:
        markers = place_markers(ids, candidates(room))
        marked = draw_markers(rgb, markers)
        changed = (marked != rgb).any(axis=2)
        owners = np.zeros_like(ids)
        for m in markers.drawn:
            owners[m.top : m.top + m.height, m.left : m.left + m.width] = m.instance_id
        assert (ids[owners > 0] == owners[owners > 0]).all()
        assert not (changed & (owners == 0)).any()
        listed = {m.instance_id for m in markers.drawn} | {m.instance_id for m in markers.left_out}
        assert listed == candidates(room) & set(np.unique(ids).tolist())
        assert set(read_labels(marked)) == {m.instance_id for m in markers.drawn}


def test_the_label_sits_where_the_object_is_thickest() -> None:
    ids = np.zeros((60, 100), np.int32)
    ids[28:31, 5:95] = 4  # a thin bar with a blob at its end
    ids[10:50, 60:95] = 4
    (marker,) = place_markers(ids, frozenset({4})).drawn
    u, v = marker.anchor
    assert 70 <= u <= 85
    assert 25 <= v <= 34


def test_reasons_are_given_for_what_is_not_marked() -> None:
    ids = np.zeros((100, 100), np.int32)
    ids[:, :2] = 1  # on the border, too narrow for a digit
    ids[40:44, 40:44] = 2  # too small
    ids[60:90, 60:90] = 3  # mostly hidden
    ids[10:40, 10:40] = 5
    markers = place_markers(ids, frozenset({1, 2, 3, 5, 9}), visible={3: 0.1})
    assert [m.instance_id for m in markers.drawn] == [5]
    reasons = {m.instance_id: m.reason for m in markers.left_out}
    assert reasons[1] == "its label does not fit on it"
    assert reasons[2] == "covers only 16 pixels"
    assert reasons[3] == "only 10% of it is visible"
    assert 9 not in reasons


def test_markers_refuse_an_image_of_another_size() -> None:
    markers = place_markers(np.ones((30, 30), np.int32), frozenset({1}), rule=MarkerRule())
    with pytest.raises(ValueError, match="another size"):
        draw_markers(np.zeros((30, 31, 3), np.uint8), markers)


@settings(deadline=None)
@given(number=st.integers(0, 1000), scale=st.integers(1, 4), seed=st.integers(0, 99))
def test_a_label_is_read_back_even_in_noise(number: int, scale: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    image = rng.integers(90, 160, (60, 120, 3)).astype(np.uint8)
    draw_label(image, number, scale, 11, 7)
    noisy = np.clip(image + rng.normal(0, 8, image.shape), 0, 255).astype(np.uint8)
    height, width = label_bitmap(number, scale).shape
    assert read_labels(noisy) == {number: (11 + (width - 1) / 2, 7 + (height - 1) / 2)}


def test_visible_share_falls_with_occlusion() -> None:
    camera = Camera(
        T_world_camera=Pose.look_at(np.zeros(3), np.array([0.0, 1, 0])).tolist(),  # type: ignore[arg-type]
        intrinsics=Intrinsics.from_hfov(1.2, 320, 240),
    )
    grid = np.linspace(-0.5, 0.5, 101)
    plate = np.array([[x, 2.0, z] for x in grid for z in grid])
    pixels, _ = camera.intrinsics.project(Pose(np.array(camera.T_world_camera)).to_camera(plate))
    low, high = np.rint(pixels.min(axis=0)).astype(int), np.rint(pixels.max(axis=0)).astype(int)
    ids = np.zeros((240, 320), np.int32)
    ids[low[1] : high[1] + 1, low[0] : high[0] + 1] = 6
    assert visible_share(plate, camera, ids, 6) == 1.0
    ids[:, : (low[0] + high[0]) // 2] = 1
    assert visible_share(plate, camera, ids, 6) == pytest.approx(0.5, abs=0.07)
    assert visible_share(plate, camera, np.ones_like(ids), 6) == 0.0


def test_points_make_a_top_view_with_the_ceiling_off() -> None:
    points = np.array([[0, 0, 0.0], [1, 0, 0.5], [1, 0, 0.9], [1, 1, 2.5], [0, 1, 0]])
    colours = np.arange(15, dtype=np.uint8).reshape(5, 3)
    view = top_view_of_points(points, colours, np.arange(1, 6), ceiling=2.0, longest=64)
    u, v = np.rint(view.camera.to_pixels(points)).astype(int).T
    assert view.ids[v[2], u[2]] == 3  # the higher of two
    assert view.ids[v[3], u[3]] == 0  # cut off
    assert v[4] < v[0]  # north is up
    with pytest.raises(ValueError, match="below the ceiling"):
        top_view_of_points(points + np.array([0, 0, 9]), colours, np.arange(1, 6), ceiling=2.0)
