from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from surveyor.core.blobs import BlobRef
from surveyor.core.cameras import Frame
from surveyor.core.errors import UserError
from surveyor.core.tasks import Task
from surveyor.skills.builtin import add_builtin
from surveyor.skills.documents import SkillDocument
from surveyor.skills.provenance import Origin, Provenance, SceneMark, Status, mark
from surveyor.skills.scene_profile import SceneProfile
from surveyor.skills.snapshot import Snapshot, find_snapshot, open_snapshot, take_snapshot
from surveyor.skills.store import SkillStore

Make = Callable[..., SkillDocument]
CARD = SceneProfile(question_type="object_counting", views=32)


def task(scene: str, *digests: str) -> Task:
    frames = tuple(
        Frame(index=i, time=i, image=BlobRef(sha256=d * 64, media_type="image/png", size=1))
        for i, d in enumerate(digests)
    )
    return Task(
        id=f"{scene}-q",
        dataset="s",
        scene_id=scene,
        question_type="q",
        question="?",
        answer_kind="number",
        frames=frames,
    )


@pytest.fixture
def taken(seeded: SkillStore, tmp_path: Path) -> Snapshot:
    seeded.remember_scenes([mark(task("room1", "a", "b")), SceneMark(scene_id="scan7")])
    return take_snapshot(seeded, tmp_path / "snapshots")


def test_equal_content_has_one_id_whatever_the_history(
    seeded: SkillStore, skill: Make, tmp_path: Path
) -> None:
    first = take_snapshot(seeded, tmp_path / "a")
    with SkillStore(tmp_path / "other.sqlite") as other:
        extra = skill()
        provenance = Provenance(origin=Origin.DISTILLED)
        other.add_many([(extra, provenance)], status=Status.ACTIVE, action="promoted")
        add_builtin(other)
        assert take_snapshot(other, tmp_path / "b").id != first.id
        other.record(extra.version, "retired", Status.RETIRED)
        assert take_snapshot(other, tmp_path / "b").id == first.id


def test_a_snapshot_answers_like_its_library_and_never_changes(taken: Snapshot) -> None:
    def digests() -> dict[Path, bytes]:
        return {p: hashlib.sha256(p.read_bytes()).digest() for p in taken.path.iterdir()}

    before = digests()
    opened = open_snapshot(taken.path)
    retriever = opened.retriever()
    found = retriever.retrieve(CARD, "How many chairs?")
    assert found.skills[0].name == "count-objects-across-views"
    assert found.event.snapshot == taken.id
    with pytest.raises(UserError, match="read-only"):
        opened.store.record(found.skills[0].version, "retired", Status.RETIRED)
    assert digests() == before


@pytest.mark.parametrize(
    ("asked", "refused"),
    [
        (task("room1"), True),
        (task("scan7", "e"), True),
        (task("renamed", "c", "b"), True),
        (task("room2", "c", "d"), False),
    ],
)
def test_runs_on_scenes_of_the_evidence_are_refused(
    taken: Snapshot, asked: Task, refused: bool
) -> None:
    if refused:
        with pytest.raises(UserError, match="learned from scene"):
            taken.refuse_overlap([task("fine", "f"), asked])
    else:
        taken.refuse_overlap([asked])


@pytest.mark.parametrize("name", ["skills.sqlite", "manifest.json"])
def test_a_damaged_snapshot_is_refused_by_name(taken: Snapshot, name: str) -> None:
    file = taken.path / name
    file.chmod(0o644)
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(UserError, match=name):
        open_snapshot(taken.path)


def test_a_damaged_index_is_rebuilt_in_memory(taken: Snapshot) -> None:
    file = taken.path / "index.faiss"
    file.chmod(0o644)
    file.write_bytes(b"")
    found = open_snapshot(taken.path).retriever().retrieve(CARD, "How many chairs?")
    assert found.skills[0].name == "count-objects-across-views"
    assert file.read_bytes() == b""


def test_snapshots_are_found_by_the_beginning_of_their_id(taken: Snapshot) -> None:
    root = taken.path.parent
    assert find_snapshot(root, taken.id[:8]) == taken.path
    assert find_snapshot(root, str(taken.path)) == taken.path
    with pytest.raises(UserError, match="no such snapshot"):
        find_snapshot(root, "ffff" if not taken.id.startswith("ffff") else "0000")


def test_an_empty_library_has_nothing_to_snapshot(store: SkillStore, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no active skill"):
        take_snapshot(store, tmp_path)


def test_a_library_that_lost_every_skill_has_a_snapshot_of_its_own(
    store: SkillStore, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="no active skill"):
        take_snapshot(store, tmp_path)
    snapshot = take_snapshot(store, tmp_path, empty=True)
    assert snapshot.manifest.skills == ()
    assert snapshot.retriever().retrieve(SceneProfile(question_type="x"), "How many?").skills == ()
    assert take_snapshot(store, tmp_path, empty=True).id == snapshot.id
