"""Regions follow from outlines and objects; relations with them are checked by other means."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest

from surveyor.core.dataset import Dataset
from surveyor.core.geometry import OrientedBox, Pose
from surveyor.core.tasks import Task
from surveyor.scenes.capture.mirror import mirrored_truth
from surveyor.scenes.datasets import truth as dataset_truth
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from surveyor.scenes.questions.draft import LETTERS
from surveyor.scenes.questions.regions import AROUND, arms, chambers, regions_of
from surveyor.scenes.records import SceneObject, SceneTruth
from surveyor.scenes.rooms.free_space import inside_polygon, polygon_area
from surveyor.scenes.rooms.layout.floor_plan import l_shape, two_rooms
from surveyor.scenes.rooms.room import RoomSpec, build_room
from surveyor.scenes.targets import Target
from tests.scenes.worlds import living_room

TYPES = ("mmsi_camera_region", "mmsi_object_region", "mmsi_region_region")
Rows = list[tuple[Task, Target, SceneTruth]]


def outline(points: np.ndarray) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in points)


def test_an_l_has_two_arms_that_meet_in_its_inner_corner() -> None:
    plan = l_shape(24.0, 1.2, 2.5, (0.4, 0.3))
    found = arms(outline(plan.outline))
    assert found is not None
    block = plan.blocks[0]
    (width, depth) = plan.extent
    areas = sorted(abs(polygon_area(part)) for part in found)
    wanted = sorted((block.x0 * (depth - block.y0), (width - block.x0) * block.y0))
    assert areas == pytest.approx(wanted)
    assert chambers(outline(plan.outline)) is None
    for part in found:
        assert (block.x0, block.y0) in part
        assert inside_polygon(np.array(part).mean(axis=0)[None], outline(plan.outline)).all()


def test_two_rooms_are_what_the_doorway_parts() -> None:
    plan = two_rooms(36.0, 0.4, 2.5, (0.5, 1.2))
    found = chambers(outline(plan.outline))
    assert found is not None
    assert [abs(polygon_area(part)) for part in found] == pytest.approx(
        [region.area for region in plan.regions]
    )
    assert arms(outline(plan.outline)) is None


def test_other_outlines_have_no_parts() -> None:
    square = ((0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0))
    assert arms(square) is None
    assert chambers(square) is None


def _truth(plan_outline: np.ndarray, *objects: SceneObject) -> SceneTruth:
    return living_room().model_copy(update={"rooms": (outline(plan_outline),), "objects": objects})


def test_parts_are_named_only_where_one_is_clearly_larger_and_survive_a_mirror() -> None:
    clear = _truth(two_rooms(36.0, 0.36, 2.5, (0.5, 1.2)).outline)
    for truth in (clear, mirrored_truth(clear, "other")):
        parts = {region.name: region for region in regions_of(truth, {})}
        assert set(parts) == {"larger room", "smaller room"}
        assert len(parts["larger room"].points) > 1.2 * len(parts["smaller room"].points)
    east = {r.name: r.middle[0] for r in regions_of(clear, {})}
    west = {r.name: -r.middle[0] for r in regions_of(mirrored_truth(clear, "other"), {})}
    assert west == pytest.approx(east, abs=0.05)
    even = _truth(two_rooms(36.0, 0.5, 2.5, (0.5, 1.2)).outline)
    assert list(regions_of(even, {})) == []


def test_the_floor_around_a_thing_is_what_lies_within_a_metre_of_it() -> None:
    box = OrientedBox.upright((0.5, 2.0, 0.3), (1.0, 2.0, 0.6), 0.0)
    bed = SceneObject(instance_id=1, category="bed", box=box)
    plan = np.array([[0, 0], [5, 0], [5, 4], [0, 4]], float)
    (region,) = regions_of(_truth(plan, bed), {"bed": 0})
    assert region.text == "the sleeping area (the floor within 1 m of the bed)"
    # Under the bed, to its east, and around its two eastern corners; north and south to the walls.
    exact = 1.0 * 2.0 + 1.0 * 2.0 + 2 * 1.0 * 1.0 + 2 * math.pi * AROUND**2 / 4
    assert len(region.points) * 0.05**2 == pytest.approx(exact, rel=0.02)
    assert region.middle[1] == pytest.approx(2.0, abs=0.01)
    assert list(regions_of(_truth(plan, bed), {})) == []


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Rows:
    path = tmp_path_factory.mktemp("regions") / "dataset"
    settings = RoomsSettings(
        n_frames=12, size=(160, 120), light_rays=1, types=TYPES, per_type=12, balance=False,
        conditions=("clean", "wide"),
    )  # fmt: skip
    make_rooms_dataset(path, [9102, 9107], settings=settings)
    truths = {truth.scene_id: truth for truth in dataset_truth.scene_truths(path)}
    pairs = zip(Dataset.open(path).tasks(), dataset_truth.targets(path), strict=True)
    return [(task, target, truths[task.scene_id]) for task, target in pairs]


def chosen(target: Target) -> str:
    return target.options[LETTERS.index(target.answer)][3:]


def middle(truth: SceneTruth, text: str) -> np.ndarray:
    """The middle of a region by its words, from random points instead of a grid."""
    rng = np.random.default_rng(3)
    corners = np.array(truth.rooms[0])
    points = rng.uniform(corners.min(axis=0), corners.max(axis=0), (60_000, 2))
    points = points[inside_polygon(points, truth.rooms[0])]
    if found := re.search(r"within 1 m of the ([\w ]+)\)", text):
        (item,) = [i for i in truth.objects if i.category == found[1]]
        columns = np.column_stack([points, np.full(len(points), item.box.center[2])])
        local = np.abs(item.box.to_local(columns)) - np.array(item.box.size) / 2
        return np.array(points[np.linalg.norm(np.maximum(local, 0), axis=1) <= 1].mean(axis=0))
    room = build_room(RoomSpec(truth.seed or 0, shape="two_rooms", area=truth.room_area))
    cells = sorted(room.plan.regions, key=lambda cell: cell.area, reverse="larger" in text)
    if room.plan.shape == "two_rooms" and "room" in text.split("(")[0]:
        return np.array(cells[0].centre)
    raise AssertionError(text)


def heading(origin: np.ndarray, facing: np.ndarray, there: np.ndarray) -> float:
    """Degrees counter-clockwise from facing to there."""
    a, b = facing - origin, there - origin
    return math.degrees(math.atan2(a[0] * b[1] - a[1] * b[0], float(a @ b)))


def quadrant(angle: float) -> str:
    return f"{'front' if abs(angle) < 90 else 'back'}-{'left' if angle > 0 else 'right'}"


def test_every_kind_is_asked(rows: Rows) -> None:
    assert {task.question_type for task, _, _ in rows} == set(TYPES)
    for _, target, _ in rows:
        assert target.margin is not None
        assert target.margin >= math.radians(10)
        assert target.proof["operands"]["objects"]  # type: ignore[index, call-overload]


def test_an_area_lies_where_it_is_said_to_from_the_first_camera(rows: Rows) -> None:
    for task, target, truth in rows:
        if task.question_type == "mmsi_camera_region":
            camera = truth.cameras[task.frames[0].index]
            pose = Pose(np.array(camera.T_world_camera))
            here = pose.position[:2]
            there = middle(truth, task.question)
            angle = heading(here, here + pose.forward[:2], there)
            assert chosen(target) == quadrant(angle)
            assert len(task.frames) == 2


def test_an_object_lies_where_it_is_said_to_from_the_middle_of_an_area(rows: Rows) -> None:
    pattern = r"middle of (the .+?) and face the ([\w ]+)\. .* is the ([\w ]+)\?"
    for task, target, truth in rows:
        if task.question_type == "mmsi_object_region" and "arm" not in task.question:
            text, ahead, name = re.findall(pattern, task.question)[0]
            a, b = (
                np.array(next(i for i in truth.objects if i.category == n).box.center)[:2]
                for n in (ahead, name)
            )
            assert chosen(target) == quadrant(heading(middle(truth, text), a, b))


def test_areas_lie_to_each_other_as_the_compass_says(rows: Rows) -> None:
    pattern = r"that the middle of (.+?) lies to the north of the middle of (.+?), seen"
    for task, target, truth in rows:
        if task.question_type == "mmsi_region_region" and "arm" not in task.question:
            b, a = re.findall(pattern, task.question)[0]
            c = task.question.split("is the middle of ")[1]
            turn = heading(middle(truth, a), middle(truth, b), middle(truth, c))
            said = {"north": 0, "west": 90, "east": -90, "south": 180}[chosen(target)]
            assert abs((turn - said + 180) % 360 - 180) < 45
