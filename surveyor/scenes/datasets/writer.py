"""Making a dataset: scene by scene, resumable, and visible only when it is whole.

Scenes are collected in ``<path>.part`` (each renamed into place when complete); then the
questions are asked of all of them, the manifest is written, and the folder gets its name.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
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
from surveyor.core.errors import InfrastructureError, SurveyorError, UserError
from surveyor.core.geometry import Float
from surveyor.core.locks import claimed
from surveyor.core.paths import child
from surveyor.core.tasks import Task
from surveyor.core.wording import many
from surveyor.core.workers import in_processes
from surveyor.scenes.capture.depth_maps import FrameMaps, encode_maps
from surveyor.scenes.capture.visibility import SeenBoxes
from surveyor.scenes.datasets.truth import (
    CLEAN,
    FILM,
    FRAMES,
    POINTS,
    SCENES,
    TARGETS,
    load_seen,
    load_truth,
    maps_path,
)
from surveyor.scenes.questions.askable import CapturedScene
from surveyor.scenes.questions.asking import ask
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

    def asker(self, types: Iterable[str], per_type: int, *, balance: bool = False) -> Asker:
        """What asks at most ``per_type`` questions of each of ``types`` about every scene."""
        return partial(
            ask,
            dataset=self.name,
            split=self.split,
            seed=self.seed,
            per_type=dict.fromkeys(types, per_type),
            balance=balance,
        )


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
    ``film`` says how frames that are negatives are developed.
    """

    truth: SceneTruth
    fps: float = 0.0
    pictures: tuple[EncodedFrame, ...] = ()
    seen: SeenBoxes | None = None
    points: Float | None = None
    film: dict[str, JsonValue] | None = None


Builder = Callable[[str], SceneBundle]
Asker = Callable[[Iterable[CapturedScene]], Iterable[GeneratedQuestion]]
Progress = Callable[[int, int], None]


def write_dataset(
    path: Path,
    plan: DatasetPlan,
    build: Builder,
    ask: Asker,
    progress: Progress | None = None,
    *,
    whole: bool = False,
    workers: int = 1,
) -> DatasetManifest:
    """Make the dataset at ``path``, or finish it, or return it when it is there already.

    A dataset with the same settings and fewer scenes gets the scenes that it lacks, and its
    questions anew. ``build`` makes one scene by its id, ``ask`` the questions of all scenes.
    ``progress`` is told scenes done and scenes in all. Raises `UserError` when something else lies
    at ``path`` or another process makes it; ``whole`` then leaves nothing to take up again. A
    `KeyboardInterrupt` says how many scenes are saved.
    ``workers`` processes make scenes at once; more than one needs a ``build`` that can be pickled,
    and a program that may be imported (``if __name__ == "__main__"``).
    """
    existing = _existing(path, plan)
    if isinstance(existing, DatasetManifest):
        return existing
    with claimed(path):
        existing = _existing(path, plan)  # the one before us may just have made it
        if isinstance(existing, DatasetManifest):
            return existing
        part = _part_of(path)
        began = not part.exists()
        try:
            return _write_dataset(path, plan, build, ask, progress, workers)
        except KeyboardInterrupt:
            saved = many(sum(_is_made(part, name) for name in plan.scenes), "scene")
            raise KeyboardInterrupt(f"{saved} of {len(plan.scenes)} saved") from None
        except SurveyorError:
            # What was asked for cannot be made: leave nothing that other settings trip over.
            scenes = part / SCENES
            if began and (whole or not (scenes.is_dir() and any(scenes.iterdir()))):
                shutil.rmtree(part, ignore_errors=True)
            raise


def _part_of(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _write_dataset(
    path: Path,
    plan: DatasetPlan,
    build: Builder,
    ask: Asker,
    progress: Progress | None,
    workers: int,
) -> DatasetManifest:
    try:
        part = _open_part(path, plan)
        missing = [s for s in plan.scenes if not _is_made(part, s)]
        make = partial(_make_scene, part, build)
        alone = (make(scene) for scene in missing)
        with closing(in_processes(make, missing, workers) if workers > 1 else alone) as made:
            for done, _ in enumerate(made, len(plan.scenes) - len(missing) + 1):
                if progress is not None:
                    progress(done, len(plan.scenes))
        manifest = _write_questions(part, plan, ask)
        (part / PLAN).unlink()
        _replace(path, part)
    except OSError as error:
        raise InfrastructureError(f"cannot write the dataset {path}: {error}") from error
    return manifest


def _is_made(part: Path, scene_id: str) -> bool:
    return (part / SCENES / scene_id / "truth.json").exists()


def _replace(path: Path, part: Path) -> None:
    """Give the finished dataset its name; the smaller one that had it goes."""
    old = path.with_name(f".{path.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if path.exists():
        path.rename(old)
    part.rename(path)
    shutil.rmtree(old, ignore_errors=True)


def _existing(path: Path, plan: DatasetPlan) -> DatasetManifest | None:
    """The dataset if it is what is planned; ``None`` where it, or some of its scenes, are to
    make."""
    for name in plan.scenes:
        child(path, name)
    if not path.exists() or (path.is_dir() and not any(path.iterdir())):
        return None
    try:
        manifest = DatasetManifest.model_validate_json((path / MANIFEST).read_bytes())
    except (OSError, ValueError):
        raise UserError(f"{path} exists and is no dataset; choose another folder") from None
    made = DatasetPlan.model_validate(manifest.model_dump(include=set(DatasetPlan.model_fields)))
    if made == plan:
        return manifest
    if _extends(plan, made):
        return None
    change = _first_change(made, plan)
    raise UserError(
        f"{path} holds dataset {manifest.name!r} made with other settings ({change}); "
        "choose another folder or delete it"
    )


def _extends(plan: DatasetPlan, made: DatasetPlan) -> bool:
    """Whether a plan only adds scenes after those that were made."""
    fewer = plan.scenes[: len(made.scenes)]
    return plan.model_copy(update={"scenes": fewer}) == made


def _first_change(made: DatasetPlan, plan: DatasetPlan) -> str:
    before = {**made.model_dump(exclude={"settings"}), **made.settings}
    after = {**plan.model_dump(exclude={"settings"}), **plan.settings}
    old, new = before.pop("scenes"), after.pop("scenes")
    if len(old) != len(new):
        return f"{many(len(old), 'scene')}, not {len(new)}"
    if old != new:
        return f"scenes of another kind or seed: {old[0]}, not {new[0]}"
    name = next(key for key in {**before, **after} if before.get(key) != after.get(key))
    return f"{name} = {before.get(name)!r}, not {after.get(name)!r}"


def _open_part(path: Path, plan: DatasetPlan) -> Path:
    part = _part_of(path)
    if path.exists() and any(path.iterdir()) and not part.exists():
        _copy_scenes(path, part)
    (part / SCENES).mkdir(parents=True, exist_ok=True)
    (part / CAPTURES).mkdir(exist_ok=True)
    plan_file = part / PLAN
    if plan_file.exists():
        begun = DatasetPlan.model_validate_json(plan_file.read_bytes())
        if not _extends(plan, begun):
            raise UserError(
                f"{part} holds a half-made dataset with other settings "
                f"({_first_change(begun, plan)}); delete it or repeat its settings"
            )
    _write(plan_file, plan.model_dump_json().encode())
    return part


def _copy_scenes(path: Path, part: Path) -> None:
    """The scenes of a dataset as the beginning of a larger one; files are never changed in place,
    so links are enough where the disk has them."""
    copying = part.with_name(f".{part.name}-copy")
    shutil.rmtree(copying, ignore_errors=True)
    derived = {MANIFEST, TASKS, Path(TARGETS).name, Path(FRAMES).name}
    shutil.copytree(
        path, copying, ignore=lambda _, names: derived & {*names}, copy_function=_linked
    )
    copying.rename(part)


def _linked(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target


def _make_scene(part: Path, build: Builder, scene_id: str) -> None:
    _write_scene(part, build(scene_id))


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
    if bundle.film is not None:
        (making / FILM).write_bytes(orjson.dumps(bundle.film))
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
