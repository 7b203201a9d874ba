"""A dataset on disk, its public side: what an agent may know.

::

    dataset.json                 manifest (`DatasetManifest`)
    tasks.jsonl                one `Task` a line, with frames only where not all of its scene's
    captures/<scene_id>.json   one `Capture` each: frames by hash
    blobs/                     the frames' bytes
    truth/                     answers and exact geometry: `surveyor.scenes.datasets.truth`, never
this module
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from surveyor.core.blobs import BlobStore, sha256_of
from surveyor.core.cameras import Capture
from surveyor.core.errors import UserError
from surveyor.core.paths import child
from surveyor.core.tasks import Task
from surveyor.core.wording import many

DATASET_VERSION = 1
MANIFEST, TASKS, CAPTURES, BLOBS = "dataset.json", "tasks.jsonl", "captures", "blobs"
OLD_MANIFEST = "suite.json"
"""Its name in earlier versions."""
LOADED = "loader"
"""The generator of datasets whose pictures came from elsewhere, so that nobody here knows the truth
of their scenes beyond the answers."""


class DatasetManifest(BaseModel):
    """What a dataset is and how it was made.

    ``settings`` are the generator's own; ``content_hash`` covers tasks, captures and targets, so
    two datasets with the same hash ask the same questions and accept the same answers.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = DATASET_VERSION
    name: str
    generator: str
    seed: int
    split: str
    settings: dict[str, JsonValue] = Field(default_factory=dict)
    scenes: tuple[str, ...]
    questions: dict[str, int]
    tasks_hash: str
    targets_hash: str
    content_hash: str


def what_was_made(
    manifest: DatasetManifest, out: Path, places: str = "", asked: str = "question"
) -> str:
    """One line about a dataset that was just made; ``places`` says how many there are of what."""
    there = places or many(len(manifest.scenes), "scene")
    return f"{there}, {many(sum(manifest.questions.values()), asked)} in {out}"


class Dataset:
    """The public side of a dataset folder, checked when it is opened.

    >>> Dataset.open(Path("out/rooms")).manifest.split
    'test'
    """

    def __init__(self, path: Path, manifest: DatasetManifest) -> None:
        self.path = path
        self.manifest = manifest
        self.blobs = BlobStore(path / BLOBS)

    @classmethod
    def open(cls, path: Path) -> Dataset:
        """Open a dataset; `UserError` when it is missing, of another version or incomplete."""
        dataset = cls(path, read_manifest(path))
        dataset._check()
        return dataset

    @cached_property
    def captures(self) -> dict[str, Capture]:
        """Captures by scene id; a scene known only to a `scene` expert has no frames."""
        return {name: self._capture(name) for name in self.manifest.scenes}

    @property
    def has_frames(self) -> bool:
        """Whether anything can be looked at; else only a `scene` expert knows the places."""
        return any(capture.frames for capture in self.captures.values())

    def tasks(self) -> Iterator[Task]:
        """Every task in order, with the frames of its scene."""
        for number, line in enumerate(self._task_lines(), start=1):
            try:
                task = Task.model_validate_json(line)
                frames = self.captures[task.scene_id].frames
            except (ValidationError, KeyError) as error:
                raise UserError(
                    f"{self.path / TASKS} line {number} is damaged ({_brief(error)}); "
                    "make the dataset again"
                ) from None
            yield task if task.frames else task.model_copy(update={"frames": frames})

    def _task_lines(self) -> list[bytes]:
        return read_bytes(self.path / TASKS).splitlines()

    def _capture(self, scene_id: str) -> Capture:
        path = self.path / CAPTURES / f"{scene_id}.json"
        try:
            return Capture.model_validate_json(read_bytes(path))
        except ValidationError as error:
            raise UserError(
                f"{path} is damaged ({_brief(error)}); make the dataset again"
            ) from None

    def _check(self) -> None:
        digest = public_hash(self.path, self.manifest.scenes)
        if digest != self.manifest.tasks_hash:
            raise UserError(
                f"the tasks in {self.path} were changed since it was made; make the dataset again"
            )
        wanted = {f.image.sha256 for c in self.captures.values() for f in c.frames}
        missing = [sha for sha in sorted(wanted) if sha not in self.blobs]
        if missing:
            raise UserError(
                f"{len(missing)} of {len(wanted)} frames are missing from {self.path}; "
                "make the dataset again"
            )


def manifest_file(path: Path) -> Path | None:
    """Where the manifest of a dataset folder lies, also under its old name; ``None``: nowhere."""
    return next((path / n for n in (MANIFEST, OLD_MANIFEST) if (path / n).is_file()), None)


def read_manifest(path: Path) -> DatasetManifest:
    """The manifest of a dataset folder; `UserError` with what to do where there is none."""
    file = manifest_file(path)
    if file is None:
        raise UserError(
            f"{path} holds no dataset (no {MANIFEST}); make one with `surveyor rooms make`"
        )
    data = read_bytes(file)
    try:
        version = _Version.model_validate_json(data).version
        if version != DATASET_VERSION:
            raise UserError(
                f"{path} is a dataset of version {version}, this program reads version "
                f"{DATASET_VERSION}; make the dataset again"
            )
        manifest = DatasetManifest.model_validate_json(data)
    except ValidationError as error:
        raise UserError(f"{file} is damaged ({_brief(error)}); make the dataset again") from None
    for name in manifest.scenes:
        child(path / CAPTURES, name)
    return manifest


def read_bytes(path: Path) -> bytes:
    """A file of a dataset; `UserError` when it is missing."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{path} cannot be read ({error.strerror}); make the dataset again"
        ) from None


def public_hash(path: Path, scenes: tuple[str, ...]) -> str:
    """Hash of everything on the public side except pixels, which are named by theirs."""
    parts = [read_bytes(path / TASKS)]
    parts += [read_bytes(path / CAPTURES / f"{name}.json") for name in scenes]
    return sha256_of("".join(sha256_of(part) for part in parts).encode())


class _Version(BaseModel):
    model_config = ConfigDict(extra="ignore")

    version: int


def _brief(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc'])) or 'file'}: {first['msg']}"
    return f"unknown scene {error}"
