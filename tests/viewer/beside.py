# ruff: noqa: E501 - rows read better in one line
"""What stands beside runs, made up: a library with a lineage, training curves, a scene's truth."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np

from surveyor.core.cameras import Camera
from surveyor.core.dataset import MANIFEST, DatasetManifest
from surveyor.core.geometry import Intrinsics, OrientedBox, Pose
from surveyor.scenes.datasets.truth import SCENES
from surveyor.scenes.records import SceneObject, SceneTruth
from surveyor.skills.gate import Comparison
from surveyor.skills.provenance import Origin, Provenance, Status
from surveyor.skills.store import SkillStore
from surveyor.training.evolution.exploration import Rung
from surveyor.training.evolution.records import RoundReport, Verdict
from tests.skills.conftest import make_skill
from tests.viewer.stage import SIZE

TURN, SHIFT = 0.7, np.array([5.0, -2.0, 1.0])
"""How the truth's world lies to the reconstruction's of `stage`."""


def make_library(path: Path, hostile: str = "") -> Path:
    """Three versions of a skill, one from the other, two of them judged."""
    first = make_skill("count-chairs", sections={"Lessons": f"- Look twice. {hostile}"})
    second = make_skill("count-chairs", sections={"Lessons": "- Look three times."})
    other = make_skill("measure-sofa")
    with SkillStore(path) as store:
        store.add_many(
            [(first, Provenance(origin=Origin.SEED)), (other, Provenance(origin=Origin.SEED))],
            status=Status.ACTIVE,
            action="added",
        )
        parent = f"{first.name}@{first.version}"
        store.add_many(
            [(second, Provenance(origin=Origin.DISTILLED, parents=(parent,)))],
            status=Status.CANDIDATE,
            action="proposed",
        )
        for document, lift in ((first, 0.03), (second, 0.08)):
            detail = {
                "tasks": 40, "rooms": 8, "lift": lift, "lower": lift - 0.05, "upper": lift + 0.05, "level": 0.05,
                "score_with": 0.8, "score_without": 0.7, "cost_with": 1.0, "cost_without": 1.2,
                "effective_with": 0.9, "effective_without": 0.8, "passed": True, "reason": "holds",
            }  # fmt: skip
            store.record(
                document.version, "promoted", Status.ACTIVE, lift=lift - 0.05, detail=detail
            )
        _evolved(store, Comparison.model_validate(detail))
    return path


def _evolved(store: SkillStore, judged: Comparison) -> None:
    """An evolution of two rounds, as rounds are kept with a library."""
    verdict = Verdict(skill="count-chairs", version="v", action="promoted", comparison=judged)
    with store.writing() as db:
        for k in (1, 2):
            rungs = tuple(
                Rung(rooms=8 * n, tasks=40 * n, utilities={"library": 0.5, "w": 0.5 + 0.05 * n * k}, kept=("w",))
                for n in (1, 2)
            )  # fmt: skip
            report = RoundReport(
                round=k, played=100 * k, incomplete=0, findings=3, verdicts=(verdict,) if k == 1 else (),
                active=k, utility=0.5, score=0.6, cost=2.0, plain=0.48, best=0.6, rungs=rungs,
            )  # fmt: skip
            db.execute(
                "INSERT INTO rounds(serial, run, round, record) VALUES(?,?,?,?)",
                (k, "c0ffee0123456789", k, report.model_dump_json()),
            )


def make_training(folder: Path, rows: int = 300, name: str = "compact") -> Path:
    """Losses as training writes them, the last line torn."""
    (folder / name).mkdir(parents=True)
    lines = [
        json.dumps(
            {"step": k + 1, "loss": 3 * math.exp(-k / 80) + 0.2, "accuracy": 1 - math.exp(-k / 120)}
        )
        for k in range(rows)
    ]
    (folder / name / "metrics.jsonl").write_text("\n".join(lines) + '\n{"step": 9')
    (folder / name / "training.json").write_text(json.dumps({"settings": {"rate": 0.001}}))
    return folder


def turn() -> np.ndarray:
    """(3, 3) from the reconstruction's world to the truth's."""
    c, s = math.cos(TURN), math.sin(TURN)
    return np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def make_truth(path: Path, scale: float = 1.0) -> Path:
    """A dataset of the stage's scenes: its chair a little off, its lamp as measured, and a door
    that nobody measured. The truth's world is turned, shifted and ``scale`` times as large."""
    R = turn()

    def moved(point: tuple[float, float, float]) -> tuple[float, ...]:
        return tuple(scale * R @ np.array(point) + SHIFT)

    def thing(k: int, name: str, at: tuple[float, float, float]) -> SceneObject:
        box = OrientedBox.upright(moved(at), tuple(scale * np.array([0.4, 0.2, 0.4])), TURN)  # type: ignore[arg-type]
        return SceneObject(instance_id=k, category=name, box=box)

    T = np.eye(4)
    T[:3, :3] = R @ np.array([[1, 0, 0], [0, 0, 1], [0, -1, 0]], float)
    T[:3, 3] = SHIFT
    camera = Camera(
        T_world_camera=Pose(T).T_world_camera.tolist(), intrinsics=Intrinsics.from_hfov(1.2, *SIZE)
    )
    manifest = DatasetManifest(
        name="d", generator="test", seed=0, split="test", scenes=("s0", "s1", "s2"), questions={},
        tasks_hash="", targets_hash="", content_hash="",
    )  # fmt: skip
    path.mkdir(parents=True)
    (path / MANIFEST).write_text(manifest.model_dump_json())
    for scene in manifest.scenes:
        things = (
            thing(1, "chair", (-0.5, 3.0, 0.0)),
            thing(2, "lamp", (0.6, 3.0, 0.0)),
            thing(3, "door", (0.0, 4.0, 0.0)),
        )
        truth = SceneTruth(
            scene_id=scene, source="test", room_area=12.0, objects=things, cameras=(camera,)
        )
        folder = path / SCENES / scene
        folder.mkdir(parents=True)
        (folder / "truth.json").write_text(truth.model_dump_json())
    return path
