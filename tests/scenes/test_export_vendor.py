"""Every reader on a hand-made file with its vendor's own field names, spellings and number formats.

`test_export` has ARKitScenes, COLMAP and VSI-Bench rows; `test_vsi_meta` its metadata.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from surveyor.core.errors import UserError
from surveyor.scenes.formats.apeiria import read_apeiria
from surveyor.scenes.formats.gpt4scene import parse_object_ids, read_sharegpt
from surveyor.scenes.formats.grounding import (
    Multi3DReferRow,
    Reason3DRow,
    ScanQARow,
    ScanReferRow,
    read_rows,
    read_sqa3d,
)
from surveyor.scenes.formats.scannet import read_scannet
from surveyor.scenes.formats.scannetpp import read_scannetpp


def test_scannet_frames(tmp_path: Path) -> None:
    """Colour of 1296 x 968 beside depth of 640 x 480, a lost pose, six decimals and a zero row."""
    for name in ("color", "depth", "pose", "intrinsic"):
        (tmp_path / name).mkdir()
    (tmp_path / "intrinsic" / "intrinsic_color.txt").write_text(
        "1169.621094 0.000000 646.295044 0.000000 \n0.000000 1167.105103 489.927032 0.000000 \n"
        "0.000000 0.000000 1.000000 0.000000 \n0.000000 0.000000 0.000000 1.000000 \n"
    )
    # Looking along world +y from (2, 1, 1.5): camera x is world x, camera y is world -z.
    pose = "1 0 0 2.000000\n0 0 1 1.000000\n0 -1 0 1.500000\n0 0 0 1\n"
    (tmp_path / "pose" / "0.txt").write_text(pose)
    (tmp_path / "pose" / "20.txt").write_text("-inf -inf -inf -inf\n" * 4)
    for k in (0, 20):
        Image.new("RGB", (1296, 968)).save(tmp_path / "color" / f"{k}.jpg")
        depth = np.full((480, 640), 2500, np.uint16)
        depth[0, 0] = 0
        Image.fromarray(depth).save(tmp_path / "depth" / f"{k}.png")
    (view,) = read_scannet(tmp_path)
    assert (view.index, view.camera.intrinsics.width) == (0, 1296)
    assert view.depth is not None
    assert view.depth.shape == (480, 640)
    assert (view.depth[0, 0], view.depth[9, 9]) == (0, 2.5)
    # A point 2.5 m ahead, 0.5 m to the right and 0.25 m up.
    pixels, z = view.camera.intrinsics.project(view.pose.to_camera(np.array([[2.5, 3.5, 1.75]])))
    assert z == pytest.approx([2.5])
    expected = [646.295044 + 1169.621094 * 0.2, 489.927032 - 1167.105103 * 0.1]
    assert np.abs(pixels[0] - expected).max() < 1e-3


def test_scannetpp_frames(tmp_path: Path) -> None:
    """COLMAP's text model with OPENCV cameras whose distortion was removed, and named frames."""
    for name in ("colmap", "rgb", "depth"):
        (tmp_path / "iphone" / name).mkdir(parents=True)
    colmap = tmp_path / "iphone" / "colmap"
    (colmap / "cameras.txt").write_text(
        "# Camera list with one line of data per camera:\n"
        "#   CAMERA_ID, MODEL, WIDTH, HEIGHT, PARAMS[]\n# Number of cameras: 1\n"
        "1 OPENCV 1920 1440 1430.5 1430.25 960.5 720.5 0 0 0 0\n"
    )
    # A quarter turn about the camera's z axis, as (w, x, y, z).
    half = float(np.sqrt(0.5))
    (colmap / "images.txt").write_text(
        "# Image list with two lines of data per image:\n"
        f"7 {half} 0 0 {half} 0.5 0 1 1 frame_000010.jpg\n\n"
        "8 1 0 0 0 0 0 0 1 frame_000000.jpg\n12.5 90.25 -1 14 15 3\n"
    )
    for name in ("frame_000010", "frame_000000"):
        Image.new("RGB", (1920, 1440)).save(tmp_path / "iphone" / "rgb" / f"{name}.jpg")
    first, second = read_scannetpp(tmp_path)
    assert (first.index, second.index) == (0, 10)
    # World (0, 1, 1) is camera (-1, 0, 1) turned, then moved by (0.5, 0, 1): (-0.5, 0, 2).
    pixels, _ = second.camera.intrinsics.project(second.pose.to_camera(np.array([[0, 1, 1.0]])))
    # Half a pixel less than COLMAP's own pixel, whose first centre is at 0.5.
    assert pixels[0] == pytest.approx([960 - 1430.5 / 4, 720], abs=1e-6)


def test_apeiria_scene(tmp_path: Path) -> None:
    scene = {
        "objects": [
            {"name": "office chair", "nyu40_name": "chair", "id": 0,
             "location": [1.25, -0.5, 0.4375], "size": [0.5, 0.625, 0.875]},
            {"name": "desk", "nyu40_name": "desk", "id": 12,
             "location": [0.0, 2.0, 0.375], "size": [1.5, 0.75, 0.75]},
        ],
        "corners": [[[-2.0, -2.0], [3.0, -2.0], [3.0, 2.0], [-2.0, 2.0]]],
    }  # fmt: skip
    path = tmp_path / "scene0011_00.json"
    path.write_text(json.dumps(scene))
    truth = read_apeiria(path)
    assert truth.scene_id == "scene0011_00"
    assert truth.room_area == 20
    # Zero means nothing in id images, so ids that count from zero move up by one.
    assert [(o.instance_id, o.category) for o in truth.objects] == [
        (1, "office chair"),
        (13, "desk"),
    ]
    corners = truth.objects[1].box.corners()
    assert (corners.min(axis=0).tolist(), corners.max(axis=0).tolist()) == (
        [-0.75, 1.625, 0.0], [0.75, 2.375, 0.75],
    )  # fmt: skip


def _json(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value))
    return path


def test_scanqa_rows(tmp_path: Path) -> None:
    with_answers = {
        "answers": ["brown cabinet with tv sitting in it", "brown"],
        "object_ids": [8], "object_names": ["cabinet"],
        "question": "What is in the right corner of room by curtains?",
        "question_id": "val-scene0011-0", "scene_id": "scene0011_00",
    }  # fmt: skip
    # The test files have neither answers nor, in one of them, objects.
    hidden = {k: with_answers[k] for k in ("question", "question_id", "scene_id")}
    first, second = read_rows(_json(tmp_path / "q.json", [with_answers, hidden]), ScanQARow)
    assert (first.object_ids, first.object_names) == ((8,), ("cabinet",))
    assert first.answers[1] == "brown"
    assert second.answers == ()
    assert second.question_id == "val-scene0011-0"


def test_sqa3d_files(tmp_path: Path) -> None:
    questions = _json(tmp_path / "q.json", {
        "info": {}, "license": {}, "data_type": "scannetv2", "data_subtype": "val",
        "task_type": "qa",
        "questions": [{
            "scene_id": "scene0380_00", "situation": "Standing in front of the trash bin.",
            "alternative_situation": ["I am by the bin.", ""], "question_id": 220602000002,
            "question": "What instrument in front of me is ebony and ivory?",
        }],
    })  # fmt: skip
    annotations = _json(tmp_path / "a.json", {
        "info": {},
        "annotations": [{
            "scene_id": "scene0380_00", "question_type": "N/A", "answer_type": "other",
            "question_id": 220602000002,
            "answers": [{"answer": "piano", "answer_confidence": "yes", "answer_id": 1}],
            "rotation": {"_x": 0, "_y": 0, "_z": -0.9995736030415032, "_w": -0.02919952230128897},
            "position": {"x": 0.7110268899979686, "y": -0.03219739162793617, "z": 0},
        }],
    })  # fmt: skip
    ((question, annotation),) = read_sqa3d(questions, annotations)
    assert question.situation.startswith("Standing")
    assert annotation.answers[0].answer == "piano"
    assert annotation.rotation.z == pytest.approx(-0.99957, abs=1e-5)
    assert annotation.position.x == pytest.approx(0.71103, abs=1e-5)
    other = _json(tmp_path / "o.json", {"annotations": []})
    with pytest.raises(UserError, match="no annotation for question 220602000002"):
        read_sqa3d(questions, other)


def test_scanrefer_rows(tmp_path: Path) -> None:
    row = {
        "scene_id": "scene0011_00", "object_id": "34", "object_name": "coffee_table",
        "ann_id": "1", "description": "this is a brown table. it is by the couch.",
        "token": ["this", "is", "a", "brown", "table", ".", "it", "is", "by", "the", "couch", "."],
    }  # fmt: skip
    (found,) = read_rows(_json(tmp_path / "r.json", [row]), ScanReferRow)
    assert (found.object_id, found.ann_id, len(found.token)) == ("34", "1", 12)
    del row["object_id"]
    with pytest.raises(UserError, match=r"ScanReferRows: 0\.object_id"):
        read_rows(_json(tmp_path / "r.json", [row]), ScanReferRow)


def test_multi3drefer_rows(tmp_path: Path) -> None:
    row = {
        "scene_id": "scene0019_00", "object_ids": [], "object_name": "chair", "ann_id": 3,
        "description": "there is no purple chair by the window", "eval_type": "zt_w_d",
        "spatial": True, "color": True, "texture": False, "shape": False,
    }  # fmt: skip
    (found,) = read_rows(_json(tmp_path / "m.json", [row]), Multi3DReferRow)
    assert (found.object_ids, found.eval_type, found.ann_id) == ((), "zt_w_d", 3)


def test_reason3d_rows(tmp_path: Path) -> None:
    row = {
        "scene_id": "scene0645_00", "object_id": 5, "object_name": "bed", "type": "scannet",
        "question": "What would you lie on to sleep? Please output the segmentation mask.",
    }  # fmt: skip
    (found,) = read_rows(_json(tmp_path / "r.json", [row]), Reason3DRow)
    assert (found.object_id, found.type) == (5, "scannet")


def test_gpt4scene_records(tmp_path: Path) -> None:
    said = "Yes. <OBJ007>, <OBJ012>, and <OBJ103>."
    row = {
        "conversations": [
            {"from": "human", "value": "<image>\n<image>\nAre there any chairs?"},
            {"from": "gpt", "value": said},
        ],
        "images": ["./data/bev/scene0011_00.png", "./data/frames/scene0011_00/0.jpg"],
    }
    (found,) = read_sharegpt(_json(tmp_path / "g.json", [row]))
    assert found.images[0].endswith("scene0011_00.png")
    assert [turn.speaker for turn in found.conversations] == ["human", "gpt"]
    assert parse_object_ids(found.conversations[1].value) == [7, 12, 103]
