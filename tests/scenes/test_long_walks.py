"""Places of many rooms, walks through them, and frames that are developed when looked at."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from surveyor.core.blobs import sha256_of
from surveyor.core.dataset import BLOBS, Dataset
from surveyor.core.errors import InfrastructureError, UserError
from surveyor.core.geometry import Intrinsics
from surveyor.core.images import opened
from surveyor.core.negatives import develop, picture_path
from surveyor.scenes.capture.long_walk import plan_walk, shortest_way
from surveyor.scenes.capture.rendering import HFOV, renderer
from surveyor.scenes.capture.standing import StandableFloor, free_space
from surveyor.scenes.datasets.truth import frame_maps, load_seen, load_truth, targets
from surveyor.scenes.datasets.walks import WalkSettings, make_walks_dataset
from surveyor.scenes.questions.recover import Perceived, recompute
from surveyor.scenes.rooms.free_space import inside_polygon, polygon_area
from surveyor.scenes.rooms.layout.floor_plan import on_corridor
from surveyor.scenes.rooms.place import PlaceSpec, build_place

SMALL = Intrinsics.from_hfov(float(HFOV), 96, 72)
widths = st.lists(st.floats(2.6, 6.0), min_size=1, max_size=5)


@settings(max_examples=40, deadline=None)
@given(widths, widths, st.floats(0, 1), st.floats(0.95, 1.3))
def test_a_plan_on_a_corridor_is_closed_and_covers_its_floor_once(
    south: list[float], north: list[float], place: float, door: float
) -> None:
    doors = [(place, door)] * (len(south) + len(north))
    plan = on_corridor(south, north, (3.5, 1.8, 4.0), doors, 2.5)
    assert polygon_area(tuple(map(tuple, plan.outline))) == pytest.approx(plan.area)
    width, depth = plan.extent
    blocked = sum(block.area for block in plan.blocks)
    assert plan.area + blocked == pytest.approx(width * depth)
    regions = [wall.region for wall in plan.walls()]
    assert set(range(len(plan.regions))) <= set(regions)
    assert regions.count(-1) == 2 * len(plan.passages)


def test_equal_seeds_give_equal_places_and_others_differ() -> None:
    one, again, other = (build_place(PlaceSpec(seed)) for seed in (11, 11, 12))
    assert one.objects == again.objects
    assert one.objects != other.objects


def test_rooms_of_a_repeating_place_are_alike() -> None:
    place = build_place(PlaceSpec(3, rooms=4, repeating=True))
    a, b = place.plan.regions[1:3]

    def inside(room: object) -> list[tuple[str, float, float]]:
        return sorted(
            (o.category, round(o.box.center[0] - room.x0, 2), round(o.box.center[1] - room.y0, 2))  # type: ignore[attr-defined]
            for o in place.objects
            if room.x0 < o.box.center[0] < room.x1 and room.y0 < o.box.center[1] < room.y1  # type: ignore[attr-defined]
        )

    first, second = inside(a), inside(b)
    shared = len(set(first) & set(second))
    assert shared >= 0.7 * len(first) > 5


@pytest.mark.parametrize("seed", [0, 4])
def test_a_walk_enters_every_room_and_never_leaves_the_place(seed: int) -> None:
    spec = PlaceSpec(seed).drawn()
    place = build_place(spec)
    walk = plan_walk(place, 120, intrinsics=SMALL, repeating=bool(spec.repeating))
    at = np.array([np.array(c.T_world_camera)[:2, 3] for c in walk.cameras])
    assert len(at) == 120
    assert inside_polygon(at, tuple(map(tuple, place.polygon))).all()
    for room in place.plan.regions:
        x, y = at.T
        assert ((x > room.x0) & (x < room.x1) & (y > room.y0) & (y < room.y1)).any()
    hits = [renderer(place).render(c, rgb=False).ids for c in walk.cameras[::10]]
    assert all((ids > 0).all() for ids in hits), "a ray left the place"


def test_the_shortest_way_goes_through_the_door() -> None:
    place = build_place(PlaceSpec(4))
    space = free_space(place)
    a, b = (place.plan.regions[k].centre for k in (1, 2))
    way = shortest_way(space, a, b)
    assert space.clear(way).all()
    assert np.hypot(*np.diff(way, axis=0).T).max() < 0.15
    gates = place.plan.passages[:2]
    for gate in gates:
        x, y = way.T
        assert ((x > gate.x0) & (x < gate.x1) & (y > gate.y0) & (y < gate.y1)).any()


def test_a_way_around_a_wall_is_found_in_every_direction() -> None:
    mask = np.ones((9, 9), bool)
    mask[4, :8] = False
    points = (np.argwhere(mask).astype(np.float64) + 0.5) * 0.1
    floor = StandableFloor(mask, points)
    for start, end in (((0.05, 0.05), (0.85, 0.05)), ((0.85, 0.05), (0.05, 0.05))):
        way = shortest_way(floor, start, end)
        assert np.allclose(way[0], start)
        assert np.allclose(way[-1], end)
        assert floor.clear(way).all()


def test_too_few_frames_and_impossible_places_are_refused() -> None:
    with pytest.raises(UserError, match="too few for"):
        plan_walk(build_place(PlaceSpec(4)), 32, intrinsics=SMALL)
    with pytest.raises(UserError, match="2 to 12 rooms"):
        PlaceSpec(0, rooms=40).drawn()


@pytest.fixture(scope="module")
def walks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("walks") / "one"
    chosen = WalkSettings(n_frames=96, size=(96, 72), rooms=2, per_type=2, light_rays=1)
    make_walks_dataset(path, [1], settings=chosen)
    return path


def test_a_walk_is_made_without_pictures_and_developed_frame_by_frame(walks: Path) -> None:
    dataset = Dataset.open(walks)
    capture = dataset.captures["walk_000001"]
    assert len(capture.frames) == 96
    assert not list((walks / BLOBS).rglob("*.picture"))
    assert not list((walks / "truth").rglob("*.maps"))
    frame = capture.frames[40]
    picture = opened(dataset.blobs.get(frame.image.sha256), max_pixels=10**6)
    assert (picture.width, picture.height) == (frame.image.width, frame.image.height) == (96, 72)
    assert len(list((walks / BLOBS).rglob("*.picture"))) == 1
    assert dataset.blobs.get(frame.image.sha256) == dataset.blobs.get(frame.image.sha256)
    assert sha256_of(dataset.blobs.path(frame.image.sha256).read_bytes()) == frame.image.sha256


def test_maps_that_are_developed_agree_with_what_was_counted(walks: Path) -> None:
    truth = load_truth(walks, "walk_000001")
    maps = frame_maps(walks, "walk_000001", 10)
    counted = [int((maps.ids == thing.instance_id).sum()) for thing in truth.objects]
    assert tuple(counted) == truth.visible_pixels[10]


def test_questions_of_a_walk_are_about_what_was_seen(walks: Path) -> None:
    seen = load_seen(walks, "walk_000001")
    assert seen is not None
    answers = targets(walks)
    assert len(answers) >= 6
    truth = load_truth(walks, "walk_000001")
    for target in answers:
        if target.question_type == "room_size_estimation":
            assert float(target.answer) == pytest.approx(truth.room_area, rel=0.01)
            continue
        assert target.evidence_frames
        assert all(any(truth.visible_pixels[k]) for k in target.evidence_frames)
        operands = target.proof["operands"]
        assert isinstance(operands, dict)
        assert recompute(target.question_type, operands, Perceived(seen)) is not None


def test_the_public_side_does_not_say_what_kind_of_place_it_is(walks: Path) -> None:
    capture = (walks / "captures" / "walk_000001.json").read_text()
    blob = next(iter(Dataset.open(walks).blobs))
    line = Dataset.open(walks).blobs.path(blob).read_text()
    for word in ("repeating", "seed", "T_world_camera", "bedroom", "office"):
        assert word not in capture + line


def test_a_frame_that_is_not_there_is_an_outage_and_the_next_one_works(walks: Path) -> None:
    with pytest.raises(InfrastructureError, match="cannot be developed"):
        develop(walks, "walk_000099", 0)
    develop(walks, "walk_000001", 3)
    sha = Dataset.open(walks).captures["walk_000001"].frames[3].image.sha256
    assert picture_path(Dataset.open(walks).blobs.path(sha)).exists()


def test_types_beyond_the_ten_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="walks are not asked 'scanqa'"):
        make_walks_dataset(tmp_path / "x", [1], settings=WalkSettings(types=("scanqa",)))


def test_the_process_that_develops_ends_with_its_parent(walks: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from surveyor.core import negatives\n"
        f"negatives.develop(Path({str(walks)!r}), 'walk_000001', 5)\n"
        "print([d._child.pid for d in negatives._open.values()][0])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not Path(f"/proc/{int(done.stdout)}").exists()
