"""VGGT-Qwen3 RoomPlan's records: views, geometry, a question or an instruction, and its answer.

One JSON object a line in ``records.jsonl``: ``images`` (paths in the folder), ``geometry`` (one
`surveyor.core.geometry_tokens` record a view, or null), ``task``, ``question``, ``answer``,
``scene_id``, ``question_id``. Every picture is of the scene that the row names: it is taken from
there. SQA3D's situation stands in the question. Of several admissible anchors the first is told.
"""

from __future__ import annotations

import json
from pathlib import Path

from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.core.geometry_tokens import view_geometry
from surveyor.scenes.datasets.truth import frame_maps, scene_truth
from surveyor.scenes.formats.question_records import asked

RECORDS = "records.jsonl"
TASKS = {
    "scanqa": "scanqa",
    "sqa3d": "sqa3d",
    "roomplan_action": "anchor",
    "anchor:thing": "anchor",
    "anchor:plane": "anchor",
}
"""``task`` by question type."""


def write_roomplan(path: Path, out: Path) -> None:
    """Write a dataset's questions and anchors as records, with the pictures that they show.

    `UserError` where it asks nothing of the kind. Views whose depth or camera is not known have no
    geometry; a row of which no view has any has null.
    """
    dataset = Dataset.open(path)
    known = {name: _geometry(path, dataset, name) for name in dataset.manifest.scenes}
    rows = []
    for row in asked(path, *TASKS):
        scene, frames = row.task.scene_id, row.task.frames
        views = [known[scene].get(frame.index) for frame in frames]
        rows.append(
            {
                "images": [_name(scene, frame.index) for frame in frames],
                "geometry": views if any(views) else None,
                "task": TASKS[row.task.question_type],
                "question": row.task.question,
                "answer": row.target.answer,
                "scene_id": scene,
                "question_id": row.task.id,
                "split": row.task.split,
            }
        )
    if not rows:
        raise UserError(
            f"the dataset in {path} asks for no words and no anchors; make one that does with "
            "`surveyor rooms make --type scanqa --type roomplan_action`"
        )
    for name, capture in dataset.captures.items():
        for frame in capture.frames:
            file = out / _name(name, frame.index)
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(dataset.blobs.get(frame.image.sha256))
    lines = [json.dumps(row) + "\n" for row in rows]
    (out / RECORDS).write_text("".join(lines), encoding="utf-8")


def _name(scene: str, index: int) -> str:
    return f"{scene}/{index:05d}.jpg"


def _geometry(path: Path, dataset: Dataset, scene: str) -> dict[int, object]:
    """Geometry records by frame index, for scenes whose cameras are known."""
    truth = scene_truth(path, scene)
    frames = dataset.captures[scene].frames
    if len(truth.cameras) != len(frames):
        return {}
    return {
        frame.index: view_geometry(camera, frame_maps(path, scene, frame.index).depth).model_dump(
            mode="json"
        )
        for frame, camera in zip(frames, truth.cameras, strict=True)
    }
