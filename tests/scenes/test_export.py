"""Public layouts, out and in: geometry within a pixel, records under the vendors' own names."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from surveyor.benchmarks.loaders.vsi import read_vsi_bench
from surveyor.core.anchor_actions import read_action
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.core.geometry import DepthMap, Scale
from surveyor.scenes.datasets import truth as dataset_truth
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from surveyor.scenes.formats.apeiria import read_apeiria
from surveyor.scenes.formats.arkitscenes import read_arkit_objects, read_arkit_views
from surveyor.scenes.formats.gpt4scene import (
    SHORT,
    object_ids,
    parse_object_ids,
    parts_of,
    read_sharegpt,
    record_of,
    write_sharegpt,
)
from surveyor.scenes.formats.grounding import (
    Multi3DReferRow,
    Reason3DRow,
    ScanQARow,
    ScanReferRow,
    read_rows,
    read_sqa3d,
)
from surveyor.scenes.formats.posed_images import PosedView, dataset_views, read_depth
from surveyor.scenes.formats.registry import LAYOUTS, export_dataset
from surveyor.scenes.formats.scannet import read_scannet
from surveyor.scenes.formats.scannetpp import read_scannetpp
from surveyor.scenes.formats.vsi_meta import read_vsi_meta
from surveyor.training.geometry.records import Record
from tests.support.marker_reader import read_labels

ROOM = "room_000005"
TYPES = (
    "object_counting", "object_abs_distance", "object_rel_direction_easy",
    "scanqa", "sqa3d", "scanrefer", "multi3drefer", "reason_seg",
    "roomplan_action",
)  # fmt: skip
Reader = Callable[[Path], list[PosedView]]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("export") / "dataset"
    settings = RoomsSettings(
        n_frames=6, size=(160, 120), light_rays=1, types=TYPES, per_type=6, balance=False
    )
    make_rooms_dataset(path, [5], settings=settings)
    return path


READERS: dict[str, Reader] = {
    "scannet": lambda out: read_scannet(out / ROOM),
    "scannetpp": lambda out: read_scannetpp(out / ROOM),
    "arkitscenes": lambda out: read_arkit_views(out / ROOM, ROOM),
}


@pytest.mark.parametrize("layout", READERS)
def test_points_reproject_within_a_pixel(dataset: Path, tmp_path: Path, layout: str) -> None:
    export_dataset(dataset, tmp_path / "out", layout)
    there = READERS[layout](tmp_path / "out")
    here = dataset_views(dataset, ROOM)
    assert len(there) == len(here) == 6
    for ours, theirs in zip(here, there, strict=True):
        assert ours.depth is not None
        assert theirs.depth is not None
        assert np.allclose(theirs.depth, ours.depth, atol=6e-4)
        assert _reprojection_error(ours, theirs) < 0.5


def _reprojection_error(ours: PosedView, theirs: PosedView) -> float:
    """Largest distance in pixels of our points seen by their camera from where we saw them."""
    assert ours.depth is not None
    local, known = DepthMap(ours.depth, Scale.METRIC).unproject(ours.camera.intrinsics)
    world = ours.pose.to_world(local[known])
    pixels, z = theirs.camera.intrinsics.project(theirs.pose.to_camera(world))
    v, u = np.nonzero(known)
    assert np.allclose(z, ours.depth[known], atol=1e-3)
    return float(np.abs(pixels - np.stack([u, v], axis=1)).max())


def test_arkit_boxes_come_back(dataset: Path, tmp_path: Path) -> None:
    export_dataset(dataset, tmp_path / "out", "arkitscenes")
    found = read_arkit_objects(tmp_path / "out" / ROOM / f"{ROOM}_3dod_annotation.json")
    truth = dataset_truth.scene_truth(dataset, ROOM)
    for ours, theirs in zip(truth.objects, found, strict=True):
        assert theirs.category == ours.category
        assert np.allclose(theirs.box.corners(), ours.box.corners())


def test_vsibench_records_and_metadata_come_back(dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_dataset(dataset, out, "vsibench")
    rows = read_vsi_bench(out, "test").items
    wanted = [t for t in Dataset.open(dataset).tasks() if t.answer_kind in ("number", "choice")]
    assert [row.question for row in rows] == [task.question for task in wanted]
    assert json.loads((out / "test.jsonl").read_text().splitlines()[0]).keys() == {
        "id", "dataset", "scene_name", "question_type", "question", "options", "ground_truth",
    }  # fmt: skip
    (scene,) = read_vsi_meta(out, ("surveyor",))
    truth = dataset_truth.scene_truth(dataset, ROOM)
    ours = sorted((o.category, o.box.center) for o in truth.objects)
    assert sorted((o.category, o.box.center) for o in scene.objects) == ours
    assert scene.room_area == truth.room_area
    assert len(list((out / "surveyor" / ROOM).glob("*.jpg"))) == 6


def test_grounding_records_come_back(dataset: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    export_dataset(dataset, out, "grounding")
    targets = dataset_truth.targets(dataset)
    qa = read_rows(out / "ScanQA_v1.0_val.json", ScanQARow)
    assert [row.answers[0] for row in qa] == [
        t.answer for t in targets if t.question_type == "scanqa"
    ]
    refer = read_rows(out / "ScanRefer_filtered_val.json", ScanReferRow)
    assert [row.object_id for row in refer] == [
        t.answer for t in targets if t.question_type == "scanrefer"
    ]
    multi = read_rows(out / "multi3drefer_val.json", Multi3DReferRow)
    assert [", ".join(map(str, row.object_ids)) or "none" for row in multi] == [
        t.answer for t in targets if t.question_type == "multi3drefer"
    ]
    assert read_rows(out / "reason3d_val.json", Reason3DRow)
    situated = read_sqa3d(
        out / "v1_balanced_questions_val_scannetv2.json",
        out / "v1_balanced_sqa_annotations_val_scannetv2.json",
    )
    for question, annotation in situated:
        assert question.situation.startswith("I am standing by")
        assert not question.question.startswith("I am")
        assert annotation.rotation.z**2 + annotation.rotation.w**2 == pytest.approx(1)


def test_apeiria_scenes_come_back_as_axis_aligned_boxes(dataset: Path, tmp_path: Path) -> None:
    export_dataset(dataset, tmp_path / "out", "apeiria")
    scene = read_apeiria(tmp_path / "out" / f"{ROOM}.json")
    truth = dataset_truth.scene_truth(dataset, ROOM)
    assert scene.room_area == pytest.approx(truth.room_area, rel=1e-3)
    for ours, theirs in zip(truth.objects, scene.objects, strict=True):
        corners = ours.box.corners()
        assert np.allclose(theirs.box.corners().min(axis=0), corners.min(axis=0), atol=1e-3)
        assert theirs.instance_id == ours.instance_id


def test_sharegpt_records_come_back(dataset: Path, tmp_path: Path) -> None:
    export_dataset(dataset, tmp_path / "out", "gpt4scene")
    records = read_sharegpt(tmp_path / "out" / "records.json")
    assert len(records) >= 12
    for row in records:
        assert row.conversations[0].value.count("<image>") == len(row.images) == 7
        assert all((tmp_path / "out" / image).exists() for image in row.images)
    write_sharegpt(tmp_path / "again.json", records)
    assert read_sharegpt(tmp_path / "again.json") == records
    assert [record_of(parts_of(row)) for row in records] == records, "through our own messages"
    short = [row for row in records if "<OBJ" not in row.conversations[1].value]
    assert any(row.conversations[0].value.endswith(SHORT) for row in short)
    info = json.loads((tmp_path / "out" / "dataset_info.json").read_text())["surveyor"]
    assert (tmp_path / "out" / info["file_name"]).exists()
    assert info["columns"] == {"messages": "conversations", "images": "images"}


def test_every_id_that_records_ask_for_is_drawn_or_has_a_reason(
    dataset: Path, tmp_path: Path
) -> None:
    export_dataset(dataset, tmp_path / "marked", "gpt4scene")
    export_dataset(dataset, tmp_path / "bare", "gpt4scene-unmarked")
    truth = dataset_truth.scene_truth(dataset, ROOM)
    drawn: set[int] = set()
    excused: set[int] = set()
    pictures = sorted((tmp_path / "marked" / ROOM).glob("*.png"))
    assert len(pictures) == 7
    for picture in pictures:
        told = json.loads(picture.with_suffix(".json").read_text())
        numbers = read_labels(np.asarray(Image.open(picture)))
        assert set(numbers) == {one["instance_id"] for one in told["drawn"]}, picture.name
        drawn |= set(numbers)
        excused |= {one["instance_id"] for one in told["left_out"] if one["reason"]}
        bare = np.asarray(Image.open(tmp_path / "bare" / ROOM / picture.name))
        assert not read_labels(bare)
        if picture.stem == "top":
            continue
        ids = dataset_truth.frame_maps(dataset, ROOM, int(picture.stem)).ids
        for number, (u, v) in numbers.items():
            assert ids[round(v), round(u)] == number
    seen = {
        item.instance_id
        for k, item in enumerate(truth.objects)
        if any(row[k] for row in truth.visible_pixels)
    }
    assert drawn
    assert seen <= drawn | excused
    asked = {
        k
        for row in read_sharegpt(tmp_path / "marked" / "records.json")
        for k in parse_object_ids(row.conversations[1].value)
    }
    assert asked <= drawn | excused


@given(ids=st.lists(st.integers(1, 999), max_size=5, unique=True))
def test_the_id_grammar_is_its_own_inverse(ids: list[int]) -> None:
    assert parse_object_ids(object_ids(ids)) == ids


def test_vendor_files_by_hand(tmp_path: Path) -> None:
    """Field names and number formats as the vendors write them, not as our writers do."""
    (tmp_path / "x_3dod_annotation.json").write_text(
        '{"skipped": false, "stats": {}, "data": [{"uid": "a1", "label": "sofa", "modelId": null,'
        ' "attributes": {}, "segments": {"obb": {"centroid": [1, 2, 0.5], "axesLengths": [2, 1, 1],'
        ' "normalizedAxes": [0, 1, 0, -1, 0, 0, 0, 0, 1]}, "obbAligned": null}}]}'
    )
    (sofa,) = read_arkit_objects(tmp_path / "x_3dod_annotation.json")
    # Axes are rows: the long edge lies along +y.
    assert np.ptp(sofa.box.corners(), axis=0).tolist() == pytest.approx([1, 2, 1])
    frames = tmp_path / "41_frames"
    for name in ("lowres_wide", "lowres_wide_intrinsics"):
        (frames / name).mkdir(parents=True)
    (frames / "lowres_wide" / "41_10.500.png").write_bytes(b"png")
    (frames / "lowres_wide" / "41_11.000.png").write_bytes(b"untracked")
    (frames / "lowres_wide_intrinsics" / "41_10.500.pincam").write_text(
        "256 192 212 212 127.5 95.5"
    )
    (frames / "lowres_wide.traj").write_text("10.500 0 0 1.5707963267948966 1 2 3\n")
    (view,) = read_arkit_views(tmp_path, "41")
    # World to camera is x_c = Rz(90) x + (1, 2, 3), so the camera sits at -Rz(-90) (1, 2, 3).
    assert view.pose.position == pytest.approx([-2, 1, -3])


def test_a_colmap_camera_is_half_a_pixel_away(tmp_path: Path) -> None:
    colmap = tmp_path / "iphone" / "colmap"
    colmap.mkdir(parents=True)
    (tmp_path / "iphone" / "rgb").mkdir()
    (tmp_path / "iphone" / "rgb" / "frame_000030.jpg").write_bytes(b"jpg")
    (colmap / "cameras.txt").write_text("# c\n1 PINHOLE 640 480 500 500 320 240\n")
    (colmap / "images.txt").write_text("# i\n1 1 0 0 0 0 0 -2 1 frame_000030.jpg\n1.5 2.5 -1\n")
    (view,) = read_scannetpp(tmp_path)
    assert (view.camera.intrinsics.cx, view.camera.intrinsics.cy) == (319.5, 239.5)
    assert view.pose.position.tolist() == [0, 0, 2]
    (colmap / "cameras.txt").write_text("1 OPENCV 640 480 500 500 320 240 0.1 0 0 0\n")
    with pytest.raises(UserError, match="lens distortion"):
        read_scannetpp(tmp_path)


def test_bad_input_is_one_sentence(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no layout 'kitti'"):
        export_dataset(dataset, tmp_path / "k", "kitti")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="not empty"):
        export_dataset(dataset, tmp_path / "full", "apeiria")
    with pytest.raises(UserError, match="no ScanNet frames"):
        read_scannet(tmp_path)
    (tmp_path / "d.png").write_bytes(b"no png")
    with pytest.raises(UserError, match="not an image"):
        read_depth(tmp_path / "d.png")
    (tmp_path / "a.json").write_text('{"objects": [{"name": "chair"}]}')
    with pytest.raises(UserError, match=r"objects\.0\.id"):
        read_apeiria(tmp_path / "a.json")
    (tmp_path / "g.json").write_text(
        '[{"conversations": [{"from": "human", "value": "<image>?"}], "images": []}]'
    )
    with pytest.raises(UserError, match="1 <image> placeholders but 0 images"):
        read_sharegpt(tmp_path / "g.json")


def test_every_layout_is_covered_here() -> None:
    page = (Path(__file__).parents[2] / "docs" / "rooms.md").read_text()
    assert [name for name in LAYOUTS if f"`{name}`" not in page] == []
    assert set(LAYOUTS) == {
        *READERS,
        "vsibench",
        "vsibench-video",
        "apeiria",
        "grounding",
        "gpt4scene",
        "gpt4scene-unmarked",
        "roomplan",
    }


def test_roomplan_records_hold_views_geometry_and_whole_actions(
    dataset: Path, tmp_path: Path
) -> None:
    export_dataset(dataset, tmp_path / "out", "roomplan")
    rows = [
        Record.model_validate_json(line)
        for line in (tmp_path / "out" / "records.jsonl").read_text().splitlines()
    ]
    assert {row.task for row in rows} == {"scanqa", "sqa3d", "anchor"}
    truth = dataset_truth.scene_truth(dataset, ROOM)
    for row in rows:
        assert all((tmp_path / "out" / name).exists() for name in row.images)
        assert {name.partition("/")[0] for name in row.images} == {row.scene_id}
        assert row.geometry is not None
        for view, camera in zip(row.geometry, truth.cameras, strict=True):
            assert view is not None
            assert np.allclose(view.t, np.array(camera.T_world_camera)[:3, 3])
            assert sum(view.depth_hist) == pytest.approx(1)
        if row.task == "anchor":
            assert read_action(row.answer, row.scene_id, 3).scene == ROOM
