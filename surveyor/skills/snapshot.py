"""Snapshots: what a run or a training phase pins.

A snapshot is a read-only folder named by the hash of its content: every active skill version with
its provenance and lift, and the scenes that gave evidence. Two libraries with the same content
make the same id, whatever their history, their machine or their SQLite.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from surveyor.core.errors import UserError
from surveyor.core.tasks import Task
from surveyor.skills.embed import Embedder, LexicalEmbedder
from surveyor.skills.entries import StoredSkill
from surveyor.skills.provenance import SceneMark, Status, digest, mark
from surveyor.skills.ranking import RetrievalSettings
from surveyor.skills.retrieve import Retriever
from surveyor.skills.statements import append_ledger, insert_version
from surveyor.skills.store import SkillStore

DATABASE = "skills.sqlite"
INDEX = "index.faiss"
MANIFEST = "manifest.json"


class SnapshotManifest(BaseModel):
    """``id`` hashes content; ``files`` are sha256 of the files as they were written here."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: int = 1
    id: str
    skills: tuple[str, ...]
    scenes: int
    embedder: str
    files: dict[str, str]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An opened snapshot; ``store`` is read-only."""

    id: str
    path: Path
    manifest: SnapshotManifest
    store: SkillStore

    def retriever(
        self,
        embedder: Embedder | None = None,
        settings: RetrievalSettings | None = None,
        *,
        device: Literal["cpu", "gpu"] = "cpu",
    ) -> Retriever:
        """A retriever on it; another embedder than the manifest's embeds anew, in memory."""
        return Retriever(
            self.store,
            embedder,
            snapshot=self.id,
            settings=settings,
            cache=self.path / INDEX,
            device=device,
        )

    def refuse_overlap(self, tasks: Iterable[Task]) -> None:
        """Raise `UserError` when a task's scene gave evidence to this snapshot.

        Compared by scene id and by the content of every frame, so neither renaming a scene nor
        asking another question about it gets past.
        """
        scenes = self.store.scenes()
        ids = {s.scene_id for s in scenes}
        owner = {frame: s.scene_id for s in scenes for frame in s.frames}
        for task in tasks:
            seen = mark(task)
            same = seen.scene_id if seen.scene_id in ids else None
            hit = same or next((owner[f] for f in seen.frames if f in owner), None)
            if hit is not None:
                raise UserError(
                    f"snapshot {self.id[:12]} learned from scene {hit}, which task {task.id} asks"
                    " about; run another dataset, or a snapshot without it"
                )


def take_snapshot(
    store: SkillStore, root: Path, embedder: Embedder | None = None, *, empty: bool = False
) -> Snapshot:
    """Write (or find) the snapshot of a library's active skills under ``root``.

    Raises `UserError` when there are none, unless ``empty`` allows it: an evolution may retire
    every skill, and a run without skills is what its snapshot then stands for.
    """
    embedder = embedder or LexicalEmbedder()
    skills, scenes = store.skills(Status.ACTIVE), store.scenes()
    if not skills and not empty:
        raise UserError(f"{store.path} has no active skill, so there is nothing to snapshot")
    identity = content_id(skills, scenes)
    if not (root / identity / MANIFEST).exists():
        _write(root, identity, skills, scenes, embedder)
    return open_snapshot(root / identity)


def content_id(skills: Iterable[StoredSkill], scenes: Iterable[SceneMark]) -> str:
    """Hash of what a snapshot says, independent of how it is stored."""
    rows = sorted(f"{s.ref} {s.lift!r} {digest([s.provenance.model_dump_json()])}" for s in skills)
    marks = sorted(s.model_dump_json() for s in scenes)
    return digest(["surveyor-skills-1", *rows, "scenes", *marks])


def open_snapshot(path: Path) -> Snapshot:
    """Open and verify; raises `UserError` naming the file that is missing or damaged."""
    try:
        manifest = SnapshotManifest.model_validate_json((path / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise UserError(f"there is no skill snapshot at {path}") from None
    except ValidationError:
        raise UserError(f"{path / MANIFEST} is damaged; take the snapshot again") from None
    for name, expected in manifest.files.items():
        if name.startswith(INDEX):
            continue  # a cache: checked by its fingerprint, rebuilt in memory when in doubt
        if not (path / name).exists() or _sha256(path / name) != expected:
            raise UserError(f"{path / name} is missing or damaged; take the snapshot again")
    if path.name != manifest.id:
        raise UserError(f"{path} holds snapshot {manifest.id[:12]}; restore the folder's name")
    store = SkillStore(path / DATABASE, read_only=True)
    return Snapshot(manifest.id, path, manifest, store)


def find_snapshot(root: Path, name: str) -> Path:
    """Folder of a snapshot given by path, id or unique beginning of an id."""
    if (Path(name) / MANIFEST).exists():
        return Path(name)
    known = sorted(p.parent.name for p in root.glob(f"*/{MANIFEST}"))
    hits = [k for k in known if k.startswith(name)]
    if len(hits) != 1:
        why = "several snapshots begin so" if hits else "there is no such snapshot"
        raise UserError(f"skill snapshot {name!r}: {why} in {root}")
    return root / hits[0]


def _write(
    root: Path,
    identity: str,
    skills: tuple[StoredSkill, ...],
    scenes: tuple[SceneMark, ...],
    embedder: Embedder,
) -> None:
    root.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(dir=root, prefix=".part-"))
    try:
        with SkillStore(work / DATABASE) as fresh:
            _fill(fresh, skills, scenes, embedder, work / INDEX)
        files = {p.name: _sha256(p) for p in sorted(work.iterdir())}
        manifest = SnapshotManifest(
            id=identity,
            skills=tuple(s.ref for s in skills),
            scenes=len(scenes),
            embedder=embedder.name,
            files=files,
        )
        (work / MANIFEST).write_text(json.dumps(manifest.model_dump(mode="json"), indent=2))
        for file in work.iterdir():
            file.chmod(0o444)
        work.replace(root / identity)
    except OSError as error:
        if not (root / identity / MANIFEST).exists():
            raise UserError(f"cannot write a snapshot in {root}: {error.strerror}") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _fill(
    fresh: SkillStore,
    skills: tuple[StoredSkill, ...],
    scenes: tuple[SceneMark, ...],
    embedder: Embedder,
    index: Path,
) -> None:
    with fresh.writing() as db:
        for skill in skills:
            version = skill.document.version
            insert_version(db, skill.document, skill.provenance)
            append_ledger(db, version, "snapshot", Status.ACTIVE, lift=skill.lift, detail={})
    fresh.remember_scenes(scenes)
    Retriever(fresh, embedder, cache=index)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
