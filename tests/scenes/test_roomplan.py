"""RoomPlan suites: boxes recovered, rows rejected with a reason, and one answer or all of them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from surveyor.agent.program.language import concept, things
from surveyor.agent.program.parser import parse
from surveyor.core.anchor_actions import edges_asked, faults
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.core.geometry import Intrinsics, OrientedBox, Pose
from surveyor.scenes.datasets.roomplan import REJECTED, make_roomplan_dataset
from surveyor.scenes.datasets.truth import targets
from surveyor.scenes.formats.arkitscenes import read_arkit_rows, write_arkitscenes
from surveyor.scenes.formats.posed_images import PosedView, camera_of
from surveyor.scenes.questions.askable import AskableScene, CapturedScene
from surveyor.scenes.questions.roomplan import planes, towards
from surveyor.scenes.records import SceneObject, SceneTruth
from surveyor.scenes.rooms.room import RoomSpec, build_room

SQUARE = ((0.0, 0.0), (4.0, 0.0), (4.0, 3.0), (0.0, 3.0))


def box(x: float, y: float, yaw: float = 0.0) -> OrientedBox:
    return OrientedBox.upright((x, y, 0.4), (0.5, 0.7, 0.8), yaw)


def thing(number: int, category: str, place: OrientedBox) -> SceneObject:
    return SceneObject(instance_id=number, category=category, box=place)


def view(k: int) -> PosedView:
    intrinsics = Intrinsics.from_hfov(1.0, 16, 12)
    out = io.BytesIO()
    Image.new("RGB", (16, 12), (k, 0, 0)).save(out, "PNG")
    pose = Pose.look_at(np.array([1.0 + k, 1.0, 1.5]), np.array([2.0, 2.0, 1.0]))
    return PosedView(k, k / 2, out.getvalue(), camera_of(pose.T_world_camera, intrinsics))


def capture(folder: Path, name: str, objects: list[SceneObject]) -> Path:
    write_arkitscenes(folder / name, name, [view(k) for k in range(5)], objects)
    return folder / name / f"{name}_3dod_annotation.json"


@given(st.floats(-3.1, 3.1), st.floats(-4, 4), st.floats(-4, 4))
def test_the_corners_of_turned_boxes_come_back(yaw: float, x: float, y: float) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as place:
        file = capture(Path(place), "1", [thing(1, "chair", box(x, y, yaw))])
        ((found,), rejected) = read_arkit_rows(file, "1")
    assert not rejected
    assert np.abs(found.box.corners() - box(x, y, yaw).corners()).max() < 1e-3
    # Read as columns, the usual misuse, a turned box is turned the other way.
    wrong = OrientedBox(
        center=found.box.center, size=found.box.size, axes=tuple(zip(*found.box.axes, strict=True))
    )
    if abs(np.sin(2 * yaw)) > 0.1:
        assert np.abs(wrong.corners() - box(x, y, yaw).corners()).max() > 1e-2


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ({"label": ""}, "its label is empty"),
        ({"segments": {}}, "neither obb nor obbAligned"),
        ({"axesLengths": [0.5, 0.0, 1.0]}, "an edge of its box is not positive"),
        ({"axesLengths": [0.5, 1.0]}, "segments.obb.axesLengths"),
        ({"centroid": [0.5, "nan", 1.0]}, "not finite"),
        ({"normalizedAxes": [1, 0, 0, 1, 0, 0, 0, 0, 1]}, "no orthonormal rows"),
    ],
)
def test_a_damaged_row_is_rejected_with_its_reason_and_nothing_is_filled_in(
    tmp_path: Path, damage: dict[str, Any], reason: str
) -> None:
    file = capture(tmp_path, "7", [thing(1, "chair", box(1, 1)), thing(2, "table", box(2, 2))])
    whole = json.loads(file.read_text())
    row = whole["data"][0]
    row["segments"].pop("obbAligned")
    for name, value in damage.items():
        place = row if name in row else row["segments"]["obb"]
        place[name] = value
    file.write_text(json.dumps(whole))
    manifest, rejected = make_roomplan_dataset(tmp_path, tmp_path / "out")
    assert [(one.scene, one.number) for one in rejected] == [("7", 1)]
    assert reason in rejected[0].reason
    assert manifest.questions == {"anchor:thing": 1}
    lines = (tmp_path / "out" / REJECTED).read_text().splitlines()
    assert [json.loads(line)["reason"] for line in lines] == [rejected[0].reason]


def test_every_instruction_has_the_admissible_targets_that_its_program_finds(
    tmp_path: Path,
) -> None:
    """The program of each instruction, executed on the exact boxes by code of this test alone."""
    room = build_room(RoomSpec(4))
    capture(tmp_path / "arkit", "9", list(room.objects))
    make_roomplan_dataset(tmp_path / "arkit", tmp_path / "out", views=3)
    dataset = Dataset.open(tmp_path / "out")
    tasks = list(dataset.tasks())
    assert len(tasks) >= 5
    assert {len(task.frames) for task in tasks} == {3}
    for task, target in zip(tasks, targets(tmp_path / "out"), strict=True):
        program = parse(task.question)
        assert program is not None, task.question
        assert program.op == "place_anchor", task.question
        mine = [item for item in room.objects if item.category == concept(program)]
        listed = target.payload["admissible"]
        assert isinstance(listed, list)
        assert not any(faults(one, 3) for one in listed)
        if program.args == (things(concept(program)),):
            assert len(listed) == len(mine)
            continue
        assert len(listed) == 1, "a description means one thing"
        for one in program.walk():
            if one.op == "filter" and len(one.args) == 3:
                name, value = one.args[1:]
                assert sum(item.attributes.get(name) == value for item in mine) == 1
            if one.op == "relate" and one.args[2] == "on":
                kind = concept(one.args[1])
                supports = {i.instance_id for i in room.objects if i.category == kind}
                assert sum(item.supported_by in supports for item in mine) == 1


def test_planes_face_into_the_room_and_have_two_edges() -> None:
    truth = SceneTruth(
        scene_id="s", source="t", rooms=(SQUARE,), height=2.5, room_area=12.0, objects=()
    )
    found = list(planes(AskableScene(CapturedScene(truth))))
    assert len(found) == 5, "a floor and four walls, no two alike"
    for draft in found:
        assert edges_asked(draft.question) == 2
        (action,) = draft.payload["admissible"]  # type: ignore[misc, str-unpack]
        assert not faults(action, 2)
        centre, normal = np.array(action["center"]), np.array(action["normal"])  # type: ignore[index, call-overload]
        inwards = np.array([2.0, 1.5, 1.25]) - centre
        assert inwards @ normal > 0


def test_a_box_is_used_from_the_side_that_looks_into_the_room() -> None:
    assert towards(box(0, 0), (3.0, 0.1)) == pytest.approx((1, 0, 0))
    assert towards(box(0, 0, np.pi / 2), (-3.0, 0.1)) == pytest.approx((-1, 0, 0))
    assert towards(box(1, 1), (1.0, 1.0)) == (0.0, 0.0, 1.0)


def test_a_folder_without_captures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no scene"):
        make_roomplan_dataset(tmp_path, tmp_path / "out")


def test_only_the_first_scenes_are_taken(tmp_path: Path) -> None:
    for name in ("3", "1", "2"):
        capture(tmp_path / "in", name, [thing(1, "chair", box(1, 1))])
    manifest, _ = make_roomplan_dataset(tmp_path / "in", tmp_path / "out", scenes=2)
    assert manifest.scenes == ("1", "2")
    assert isinstance(Dataset.open(tmp_path / "out").captures["1"].frames[0].index, int)
