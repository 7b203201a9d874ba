"""Counterfactual twins differ in one thing, and their questions are joined by a pair id."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from surveyor.core.errors import UserError
from surveyor.core.geometry import Intrinsics, Pose
from surveyor.scenes.capture.mirror import mirrored_truth
from surveyor.scenes.capture.trajectory import CameraTrajectory, plan_trajectory
from surveyor.scenes.datasets import truth as dataset_truth
from surveyor.scenes.datasets.embedded import RoomsSettings
from surveyor.scenes.datasets.pairs import make_pairs_dataset
from surveyor.scenes.official.directions import Difficulty, direction
from surveyor.scenes.questions.recover import Perceived, agrees, recompute
from surveyor.scenes.records import SceneTruth
from surveyor.scenes.rooms.counterfactual import Change, make_twins
from surveyor.scenes.rooms.room import Room, RoomSpec, build_room
from tests.scenes.worlds import living_room

CHANGES: tuple[Change, ...] = ("moved", "removed", "recoloured")
TYPES = (
    "object_abs_distance", "object_size_estimation", "object_counting", "object_rel_direction_easy",
)  # fmt: skip
SMALL = RoomsSettings(
    n_frames=6, size=(112, 84), light_rays=1, types=TYPES, per_type=4, balance=False
)


@pytest.fixture(scope="module")
def room() -> Room:
    return build_room(RoomSpec(12))


@pytest.fixture(scope="module")
def trajectory(room: Room) -> CameraTrajectory:
    return plan_trajectory(room, 6, intrinsics=Intrinsics.from_hfov(1.2, 96, 72))


@pytest.mark.parametrize("change", CHANGES)
def test_exactly_one_object_differs(
    room: Room, trajectory: CameraTrajectory, change: Change
) -> None:
    twins = make_twins(room, trajectory, change, np.random.default_rng(1))
    assert twins is not None
    before = {item.instance_id: item for item in twins.before.objects}
    after = {item.instance_id: item for item in twins.after.objects}
    differing = {k for k in before if before[k] != after.get(k)}
    assert differing == {twins.instance_id}
    old, new = before[twins.instance_id], after.get(twins.instance_id)
    if new is None:
        assert change == "removed"
    elif change == "moved":
        assert np.linalg.norm(np.subtract(old.box.center, new.box.center)) >= 0.6
        assert new.box.size == old.box.size
    else:
        assert new.box == old.box
        assert new.attributes["color"] != old.attributes["color"]


def test_a_moved_object_keeps_clear_of_the_cameras(
    room: Room, trajectory: CameraTrajectory
) -> None:
    eyes = np.array([np.array(camera.T_world_camera)[:2, 3] for camera in trajectory.cameras])
    for seed in range(6):
        twins = make_twins(room, trajectory, "moved", np.random.default_rng(seed))
        assert twins is not None
        spot = twins.after.placed[twins.instance_id - 1].footprint
        assert not spot.grown(0.4).contains(eyes).any()


def test_a_mirror_swaps_left_and_right_and_nothing_else() -> None:
    truth = living_room("room", 2)
    mirror = mirrored_truth(truth, "twin")
    boxes = [{o.category: o.box for o in t.objects} for t in (truth, mirror)]
    swap = {"left": "right", "right": "left", "back": "back"}
    for names in (("sofa", "tv", "stove"), ("table", "sofa", "lamp"), ("tv", "sofa", "table")):
        here, there = (
            direction(b[names[0]], b[names[1]], b[names[2]], Difficulty.MEDIUM) for b in boxes
        )
        assert (here is None) == (there is None)
        if here is not None and there is not None:
            assert there.name == swap[here.name]
    assert mirrored_truth(mirror, "room") == truth


def test_a_mirrored_camera_sees_mirrored_pixels() -> None:
    truth = living_room("room", 1)
    mirror = mirrored_truth(truth, "twin")
    point = np.array([[2.0, 0.3, 1.0]])
    pixels = []
    for side, world in ((truth, point), (mirror, point * [-1, 1, 1])):
        camera = side.cameras[0]
        local = Pose(np.array(camera.T_world_camera)).to_camera(world)
        pixels.append(camera.intrinsics.project(local)[0][0])
    assert pixels[1][0] == pytest.approx(31 - pixels[0][0])
    assert pixels[1][1] == pytest.approx(pixels[0][1])


def test_pairs_ask_the_same_and_say_which_belongs_to_which(tmp_path: Path) -> None:
    path = tmp_path / "pairs"
    manifest = make_pairs_dataset(path, [16, 13], ("moved", "mirrored"), settings=SMALL)
    assert manifest.scenes == (
        "room_000016", "room_000016-moved", "room_000013", "room_000013-mirrored",
    )  # fmt: skip
    truths = {t.scene_id: t for t in dataset_truth.scene_truths(path)}
    joined = defaultdict(list)
    for target in dataset_truth.targets(path):
        joined[target.pair].append(target)
    assert len(joined) > 12
    changed = defaultdict(set)
    for pair, (first, second) in joined.items():
        assert pair is not None
        before, after, _ = pair.split("/")
        assert (first.task_id.split(".")[0], second.task_id.split(".")[0]) == (before, after)
        answers = [_text(t) for t in (first, second)]
        changed[first.question_type, after.split("-")[1]].add(answers[0] != answers[1])
        for target in (first, second):
            _holds(path, truths[target.task_id.split(".")[0]], target)
    assert changed["object_rel_direction_easy", "mirrored"] == {True}
    assert changed["object_size_estimation", "mirrored"] == {False}
    assert any(True in found for (_, kind), found in changed.items() if kind == "moved")


def _text(target: object) -> str:
    options, answer = target.options, target.answer  # type: ignore[attr-defined]
    return str(options["ABCD".index(answer)][3:] if options else answer)


def _holds(path: Path, truth: SceneTruth, target: object) -> None:
    seen = dataset_truth.load_seen(path, truth.scene_id)
    assert seen is not None
    found = recompute(target.question_type, target.proof["operands"], Perceived(seen))  # type: ignore[attr-defined]
    assert agrees(_text(target), found)


def test_unknown_kinds_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="choose kinds"):
        make_pairs_dataset(tmp_path / "p", [1], ("painted",), settings=SMALL)  # type: ignore[arg-type]
