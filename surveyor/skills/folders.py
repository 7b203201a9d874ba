"""Skills in and out of a library as plain folders, readable by any Agent Skills client.

What comes from outside is untrusted text: it is stored and shown, but neither retrieved nor
executed until a person (or the gate) promotes it.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from surveyor.core.errors import UserError
from surveyor.skills.documents import SkillDocument, parse, version_of
from surveyor.skills.entries import StoredSkill
from surveyor.skills.provenance import Origin, Provenance, Status
from surveyor.skills.store import SkillStore

MAX_BYTES = 64 * 1024
DOCUMENT = "SKILL.md"
PROVENANCE = "provenance.json"


def export_skills(skills: Iterable[StoredSkill], folder: Path) -> tuple[Path, ...]:
    """Write ``<folder>/<name>/SKILL.md`` with ``provenance.json`` beside it, flat.

    Raises `UserError` when two skills share a name or a folder holds another document.
    """
    written: list[Path] = []
    for skill in skills:
        target = folder / skill.document.name
        if target in written:
            raise UserError(f"two versions of {skill.document.name} can't share {target}")
        file = target / DOCUMENT
        if file.exists() and file.read_text(encoding="utf-8") != skill.document.text:
            raise UserError(f"{file} holds another version; export into an empty folder")
        record = skill.provenance.model_dump(mode="json") | {
            "version": skill.document.version,
            "status": skill.status.value,
            "lift": skill.lift,
        }
        try:
            target.mkdir(parents=True, exist_ok=True)
            file.write_text(skill.document.text, encoding="utf-8")
            (target / PROVENANCE).write_text(json.dumps(record, indent=2) + "\n")
        except OSError as error:
            raise UserError(f"cannot export to {target}: {error.strerror}") from None
        written.append(target)
    return tuple(written)


def read_folder(folder: Path) -> tuple[SkillDocument, ...]:
    """Documents of a skill folder, or of a folder of skill folders.

    Raises `UserError` for anything too large, not UTF-8, with hidden characters, or whose folder
    isn't named like the skill.
    """
    found = [folder] if (folder / DOCUMENT).is_file() else sorted(folder.glob("*/"))
    files = [f / DOCUMENT for f in found if (f / DOCUMENT).is_file()]
    if not files:
        raise UserError(f"{folder} holds no {DOCUMENT}, nor folders that do")
    return tuple(_read(file) for file in files)


def import_skills(store: SkillStore, folder: Path, source: str = "") -> tuple[SkillDocument, ...]:
    """Store foreign documents as untrusted; those that the library has already are left alone."""
    documents = read_folder(folder)
    fresh = [d for d in documents if store.status(d.version) is None]
    provenance = Provenance(origin=Origin.IMPORTED, source=source or folder.name)
    store.add_many([(d, provenance) for d in fresh], status=Status.UNTRUSTED, action="imported")
    return documents


def promote_by_hand(store: SkillStore, name: str, reason: str) -> StoredSkill:
    """A person vouches for a version: it becomes active. The ledger keeps the reason."""
    skill = store.find(name)
    if skill.status is Status.ACTIVE:
        raise UserError(f"{skill.ref} is active already")
    if skill.document.workflow is None and skill.provenance.origin is not Origin.TEXTUAL:
        raise UserError(f"{name} has no workflow block, so there is nothing to execute; add one")
    if not reason.strip():
        raise UserError("say why this skill is trusted; the ledger keeps the reason")
    store.record(skill.document.version, "trusted", Status.ACTIVE, detail={"reason": reason})
    return store.get(skill.document.version)


def retire(store: SkillStore, name: str, reason: str) -> StoredSkill:
    """Take a version out of retrieval; it stays in the library with its history."""
    skill = store.find(name)
    if skill.status is Status.RETIRED:
        raise UserError(f"{name} is retired already")
    if not reason.strip():
        raise UserError("say why this skill is retired; the ledger keeps the reason")
    store.record(skill.document.version, "retired", Status.RETIRED, detail={"reason": reason})
    return store.get(skill.document.version)


def _read(file: Path) -> SkillDocument:
    data = file.read_bytes()
    if len(data) > MAX_BYTES:
        raise UserError(f"{file} is larger than {MAX_BYTES // 1024} kB; that is no skill")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{file} is not UTF-8 text") from None
    hidden = next((c for c in text if unicodedata.category(c) in {"Cc", "Cf"}
                   and c not in "\n\r\t"), None)  # fmt: skip
    if hidden is not None:
        raise UserError(f"{file} hides the character U+{ord(hidden):04X}; remove it first")
    if text.count("```") % 2:
        raise UserError(f"{file} ends inside a ``` block; it was cut short, get a whole copy")
    _check_version(file, text)
    document = parse(text, str(file), foreign=True)
    if document.name != file.parent.name:
        raise UserError(f"{file}: the folder must be named {document.name} like the skill")
    return document


def _check_version(file: Path, text: str) -> None:
    """An exported skill says beside itself which version it is; another text is a damaged one."""
    beside = file.with_name(PROVENANCE)
    try:
        said = json.loads(beside.read_bytes())
    except FileNotFoundError:
        return
    except ValueError:
        raise UserError(f"{beside} is not JSON; delete it or get a whole copy") from None
    version = said.get("version") if isinstance(said, dict) else None
    if isinstance(version, str) and version != version_of(text):
        raise UserError(
            f"{file} is not version {version} that {PROVENANCE} names: it was cut or edited; get a "
            f"whole copy, or delete {PROVENANCE} to import it as it is"
        )
