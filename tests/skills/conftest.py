from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from surveyor.skills.builtin import add_builtin
from surveyor.skills.documents import SkillDocument, compose
from surveyor.skills.store import SkillStore
from surveyor.skills.workflow import Workflow

SECTIONS = {
    "When to use": "Count the lamps of a room.",
    "Workflow": "1. Look.",
    "Evidence that suffices": "Two views.",
    "Stop rules": "Stop.",
    "Fallbacks": "Vote.",
    "Lessons": "- Lamps are small.",
}


def make_skill(
    name: str = "count-lamps",
    description: str = "Count lamps. Use for 'how many lamps'.",
    metadata: dict[str, str] | None = None,
    workflow: Workflow | None = None,
    sections: dict[str, str] | None = None,
) -> SkillDocument:
    """A small valid document."""
    return compose(
        name,
        description,
        metadata or {"question-types": "object_counting"},
        "Count lamps",
        SECTIONS | (sections or {}),
        workflow or Workflow(),
    )


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SkillStore]:
    with SkillStore(tmp_path / "skills.sqlite") as opened:
        yield opened


@pytest.fixture
def seeded(store: SkillStore) -> SkillStore:
    add_builtin(store)
    return store


@pytest.fixture
def skill() -> Callable[..., SkillDocument]:
    return make_skill
