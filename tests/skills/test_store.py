from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from surveyor.core.errors import UserError
from surveyor.skills.builtin import add_builtin, builtin_documents
from surveyor.skills.documents import SkillDocument
from surveyor.skills.entries import Entry, read_entry, write_entry
from surveyor.skills.folders import export_skills, import_skills, promote_by_hand, retire
from surveyor.skills.provenance import Origin, Provenance, Status
from surveyor.skills.retrieve import Retriever
from surveyor.skills.scope import Scope
from surveyor.skills.store import SkillStore

Make = Callable[..., SkillDocument]
DISTILLED = Provenance(origin=Origin.DISTILLED)


def test_planting_twice_changes_nothing(store: SkillStore) -> None:
    assert add_builtin(store) == len(builtin_documents())
    before = store.generation()
    assert add_builtin(store) == 0
    assert store.generation() == before


def test_what_exploration_found_about_a_builtin_skill_stands_in_its_provenance(
    seeded: SkillStore,
) -> None:
    found = {s.document.name: s.provenance.notes.get("found") for s in seeded.skills()}
    assert {name for name, told in found.items() if told} == {"room-area-from-spread-frames"}
    assert {s.provenance.origin for s in seeded.skills()} == {Origin.SEED}


def test_versions_and_ledger_refuse_change(seeded: SkillStore) -> None:
    other = sqlite3.connect(seeded.path)
    for statement in (
        "UPDATE versions SET text='x'",
        "DELETE FROM versions",
        "UPDATE ledger SET action='x'",
        "DELETE FROM ledger",
    ):
        with pytest.raises(sqlite3.IntegrityError, match=r"immutable|never|append-only"):
            other.execute(statement)
    other.close()


def test_a_new_version_supersedes_and_the_old_one_stays(store: SkillStore, skill: Make) -> None:
    first, second = skill(), skill(sections={"Lessons": "- New."})
    store.add_many([(first, DISTILLED)], status=Status.ACTIVE, action="promoted", round_=1)
    store.add_many([(second, DISTILLED)], status=Status.ACTIVE, action="promoted", round_=2)
    assert store.status(first.version) is Status.RETIRED
    assert store.find("count-lamps").document == second
    assert store.get(first.version).document == first
    assert [row.action for row in store.ledger("count-lamps")] == [
        "promoted", "promoted", "superseded",
    ]  # fmt: skip
    assert store.words("lamps", 10) == [store.find("count-lamps").id]


def test_a_damaged_version_is_refused_by_name(store: SkillStore, skill: Make) -> None:
    document = skill()
    store.add_many([(document, DISTILLED)], status=Status.ACTIVE, action="promoted")
    data = store.path.with_name(store.path.name)
    store.close()
    raw = sqlite3.connect(data)
    raw.executescript(
        "DROP TRIGGER versions_never_change; UPDATE versions SET text = substr(text, 1, 99)"
    )
    raw.close()
    with SkillStore(data) as again, pytest.raises(UserError, match=document.version):
        again.get(document.version)


@pytest.mark.parametrize("keep", [0, 4096, 20_000])
def test_a_truncated_ledger_is_refused_never_emptied(seeded: SkillStore, keep: int) -> None:
    path = seeded.path
    seeded.close()
    path.write_bytes(path.read_bytes()[:keep])
    before = path.read_bytes()
    with pytest.raises(UserError, match=path.name):
        SkillStore(path)
    assert path.read_bytes() == before


def test_a_read_only_open_writes_nothing(seeded: SkillStore, tmp_path: Path) -> None:
    seeded.close()
    before = {p: hashlib.sha256(p.read_bytes()).digest() for p in tmp_path.rglob("*")}
    with SkillStore(seeded.path, read_only=True) as store:
        Retriever(store, cache=tmp_path / "index.faiss")
        with pytest.raises(UserError, match="read-only"):
            store.record(builtin_documents()[0].version, "retired", Status.RETIRED)
    assert {p: hashlib.sha256(p.read_bytes()).digest() for p in tmp_path.rglob("*")} == before


def test_skills_travel_as_folders(seeded: SkillStore, tmp_path: Path) -> None:
    export_skills(seeded.skills(), tmp_path / "out")
    with SkillStore(tmp_path / "other.sqlite") as other:
        documents = import_skills(other, tmp_path / "out", source="a colleague")
        assert documents == builtin_documents()
        assert {s.status for s in other.skills(None)} == {Status.UNTRUSTED}
        assert not other.skills(Status.ACTIVE)
        name = documents[0].name
        with pytest.raises(UserError, match="untrusted"):
            Retriever(other).load(name)
        promote_by_hand(other, name, "read it, it is ours")
        assert Retriever(other).load(name).text == documents[0].text
        retire(other, name, "changed my mind")
        assert not other.skills(Status.ACTIVE)


def test_foreign_text_is_shown_and_never_executable(store: SkillStore, tmp_path: Path) -> None:
    folder = tmp_path / "pdf-tools"
    folder.mkdir()
    (folder / "SKILL.md").write_text("---\nname: pdf-tools\ndescription: Fill forms.\n---\nDo it.")
    (document,) = import_skills(store, folder)
    assert store.find("pdf-tools").document == document
    with pytest.raises(UserError, match="no workflow block"):
        promote_by_hand(store, "pdf-tools", "because")


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("big", b"x" * 70_000, "larger than"),
        ("bytes", b"\xff\xfe", "not UTF-8"),
        ("hidden", "---\nname: hidden\ndescription: a\u202eb\n---\n".encode(), r"U\+202E"),
        ("other", b"---\nname: mine\ndescription: a\n---\n", "must be named mine"),
    ],
)
def test_suspicious_files_are_refused(
    store: SkillStore, tmp_path: Path, name: str, data: bytes, message: str
) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "SKILL.md").write_bytes(data)
    with pytest.raises(UserError, match=message):
        import_skills(store, tmp_path / name)


def test_an_entry_read_plainly_equals_the_validated_one(tmp_path: Path) -> None:
    """Rows are built without validation; whatever the model says must still hold of them."""
    with SkillStore(tmp_path / "s.sqlite") as store:
        add_builtin(store)
        for entry in store.entries(store.ids()):
            row = write_entry(entry)
            assert entry == read_entry(entry.id, row, entry.status, entry.lift)
            assert entry.scope == Scope.model_validate(json.loads(row)["scope"])
            assert entry == TypeAdapter(Entry).validate_python(tuple(entry))
            assert isinstance(entry.scope, Scope)
            assert isinstance(entry.status, Status)


def test_an_exported_skill_that_was_cut_is_refused_by_name(
    seeded: SkillStore, tmp_path: Path
) -> None:
    (folder,) = export_skills([seeded.find("few-views-voted")], tmp_path)
    file = folder / "SKILL.md"
    text = file.read_text()
    with SkillStore(tmp_path / "fresh.sqlite") as fresh:
        for cut in (text[: text.index("## Lessons")], text[: text.index('"frames"')]):
            file.write_text(cut)
            with pytest.raises(UserError, match=r"few-views-voted/SKILL\.md .*cut"):
                import_skills(fresh, folder)
        (folder / "provenance.json").unlink()
        with pytest.raises(UserError, match="ends inside"):
            import_skills(fresh, folder)
        file.write_text(text)
        assert import_skills(fresh, folder)[0].name == "few-views-voted"
