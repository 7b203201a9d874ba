"""Captured rooms: read with the right way up, labelled, filmed from their own mesh, asked about."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from surveyor.cli.main import app
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.scenes.datasets.scans import ScanSettings, make_scans_dataset, scan_settings
from surveyor.scenes.datasets.truth import frame_maps, scene_truth, targets
from surveyor.scenes.formats.webxr import read_capture, read_webxr
from surveyor.scenes.scans.outline import outline_of
from tests.scenes.captures import DEPTH, HEIGHT, WIDTH, capture, write_capture

QUICK = ScanSettings(n_frames=4, size=(120, 90))


def test_a_capture_is_read_z_up_from_its_corner_with_metric_boxes(tmp_path: Path) -> None:
    room = read_capture(write_capture(tmp_path))
    assert room.outline_from == "walls"
    assert np.allclose(room.polygon.min(axis=0), 0)
    assert np.allclose(room.polygon.max(axis=0), (WIDTH, DEPTH), atol=1e-6)
    assert room.height == pytest.approx(HEIGHT)
    assert np.allclose(room.vertices.min(axis=0), 0, atol=1e-5)
    door, table = room.objects
    assert (door.category, table.category) == ("door", "table")
    assert sorted(table.box.size) == pytest.approx([0.7, 0.75, 1.2])
    # Y up and z towards the viewer become Z up and y away from it.
    corners = table.box.corners()
    assert corners.min(axis=0) == pytest.approx([2.4, 1.65, 0.0], abs=1e-6)
    assert corners.max(axis=0) == pytest.approx([3.6, 2.35, 0.75], abs=1e-6)
    assert door.box.center == pytest.approx((2.0, 0.0, 1.0), abs=1e-6)


def test_triangles_belong_to_the_box_that_holds_them(tmp_path: Path) -> None:
    room = read_capture(write_capture(tmp_path))
    centre = room.vertices[room.triangles].mean(axis=1)
    names = np.array(room.category_of)[room.instance]
    top = np.abs(centre[:, 2] - 0.75) < 1e-3
    inside = (np.abs(centre[:, :2] - (3.0, 2.0)) < (0.6, 0.35)).all(axis=1)
    assert set(names[top & inside]) == {"table"}
    assert set(names[centre[:, 2] < 1e-3]) == {"floor"}
    assert set(names[centre[:, 2] > HEIGHT - 1e-3]) == {"ceiling"}
    assert "door" in names
    assert (names[(centre[:, 0] < 1e-3) & (centre[:, 2] > 0.1)] != "unlabelled").all()


def test_a_dataset_of_captures_has_depth_and_ids_of_the_mesh(tmp_path: Path) -> None:
    write_capture(tmp_path / "captures")
    out = tmp_path / "dataset"
    manifest = make_scans_dataset(out, read_webxr(tmp_path / "captures"), settings=QUICK)
    assert sum(manifest.questions.values()) == len(targets(out)) > 0
    dataset, truth = Dataset.open(out), scene_truth(out, "den")
    assert len(dataset.captures["den"].frames) == 4
    assert truth.room_area == pytest.approx(WIDTH * DEPTH)
    table = next(k for k, item in enumerate(truth.objects) if item.category == "table")
    best = int(np.argmax([row[table] for row in truth.visible_pixels]))
    maps = frame_maps(out, "den", best)
    camera = truth.cameras[best]
    v, u = np.argwhere(maps.ids == truth.objects[table].instance_id)[0]
    k = camera.intrinsics.resized(*reversed(maps.ids.shape))
    ray = np.array([(u - k.cx) / k.fx, (v - k.cy) / k.fy, 1.0]) * maps.depth[v, u]
    point = np.array(camera.T_world_camera)[:3] @ np.append(ray, 1.0)
    assert truth.objects[table].box.contains(point[None], margin=0.05)[0]


def test_the_same_capture_gives_the_same_dataset(tmp_path: Path) -> None:
    write_capture(tmp_path / "captures")
    rooms = read_webxr(tmp_path / "captures")
    made = [make_scans_dataset(tmp_path / n, rooms, settings=QUICK) for n in ("a", "b")]
    assert made[0].content_hash == made[1].content_hash


def test_another_walk_shows_the_same_room_from_elsewhere(tmp_path: Path) -> None:
    write_capture(tmp_path / "captures")
    rooms = read_webxr(tmp_path / "captures")
    walks = []
    for walk in (0, 1):
        out = tmp_path / f"walk{walk}"
        settings = QUICK.model_copy(update={"walk": walk, "types": ("room_size_estimation",)})
        manifest = make_scans_dataset(out, rooms, settings=settings)
        assert set(manifest.questions) == {"room_size_estimation"}
        walks.append(scene_truth(out, "den"))
    assert walks[0].cameras != walks[1].cameras
    assert walks[0].objects == walks[1].objects


def test_the_command_line_loads_captures_without_frames(tmp_path: Path) -> None:
    write_capture(tmp_path / "captures")
    arguments = ["load", "webxr", str(tmp_path / "captures"), str(tmp_path / "out")]
    told = CliRunner().invoke(app, [*arguments, "--split", "table"])
    assert told.exit_code == 0, told.output
    assert not Dataset.open(tmp_path / "out").has_frames


@pytest.mark.parametrize("split", ["train", ""])
def test_an_unknown_split_is_named_with_those_there_are(split: str) -> None:
    if not split:
        assert scan_settings(split) == ScanSettings()
        return
    with pytest.raises(UserError, match="official, recoverable, table"):
        scan_settings(split)


def _broken(change: Callable[[list[dict[str, Any]]], object]) -> str:
    scene = capture()
    change(scene["spatialEntities"])
    return json.dumps(scene)


BAD: dict[str, str] = {
    "not json": "{",
    "another json": '{"rows": []}',
    "no floor": _broken(lambda e: e.pop(0)),
    "no mesh": _broken(lambda e: e.pop()),
    "mesh cut off": _broken(lambda e: e[-1]["triangleMesh_META"].update(vertices="AAA")),
    "indices beyond": _broken(lambda e: e[-1]["triangleMesh_META"].update(vertices="")),
    "no number": _broken(lambda e: e[1]["locatable_META"]["position"].update(x="wide")),
    "no turn": _broken(lambda e: e[1]["locatable_META"].update(orientation={})),
    "empty box": _broken(lambda e: e[-2]["bounded3D_META"]["extent"].update(depth=0)),
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_what_is_no_capture_is_refused_by_its_file(text: str, tmp_path: Path) -> None:
    path = tmp_path / "den.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"den\.json"):
        read_capture(path)


def test_a_folder_without_captures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no scene captures"):
        read_webxr(tmp_path)


def test_walls_that_do_not_close_leave_the_floor_as_outline() -> None:
    floor = np.array([(0.0, 0), (4, 0), (4, 3), (0, 3)])
    walls = [np.array([a, b]) for a, b in zip(floor, np.roll(floor, -1, axis=0), strict=True)]
    assert outline_of(walls[::-1], floor)[1] == "walls"
    assert outline_of(walls[:2], floor)[1] == "floor"
    far = np.array([(9.0, 9), (9, 12)])
    assert outline_of([*walls[:3], far], floor)[1] == "floor"


def test_an_l_shaped_room_is_smaller_than_its_floor_rectangle() -> None:
    corners = np.array([(0.0, 0), (4, 0), (4, 1.5), (2, 1.5), (2, 3), (0, 3)])
    walls = [np.array([a, b]) for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True)]
    floor = np.array([(0.0, 0), (4, 0), (4, 3), (0, 3)])
    outline, made_of = outline_of(walls, floor)
    assert made_of == "walls"
    assert len(outline) == 6
