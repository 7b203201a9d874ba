"""The other families: every answer is checked again by means other than those that made it."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from surveyor.core.dataset import Dataset
from surveyor.core.geometry import Pose
from surveyor.core.tasks import AnswerKind, Task
from surveyor.scenes.datasets import truth as dataset_truth
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from surveyor.scenes.questions.asking import GENERATORS
from surveyor.scenes.questions.draft import LETTERS
from surveyor.scenes.questions.implicit import PURPOSES
from surveyor.scenes.records import SceneObject, SceneTruth
from surveyor.scenes.targets import Target

FAMILIES = tuple(GENERATORS)[10:]
Asked = list[tuple[Task, Target, SceneTruth]]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("families") / "dataset"
    settings = RoomsSettings(
        n_frames=10, size=(160, 120), light_rays=1, types=FAMILIES, per_type=12, balance=False
    )
    make_rooms_dataset(path, [7], settings=settings)
    return path


@pytest.fixture(scope="module")
def asked(path: Path) -> Asked:
    truth = dataset_truth.scene_truths(path)[0]
    return [
        (task, target, truth)
        for task, target in zip(
            Dataset.open(path).tasks(), dataset_truth.targets(path), strict=True
        )
    ]


def of_type(asked: Asked, name: str) -> Asked:
    found = [row for row in asked if row[0].question_type == name]
    assert found, f"no {name} question was asked"
    return found


def chosen(target: Target) -> str:
    return target.options[LETTERS.index(target.answer)][3:]


def by_name(truth: SceneTruth, name: str) -> SceneObject:
    (found,) = [item for item in truth.objects if item.category == name]
    return found


def centre(item: SceneObject) -> np.ndarray:
    return np.array(item.box.center)


def pose(truth: SceneTruth, k: int) -> Pose:
    return Pose(np.array(truth.cameras[k].T_world_camera))


def test_every_family_is_asked_and_proved(asked: Asked) -> None:
    counts = Counter(task.question_type for task, _, _ in asked)
    assert set(counts) == set(FAMILIES)
    for _, target, _ in asked:
        assert target.proof["program"]
        assert target.answer


def test_marked_frames_are_derived_and_hold_the_marks(path: Path, asked: Asked) -> None:
    dataset = Dataset.open(path)
    known = dataset_truth.frame_index(path)
    for name in ("cvbench3d_depth", "cvbench3d_distance", "blink_relative_depth"):
        for task, _, _ in of_type(asked, name):
            (frame,) = task.frames
            derivation = dataset.blobs.derivation(frame.image.sha256)
            assert derivation is not None
            assert known[derivation.parent] == (task.scene_id, frame.index)
            assert dataset.blobs.get(frame.image.sha256).startswith(b"\x89PNG")


def test_closer_is_closer(asked: Asked) -> None:
    for task, target, truth in of_type(asked, "cvbench3d_depth"):
        objects = target.proof["operands"]["objects"]  # type: ignore[index, call-overload]
        camera = pose(truth, task.frames[0].index).position
        far = {
            name: float(np.linalg.norm(centre(truth.objects[ids[0] - 1]) - camera))
            for name, ids in objects.items()
        }
        assert target.margin is not None
        assert target.margin >= 0.3
        # Depth along the axis and distance from the eye differ, but not by what was asked for.
        if abs(float(np.subtract(*far.values()))) > 1.0:
            assert min(far, key=far.__getitem__) == chosen(target)


def test_nearer_is_nearer(asked: Asked) -> None:
    for _, target, truth in of_type(asked, "cvbench3d_distance"):
        names = target.proof["operands"]["objects"]  # type: ignore[index, call-overload]
        r, a, b = (centre(truth.objects[ids[0] - 1]) for ids in names.values())
        near = list(names)[1] if np.linalg.norm(r - a) < np.linalg.norm(r - b) else list(names)[2]
        assert near == chosen(target)


def test_marked_points_have_the_depth_that_is_claimed(path: Path, asked: Asked) -> None:
    for task, target, _ in of_type(asked, "blink_relative_depth"):
        a, b = target.proof["operands"]["depths"]  # type: ignore[index, call-overload]
        assert chosen(target) == ("A is closer" if a < b else "B is closer")
        depth = dataset_truth.frame_maps(path, task.scene_id, task.frames[0].index).depth
        assert np.isclose(depth, a, atol=1e-6).any()
        assert np.isclose(depth, b, atol=1e-6).any()


def test_a_camera_that_moves_left_goes_clockwise(asked: Asked) -> None:
    for task, target, truth in of_type(asked, "blink_multi_view"):
        first, second = (frame.index for frame in task.frames)
        (instance,) = target.proof["operands"]["objects"]["around"]  # type: ignore[index, call-overload]
        middle = centre(truth.objects[instance - 1])[:2]
        a, b = (pose(truth, k).position[:2] - middle for k in (first, second))
        clockwise = a[0] * b[1] - a[1] * b[0] < 0
        assert chosen(target) == ("left" if clockwise else "right")


def test_camera_relations_hold_in_the_first_cameras_axes(asked: Asked) -> None:
    rows = of_type(asked, "mmsi_camera_camera") + of_type(asked, "mmsi_camera_object")
    for task, target, truth in rows:
        first, second = (pose(truth, frame.index) for frame in task.frames)
        where = second.position
        if task.question_type == "mmsi_camera_object":
            name = re.findall(r"The ([\w ]+) can be seen", task.question)[0]
            where = centre(by_name(truth, name))
        right = float((where - first.position) @ first.T_world_camera[:3, 0])
        ahead = float((where - first.position)[:2] @ first.forward[:2])
        said = f"{'front' if ahead > 0 else 'back'}-{'right' if right > 0 else 'left'}"
        assert chosen(target) == said


def test_compass_follows_from_the_stated_north(asked: Asked) -> None:
    for task, target, truth in of_type(asked, "mmsi_object_object"):
        b, a, c = re.findall(
            r"the ([\w ]+) lies to the north of the ([\w ]+), .* is the ([\w ]+)\?", task.question
        )[0]
        north, there = (
            centre(by_name(truth, n))[:2] - centre(by_name(truth, a))[:2] for n in (b, c)
        )
        turn = math.degrees(
            math.atan2(north[0] * there[1] - north[1] * there[0], float(north @ there))
        )
        said = {"north": 0, "west": 90, "east": -90, "south": 180}[chosen(target)]
        assert abs((turn - said + 180) % 360 - 180) < 45


def test_unanswerable_questions_ask_about_what_is_not_there(asked: Asked) -> None:
    for task, target, truth in of_type(asked, "unanswerable"):
        name = task.question.split(" is the ")[1].rstrip("?")
        assert name not in {item.category for item in truth.objects}
        assert target.answer == "unanswerable"


def test_short_answers_are_true(asked: Asked) -> None:
    for task, target, truth in of_type(asked, "scanqa"):
        here = Counter(item.category for item in truth.objects)
        if task.question.startswith("Is there a "):
            name = task.question[len("Is there a ") : -len(" in the room?")]
            assert target.answer == ("yes" if here[name] else "no")
        elif task.question.startswith("How many"):
            name = task.question[len("How many instances of ") : -len(" are there?")]
            assert int(target.answer) == here[name]
        assert target.payload["references"][0] == target.answer  # type: ignore[index, call-overload]


def test_situations_face_the_object_that_is_faced(asked: Asked) -> None:
    for task, target, truth in of_type(asked, "sqa3d"):
        p, o = re.findall(r"by the ([\w ]+) and facing the ([\w ]+)\.", task.question)[0]
        position, rotation = target.payload["position"], target.payload["rotation"]
        step = centre(by_name(truth, o)) - centre(by_name(truth, p))
        yaw = 2 * math.atan2(rotation["_z"], rotation["_w"])  # type: ignore[index, call-overload, arg-type]
        assert math.isclose(math.cos(yaw - math.atan2(step[1], step[0])), 1, abs_tol=1e-9)
        assert position["x"] == pytest.approx(centre(by_name(truth, p))[0])  # type: ignore[index, call-overload]


def _fits(truth: SceneTruth, description: str) -> set[int]:
    """An independent reading of the descriptions."""
    text = re.sub(r"^(the|all instances of) ", "", description)
    for pattern in (r" whose (\w+) is (.+)$", r" on a (.+)$", r" that is (\w+) \w+ the (.+)$"):
        if found := re.search(pattern, text):
            break
    category = text[: found.start()] if found else text
    same = [item for item in truth.objects if item.category == category]
    if not found:
        return {item.instance_id for item in same}
    if "whose" in found[0]:
        return {i.instance_id for i in same if i.attributes.get(found[1]) == found[2]}
    if found[0].startswith(" on a"):
        under = {item.instance_id: item.category for item in truth.objects}
        return {i.instance_id for i in same if under.get(i.supported_by or 0) == found[1]}
    anchor = by_name(truth, found[2]).box
    corners = {i.instance_id: _gap(i, anchor) for i in same}
    choose = min if found[1] == "closest" else max
    return {choose(corners, key=corners.__getitem__)}


def _gap(item: SceneObject, anchor: object) -> float:
    from surveyor.scenes.official.measures import exact_box_distance

    return exact_box_distance(item.box, anchor)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["scanrefer", "multi3drefer"])
def test_descriptions_fit_their_targets_and_nothing_else(asked: Asked, name: str) -> None:
    for task, target, truth in of_type(asked, name):
        ids = set() if target.answer == "none" else set(map(int, target.answer.split(", ")))
        assert _fits(truth, task.question.split(": ")[1]) == ids, task.question
        assert task.answer_kind is AnswerKind.BOXES


def test_all_five_kinds_of_multi3drefer_occur(asked: Asked) -> None:
    rows = of_type(asked, "multi3drefer")
    kinds = Counter(target.payload["eval_type"] for _, target, _ in rows)
    assert set(kinds) == {"zt_w_d", "zt_wo_d", "st_w_d", "st_wo_d", "mt"}
    for _, target, _ in rows:
        n = len(target.payload["gt_aabbs"])  # type: ignore[arg-type]
        assert str(target.payload["eval_type"])[:2] == {0: "zt", 1: "st"}.get(n, "mt")


def test_a_purpose_is_served_by_one_category(asked: Asked) -> None:
    for task, target, truth in of_type(asked, "reason_seg"):
        serving = PURPOSES[task.question.removesuffix(" Give its mask.")]
        here = {i.instance_id for i in truth.objects if i.category in serving}
        assert set(target.payload["object_ids"]) == here  # type: ignore[arg-type]


def test_actions_list_every_admissible_target(asked: Asked) -> None:
    for task, target, truth in of_type(asked, "roomplan_action"):
        name = re.findall(r"category '([\w ]+)'", task.question)[0]
        centres = [tuple(a["center"]) for a in target.payload["admissible"]]  # type: ignore[index, union-attr, call-overload]
        wanted = [
            tuple(round(v, 4) for v in i.box.center) for i in truth.objects if i.category == name
        ]
        assert sorted(centres) == sorted(wanted)
        assert json.loads(target.answer)["action"] == "place_anchor"
