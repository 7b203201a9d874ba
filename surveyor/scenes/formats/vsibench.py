"""VSI-Bench's layout: ``test.jsonl``, ``<dataset>_meta_info_val.json`` and what was filmed.

The benchmark ships ``<dataset>/<scene>.mp4``. That is written on request, with an optional encoder;
otherwise ``<dataset>/<scene>/<k>.jpg`` and the frame rate. The metadata is read by
`surveyor.scenes.formats.vsi_meta`.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue

from surveyor.core.dataset import Dataset
from surveyor.scenes.datasets.truth import scene_truths
from surveyor.scenes.formats.posed_images import write_json
from surveyor.scenes.formats.question_records import Record, asked
from surveyor.scenes.formats.video import check_encoder, write_mp4
from surveyor.scenes.records import SceneTruth

DATASET = "surveyor"


class VsiRecord(BaseModel):
    """A row of VSI-Bench's ``test.jsonl``."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: int
    dataset: str
    scene_name: str
    question_type: str
    question: str
    options: tuple[str, ...] | None = None
    ground_truth: str


def write_vsibench(path: Path, folder: Path, *, video: bool = False) -> None:
    """Write a dataset's numeric and multiple-choice questions, metadata and frames.

    With ``video`` the frames of a scene become one mp4, as the benchmark has them.
    """
    if video:
        check_encoder()
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        VsiRecord(
            id=number,
            dataset=DATASET,
            scene_name=row.task.scene_id,
            question_type=row.task.question_type,
            question=row.task.question,
            options=row.task.options or None,
            ground_truth=row.target.answer,
        )
        for number, row in enumerate(asked(path))
        if row.task.answer_kind in ("number", "choice")
    ]
    (folder / "test.jsonl").write_text("".join(row.model_dump_json() + "\n" for row in rows))
    suffix = ".mp4" if video else ""
    meta = {truth.scene_id: meta_info(truth, suffix) for truth in scene_truths(path)}
    write_json(folder / f"{DATASET}_meta_info_val.json", meta)
    write = _write_video if video else _write_frames
    (folder / DATASET).mkdir(exist_ok=True)
    dataset = Dataset.open(path)
    for name, capture in dataset.captures.items():
        images = [dataset.blobs.get(frame.image.sha256) for frame in capture.frames]
        write(folder / DATASET / f"{name}{suffix}", images, capture.fps)


def _write_video(path: Path, images: Sequence[bytes], fps: float) -> None:
    if images:  # a scene that was never filmed has no video
        write_mp4(path, images, fps)


def _write_frames(folder: Path, images: Sequence[bytes], fps: float) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "fps.txt").write_text(f"{fps}\n")
    for k, image in enumerate(images):
        (folder / f"{k:05d}.jpg").write_bytes(image)


def meta_info(truth: SceneTruth, suffix: str = "") -> Record:
    """A scene under the metadata's own field names; ``normalizedAxes`` rows are box axes."""
    boxes: dict[str, JsonValue] = {}
    listed: dict[str, list[JsonValue]] = defaultdict(list)
    for item in truth.objects:
        corners = item.box.corners()
        listed[item.category].append(
            {
                "centroid": list(item.box.center),
                "axesLengths": list(item.box.size),
                "normalizedAxes": [v for row in item.box.axes for v in row],
                "min": corners.min(axis=0).tolist(),
                "max": corners.max(axis=0).tolist(),
            }
        )
    boxes.update(listed)
    outline = [point for room in truth.rooms for point in room]
    x, y = zip(*outline, strict=True) if outline else ((0.0,), (0.0,))
    counts = Counter(item.category for item in truth.objects)
    return {
        "dataset": DATASET,
        "video_path": f"{DATASET}/{truth.scene_id}{suffix}",
        "room_size": truth.room_area,
        "room_center": [(min(x) + max(x)) / 2, (min(y) + max(y)) / 2, (truth.height or 0) / 2],
        "object_counts": dict(counts),
        "object_bbox": boxes,
    }
