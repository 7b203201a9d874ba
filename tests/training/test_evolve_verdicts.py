from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from surveyor.core.errors import UserError
from surveyor.skills.folders import import_skills
from surveyor.skills.provenance import Status
from surveyor.skills.workflow import Evidence, Frames, Join, Restore, Workflow
from surveyor.training.evolution.library import Library
from surveyor.training.evolution.verdicts import gate_skill, leave_one_out
from tests.skills.conftest import make_skill
from tests.training.synthetic import DrawnPlayer, cases, suited

DEFAULT = Workflow()
GOOD = Workflow(
    frames=Frames(number=32), restore=Restore.NONE, evidence=Evidence.BOXES, join=Join.BEST
)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    made = Library(tmp_path / "library")
    with made.open(builtin=False) as store:
        for name, workflow in (("good-order", GOOD), ("bad-order", Workflow(join=Join.BEST))):
            document = make_skill(
                name, metadata={"question-types": "obj_appearance_order"}, workflow=workflow
            )
            folder = tmp_path / name
            folder.mkdir()
            (folder / "SKILL.md").write_text(document.text)
            import_skills(store, folder)
    return made


def test_an_imported_skill_earns_its_place_or_stays_out(library: Library) -> None:
    held_out, play = cases(40), DrawnPlayer(suited())
    good = asyncio.run(gate_skill(library, "good-order", held_out, play, DEFAULT))
    bad = asyncio.run(gate_skill(library, "bad-order", held_out, play, DEFAULT))
    assert (good.action, bad.action) == ("promoted", "kept")
    assert bad.comparison.level < good.comparison.level, "gates by hand are counted too"
    with library.open(builtin=False) as store:
        assert [s.document.name for s in store.skills()] == ["good-order"]
        assert store.find("bad-order").status is Status.UNTRUSTED
        assert len(store.scenes()) == 40
    with pytest.raises(UserError, match="active already"):
        asyncio.run(gate_skill(library, "good-order", held_out, play, DEFAULT))
    (left_out,) = asyncio.run(leave_one_out(library, held_out, play, DEFAULT))
    assert left_out.comparison.upper is not None
    assert left_out.comparison.upper < 0, "the library loses without it"


def test_the_gate_takes_training_scenes_only(library: Library) -> None:
    tasks = cases(10, split="test")
    with pytest.raises(UserError, match="training scenes only"):
        asyncio.run(gate_skill(library, "good-order", tasks, DrawnPlayer(suited()), DEFAULT))
