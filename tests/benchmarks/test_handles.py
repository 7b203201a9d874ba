"""Answers by handle: what an episode's log says of them, in whose axes, and how they are scored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from surveyor.agent.planner import PlannerInput, Turn
from surveyor.agent.scripted import Play
from surveyor.benchmarks.corruption_effect import read_probe
from surveyor.benchmarks.evidence_answers import EpisodeEvidence, PlacedAnswer, placed
from surveyor.benchmarks.scan_points import Scan, Scans
from surveyor.benchmarks.scorers.per_type import METRIC_OF, metric_name_of
from surveyor.benchmarks.scorers.registry import metric_named
from surveyor.benchmarks.scoring import score_run
from surveyor.core.dataset import Dataset
from surveyor.core.geometry import OrientedBox, Scale, World
from surveyor.core.tasks import Task
from surveyor.memory.events import ToolOutcome, ToolStatus
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from surveyor.scenes.datasets.truth import scene_truth, targets
from surveyor.scenes.questions.asking import GENERATORS
from surveyor.scenes.targets import Target
from surveyor.tools.objects import add_objects
from surveyor.tools.records import ObjectRecord
from surveyor.tools.schemas import ObjectsData
from surveyor.tools.spec import Arguments, CallRequest, Effects, Tool, ToolResult
from surveyor.tools.usage import dump
from surveyor.tools.workspace import Workspace
from tests.benchmarks.bench import World as Stage
from tests.benchmarks.bench import play

TURNED = OrientedBox.upright((1.0, 2.0, 0.5), (2.0, 1.0, 1.0), np.pi / 2)
MULTI, SINGLE, MASK = (metric_named(name) for name in ("multi3drefer", "scanrefer", "reason3d"))


def row(handle: str, box: OrientedBox = TURNED, **more: object) -> dict[str, Any]:
    return {
        "handle": handle,
        "category": "chair",
        "space": "recon_1",
        "scale": "metric",
        "center": list(box.center),
        "size": list(box.size),
        "axes": [[*a] for a in box.axes],
        "support": 3,
        "visible": 4,
        "confidence": 0.7,
        "accepted": True,
        "world": "dataset",
        **more,
    }


def outcome(name: str, data: Any, *handles: str, ok: bool = True) -> ToolOutcome:
    status = ToolStatus.OK if ok else ToolStatus.MISTAKE
    return ToolOutcome(
        turn=0, call_id=name, name=name, status=status, text="", data=data, handles=handles
    )


LIFTED = [
    {"handle": "cloud_1", "outline": "mask_1", "frame": "frame_0"},
    {"handle": "cloud_2", "outline": "mask_2", "frame": "frame_0"},
]
LOG = (
    outcome("segment", [], "mask_1", "mask_2", "masks_1"),
    outcome("lift", LIFTED, "cloud_1", "cloud_2", "clouds_1"),
    outcome(
        "fuse",
        {"objects": [row("obj_1", made_of=["cloud_1"]), row("obj_2", made_of=["cloud_2"])]},
        *("obj_1", "obj_2", "objs_1"),
    ),
    outcome("fuse", {"objects": [row("obj_3", world="own"), row("obj_4", scale="relative")]}),
    outcome("fuse", {"objects": [row("obj_9")]}, "obj_9", ok=False),
    outcome("measure", {"handle": "measurement_1", "value": 2.0, "unit": "m"}, "measurement_1"),
)
BOUNDS = [[0.5, 1.0, 0.0], [1.5, 3.0, 1.0]]


def read(answer: str | None, metric: Any = MULTI, scan: Scan | None = None) -> PlacedAnswer:
    return placed(metric, answer, lambda: EpisodeEvidence.of(LOG), lambda: scan or Scan())


def test_an_objects_box_is_the_extent_of_its_turned_box_in_the_datasets_axes() -> None:
    found = read("obj_1")
    np.testing.assert_allclose(found.prediction, [BOUNDS], atol=1e-9)
    assert found.recorded()["handles"] == ["obj_1"]
    assert found.recorded()["world"] == "dataset"
    np.testing.assert_allclose(read("It is obj_1.", SINGLE).prediction, BOUNDS, atol=1e-9)


@pytest.mark.parametrize(
    ("answer", "number"),
    [
        ("obj_1, obj_2", 2),
        ("obj_1 and obj_1", 1),
        ("objs_1", 2),
        ('["obj_1", "obj_2"]', 2),
        ("mask_2", 1),
        ("mask_1, obj_1", 1),
        ("cloud_2", 1),
        ("obj_1, obj_77", 2),  # an unknown handle is a prediction that matches nothing
        ("none", 0),
        ("There is no such object.", 0),
        ("[]", 0),
        ("[[[0,0,0],[1,1,1]]]", 1),
    ],
)
def test_what_an_answer_names(answer: str, number: int) -> None:
    found = read(answer)
    assert found.problem == ""
    assert isinstance(found.prediction, list)
    assert len(found.prediction) == number


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("obj_3", "axes of recon_1's own"),
        ("obj_1, obj_3", "axes of recon_1's own"),
        ("obj_4", "not in metres"),
        ("measurement_1", "never made into an object"),
        ("the brown one", "neither evidence nor coordinates"),
        ("I think there is none of them near obj 5", "neither evidence nor coordinates"),
    ],
)
def test_what_cannot_be_placed_is_not_guessed(answer: str, words: str) -> None:
    for metric in (MULTI, SINGLE, MASK):
        found = read(answer, metric, Scan(np.zeros((3, 3))))
        assert found.prediction is None
        assert words in found.problem


def test_saying_that_there_is_none_is_no_box_where_there_always_is_one() -> None:
    assert read("none", MULTI).prediction == read("none", MASK).prediction == []
    found = read("none", SINGLE)
    assert found.prediction is None
    assert "says that there is none" in found.problem


def test_failed_calls_and_old_logs_place_nothing() -> None:
    np.testing.assert_array_equal(read("obj_9").prediction, [[[0.0] * 3] * 2])
    old = {key: v for key, v in row("obj_1").items() if key not in ("axes", "world")}
    log = (outcome("fuse", {"objects": [old]}, "obj_1"),)
    found = placed(MULTI, "obj_1", lambda: EpisodeEvidence.of(log), Scan)
    assert found.prediction is None


def test_text_metrics_and_missing_answers_pass_through() -> None:
    assert read("obj_1", metric_named("vsi")).prediction == "obj_1"
    assert read(None).prediction is None


def test_masks_are_the_scan_points_inside_of_the_objects() -> None:
    points = np.array([[1.0, 2.0, 0.5], [1.0, 2.9, 0.9], [1.9, 2.0, 0.5], [1.0, 2.0, 1.01]])
    assert read("obj_1", MASK, Scan(points)).prediction == [0, 1, 3]
    assert read("obj_1", MASK, Scan(points, noise=0.001)).prediction == [0, 1]
    assert "does not keep the scan" in read("obj_1", MASK).problem


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ground") / "dataset"
    kinds = ("scanrefer", "multi3drefer", "reason_seg", "object_counting")
    settings = RoomsSettings(n_frames=6, size=(160, 120), per_type=2, types=kinds)
    make_rooms_dataset(path, [8101], settings=settings)
    return path


class _Nothing(Arguments):
    """No arguments."""


def knowing(dataset: Path, world: World) -> tuple[Any, Any]:
    """A tool that sees the true objects in ``world``'s axes, and a planner that names them."""
    truth = {target.task_id: target for target in targets(dataset)}

    async def look(arguments: _Nothing, workspace: Workspace) -> ToolResult:
        known = scene_truth(dataset, workspace.task.scene_id)
        target = truth[workspace.task.id]
        ids = wanted(target)
        found = [
            ObjectRecord(
                category=item.category,
                space="recon_1",
                scale=Scale.METRIC,
                box=item.box,
                cloud=np.zeros((0, 3)),
                support=1,
                visible=1,
                confidence=1.0,
                world=world,
            )
            for item in known.objects
            if item.instance_id in ids
        ]
        rows = add_objects(workspace, [(record, ()) for record in found])
        data = dump(ObjectsData(objects=tuple(rows)))
        return ToolResult("seen", data=data, handles=tuple(r.handle for r in rows))

    def script(task: Task, brief: PlannerInput) -> Play:
        observations = yield Turn(calls=(CallRequest("c1", "look", "{}"),))
        handles = ", ".join(observations[0].handles)
        said = truth[task.id].answer if task.question_type == "object_counting" else handles
        yield Turn(answer=said or "none")

    return Tool("look", "Look.", _Nothing, Effects.PURE, look), script


def wanted(target: Target) -> list[int]:
    payload = target.payload
    ids = payload.get("object_ids", [payload.get("object_id")])
    return [int(k) for k in ids if isinstance(k, int)] if isinstance(ids, list) else []


class _Told(Stage):
    def __init__(self, tool: Any) -> None:
        super().__init__()
        self.tool = tool

    @property
    def registry(self) -> Any:
        from surveyor.tools.registry import Registry

        return Registry([self.tool])


def test_a_run_that_names_the_right_objects_has_100_and_says_how(
    ground: Path, tmp_path: Path
) -> None:
    tool, script = knowing(ground, World.DATASET)
    folder, _ = play(tmp_path / "r", Dataset.open(ground), _Told(tool), script)
    report = score_run(folder, ground, "rooms")
    assert report.groups["object_counting"] == 100.0
    assert report.groups["scanrefer"] == 100.0
    assert report.groups["multi3drefer"] == 100.0
    # A box holds a little of what touches the object, so its mask is good but not perfect.
    assert report.groups["reason_seg"] > 60.0
    told = {score.task_id: score.fields for score in folder.results()}
    placed_rows = [fields for fields in told.values() if fields.get("handles")]
    assert placed_rows
    assert {fields["world"] for fields in placed_rows} == {"dataset"}


def test_the_same_objects_in_axes_of_their_own_are_failed_with_the_reason(
    ground: Path, tmp_path: Path
) -> None:
    tool, script = knowing(ground, World.OWN)
    folder, _ = play(tmp_path / "r", Dataset.open(ground), _Told(tool), script, types=["scanrefer"])
    report = score_run(folder, ground, "scanrefer")
    assert report.overall.value == 0.0
    assert report.tally.failed == report.tally.scheduled > 0
    assert report.measures == {"iou": 0.0, "hit_at_0.25": 0.0, "hit_at_0.5": 0.0}
    ((reason, count),) = report.failures.items()
    assert "nothing on record maps them" in reason
    assert count == report.tally.failed


def test_embedded_rooms_have_points_with_their_objects(ground: Path) -> None:
    scan = Scans(ground)["room_008101"]
    assert scan.points is not None
    assert scan.instances is not None
    known = scene_truth(ground, "room_008101")
    for item in known.objects:
        mine = scan.points[scan.instances == item.instance_id]
        assert item.box.contains(mine, 0.05).all()
    fields = scan.fields({"object_ids": [known.objects[0].instance_id]})
    assert fields["n_points"] == len(scan.points)


def test_a_datasets_metric_follows_from_its_question_types() -> None:
    assert metric_name_of(["object_counting", "route_planning"]) == "vsi"
    assert metric_name_of(["scanrefer"]) == "scanrefer"
    assert metric_name_of(["scanrefer", "object_counting"]) == "rooms"
    assert metric_name_of(["roomplan_action"]) == "anchor"
    assert metric_name_of(["a_type_of_tomorrow"]) == "rooms"


def test_an_answer_by_handle_moves_when_the_tool_behind_it_lies(
    ground: Path, tmp_path: Path
) -> None:
    tool, script = knowing(ground, World.DATASET)
    dataset, types = Dataset.open(ground), ["scanrefer", "multi3drefer"]
    honest, _ = play(tmp_path / "a", dataset, _Told(tool), script, types=types)
    probed, _ = play(tmp_path / "b", dataset, _Told(tool), script, types=types, corruption="look:1")
    for folder in (honest, probed):
        score_run(folder, ground, "rooms")
    read_back = read_probe(honest, probed)
    told = [fields for s in honest.results() if (fields := s.fields).get("boxes")]
    assert read_back.moved == len(told) > 0


def test_every_question_type_of_embedded_rooms_has_a_metric() -> None:
    assert METRIC_OF.keys() == GENERATORS.keys()
