"""The builtin skills: written by people, shipped in the package, the library's first generation.

Where exploration found that people were wrong, the skill's ``provenance.json`` says what and how
sure it is.
"""

from __future__ import annotations

from importlib.resources import files

from surveyor.skills.documents import SkillDocument, parse
from surveyor.skills.provenance import Origin, Provenance, Status
from surveyor.skills.store import SkillStore

BUILTIN_PROVENANCE = Provenance(origin=Origin.SEED, distiller="people")


def builtin_documents() -> tuple[SkillDocument, ...]:
    """All of them in alphabetical order, parsed and validated."""
    root = files("surveyor.skills") / "library"
    names = sorted(entry.name for entry in root.iterdir() if (entry / "SKILL.md").is_file())
    return tuple(
        parse((root / name / "SKILL.md").read_text(encoding="utf-8"), f"{name}/SKILL.md")
        for name in names
    )


def builtin_provenance(name: str) -> Provenance:
    """Where a builtin skill comes from: people, unless its own file says more."""
    file = files("surveyor.skills") / "library" / name / "provenance.json"
    if not file.is_file():
        return BUILTIN_PROVENANCE
    return Provenance.model_validate_json(file.read_text(encoding="utf-8"))


def add_builtin(store: SkillStore) -> int:
    """Make every builtin skill active in a library that lacks it; returns how many were added."""
    fresh = [
        (d, builtin_provenance(d.name))
        for d in builtin_documents()
        if store.status(d.version) is None
    ]
    store.add_many(fresh, status=Status.ACTIVE, action="seeded", round_=0)
    return len(fresh)
