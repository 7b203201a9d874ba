"""Making a dataset: scene by scene, resumable, and visible only when it is whole.

Scenes are collected in ``<path>.part`` (each renamed into place when complete); then the
questions are asked of all of them, the manifest is written, and the folder gets its name.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import orjson
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from surveyor.core.blobs import BlobRef, BlobStore, sha256_of
from surveyor.core.cameras import Capture, Frame
from surveyor.core.dataset import (
    BLOBS,
    CAPTURES,
    MANIFEST,
    TASKS,
    DatasetManifest,
    public_hash,
    read_bytes,
)
from surveyor.core.errors import InfrastructureError, UserError
from surveyor.core.geometry import Float
from surveyor.core.tasks import Task
from surveyor.scenes.capture.depth_maps import FrameMaps, encode_maps
from surveyor.scenes.capture.visibility import SeenBoxes
from surveyor.scenes.datasets.truth import (
    CLEAN,
    FRAMES,
    POINTS,
    SCENES,
    TARGETS,
    load_seen,
    load_truth,
    maps_path,
)
from surveyor.scenes.questions.askable import CapturedScene
from surveyor.scenes.questions.draft import GeneratedQuestion
from surveyor.scenes.records import SceneTruth

PLAN = "plan.json"


class DatasetPlan(BaseModel):
    """What to make; a half-made dataset is taken up again only by the same plan."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    generator: str
    seed: int
    split: str = "test"
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    scenes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One encoded frame at ``time`` seconds, with its exact maps and its undegraded twin."""

    time: float
    data: bytes
    media_type: str
    width: int
    height: int
    maps: FrameMaps | None = None
    clean: bytes | None = None


@dataclass(frozen=True, slots=True)
class SceneBundle:
    """Everything made for one scene. The writer fills in the truth's ``clean_frames``.

    ``seen`` is what exact perception of the frames gets; without it everything may be asked.
    ``points`` (n, 3) are a scan's own vertices, for questions that are answered by masks of them.
    """

    truth: SceneTruth
    fps: float = 0.0
    pictures: tuple[EncodedFrame, ...] = ()
    seen: SeenBoxes | None = None
    points: Float | None = None


Builder = Callable[[str], SceneBundle]
Asker = Callable[[Iterable[CapturedScene]], Iterable[GeneratedQuestion]]
Progress = Callable[[int, int], None]


def write_dataset(
    path: Path, plan: DatasetPlan, build: Builder, ask: Asker, progress: Progress | None = None
) -> DatasetManifest:
    """Make the dataset at ``path``, or finish it, or return it when it is there already.

    ``build`` makes one scene by its id, ``ask`` the questions of all scenes. ``progress`` is told
    scenes done and scenes in all. Raises `UserError` when something else lies at ``path``.
    """
    existing = _existing(path, plan)
    if existing is not None:
        return existing
    part = _open_part(path, plan)
    try:
        for done, scene_id in enumerate(plan.scenes):
            if not (part / SCENES / scene_id / "truth.json").exists():
                _write_scene(part, build(scene_id))
            if progress is not None:
                progress(done + 1, len(plan.scenes))
        manifest = _write_questions(part, plan, ask)
        (part / PLAN).unlink()
        part.rename(path)
    except OSError as error:
        raise InfrastructureError(f"cannot write the dataset {path}: {error}") from error
    except UserError:
        # What was asked for cannot be made: leave nothing that other settings would trip over.
        if not any((part / SCENES).iterdir()):
            shutil.rmtree(part)
        raise
    return manifest


def _existing(path: Path, plan: DatasetPlan) -> DatasetManifest | None:
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return None
    try:
        manifest = DatasetManifest.model_validate_json((path / MANIFEST).read_bytes())
    except (OSError, ValueError):
        raise UserError(f"{path} exists and is no dataset; choose another folder") from None
    made = DatasetPlan.model_validate(manifest.model_dump(include=set(DatasetPlan.model_fields)))
    if made != plan:
        raise UserError(
            f"{path} holds dataset {manifest.name!r} made with other settings; "
            "choose another folder or delete it"
        )
    return manifest


def _open_part(path: Path, plan: DatasetPlan) -> Path:
    part = path.with_name(path.name + ".part")
    (part / SCENES).mkdir(parents=True, exist_ok=True)
    (part / CAPTURES).mkdir(exist_ok=True)
    plan_file = part / PLAN
    if not plan_file.exists():
        _write(plan_file, plan.model_dump_json().encode())
    elif DatasetPlan.model_validate_json(plan_file.read_bytes()) != plan:
        raise UserError(
            f"{part} holds a half-made dataset with other settings; "
            "delete it or repeat its settings"
        )
    return part


def _write_scene(part: Path, bundle: SceneBundle) -> None:
    scene_id = bundle.truth.scene_id
    frames = tuple(_frames(BlobStore(part / BLOBS), bundle.pictures))
    clean = tuple(_clean(BlobStore(part / CLEAN), bundle.pictures))
    making = part / SCENES / f".{scene_id}"
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir()
    for index, picture in enumerate(bundle.pictures):
        if picture.maps is not None:
            name = maps_path(part, scene_id, index).name
            (making / name).write_bytes(encode_maps(picture.maps))
    if bundle.seen is not None:
        (making / "seen.json").write_bytes(bundle.seen.model_dump_json().encode())
    if bundle.points is not None:
        np.save(making / POINTS, bundle.points)
    truth = bundle.truth.model_copy(update={"clean_frames": clean})
    (making / "truth.json").write_bytes(truth.model_dump_json().encode())
    capture = Capture(scene_id=scene_id, fps=bundle.fps, frames=frames)
    _write(part / CAPTURES / f"{scene_id}.json", capture.model_dump_json().encode())
    making.rename(part / SCENES / scene_id)


def _frames(blobs: BlobStore, pictures: tuple[EncodedFrame, ...]) -> Iterator[Frame]:
    for index, picture in enumerate(pictures):
        image = blobs.put(
            picture.data, picture.media_type, width=picture.width, height=picture.height
        )
        yield Frame(index=index, time=picture.time, image=image)


def _clean(blobs: BlobStore, pictures: tuple[EncodedFrame, ...]) -> Iterator[BlobRef]:
    for picture in pictures:
        if picture.clean is not None:
            yield blobs.put(
                picture.clean, picture.media_type, width=picture.width, height=picture.height
            )


def _write_questions(part: Path, plan: DatasetPlan, ask: Asker) -> DatasetManifest:
    blobs = BlobStore(part / BLOBS)
    captures = {name: _capture(part, name) for name in plan.scenes}
    scenes = (
        CapturedScene(load_truth(part, name), captures[name].frames, load_seen(part, name), blobs)
        for name in plan.scenes
    )
    questions = list(ask(scenes))
    bare = [_bare(q.task, captures[q.task.scene_id]).model_dump_json() for q in questions]
    answers = [q.target.model_dump_json() for q in questions]
    _write(part / TASKS, _lines(bare))
    _write(part / TARGETS, _lines(answers))
    index = {f.image.sha256: (c.scene_id, f.index) for c in captures.values() for f in c.frames}
    _write(part / FRAMES, orjson.dumps(index))
    tasks_hash = public_hash(part, plan.scenes)
    targets_hash = sha256_of(_lines(answers))
    manifest = DatasetManifest(
        **plan.model_dump(),
        questions=dict(sorted(Counter(q.task.question_type for q in questions).items())),
        tasks_hash=tasks_hash,
        targets_hash=targets_hash,
        content_hash=sha256_of(f"{tasks_hash}{targets_hash}".encode()),
    )
    _write(part / MANIFEST, manifest.model_dump_json(indent=2).encode())
    return manifest


def _bare(task: Task, capture: Capture) -> Task:
    """The task as it is stored: the frames of its scene go without saying, others do not."""
    return task.model_copy(update={"frames": ()}) if task.frames == capture.frames else task


def _capture(part: Path, scene_id: str) -> Capture:
    return Capture.model_validate_json(read_bytes(part / CAPTURES / f"{scene_id}.json"))


def _lines(rows: list[str]) -> bytes:
    return "".join(row + "\n" for row in rows).encode()


def _write(path: Path, data: bytes) -> None:
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(data)
    temporary.replace(path)
