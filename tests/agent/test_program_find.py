"""The program planner grounds descriptions: handles of what was seen, over the real tools."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyor.agent.program.parser import parse
from surveyor.core.blobs import BlobStore
from surveyor.skills.workflow import PLAIN, TABLE
from tests.agent.test_program import Played, ask
from tests.support.box_room import BoxRoom

ONE = "Find the object that fits this description: {}"
ALL = "Find every object that fits this description; there may be none: {}"


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> BoxRoom:
    return BoxRoom(BlobStore(tmp_path_factory.mktemp("find") / "frames"))


@pytest.mark.parametrize(
    ("question", "program"),
    [
        (ONE.format("the chair"), "surest(filter(scene(), chair))"),
        (
            ONE.format("the chair that is closest to the trash bin"),
            "argmin(filter(scene(), chair), distance, surest(filter(scene(), trash bin)))",
        ),
        (
            ONE.format("the cup on a table"),
            "surest(relate(filter(scene(), cup), filter(scene(), table), on))",
        ),
        (ALL.format("all instances of chair"), "filter(scene(), chair)"),
        (
            ALL.format("the stool whose color is brown"),
            "filter(filter(scene(), stool), color, brown)",
        ),
        (ONE.format("a thing like no other"), "surest(filter(scene(), a thing like no other))"),
    ],
)
def test_descriptions_become_programs(question: str, program: str) -> None:
    assert str(parse(question)) == program


def centres(played: Played) -> list[tuple[float, float]]:
    """Where the objects are that an answer names, by the log."""
    rows = {
        row["handle"]: row
        for outcome in played.outcomes
        if isinstance(outcome.data, dict)
        for row in outcome.data.get("objects", ())
    }
    said = (played.answer.answer or "").split(", ")
    return [tuple(rows[handle]["center"][:2]) for handle in said]


@pytest.mark.parametrize("workflow", [PLAIN, TABLE])
@pytest.mark.parametrize(
    ("words", "x"), [("closest to the lamp", 4.6), ("farthest from the lamp", 1.2)]
)
def test_one_of_two_is_told_by_its_distance(
    room: BoxRoom, tmp_path: Path, words: str, x: float, workflow: object
) -> None:
    played = ask(room, tmp_path, ONE.format(f"the chair that is {words}"), workflow=workflow)
    ((at, _),) = centres(played)
    assert abs(at - x) < 0.3
    assert played.answer.sources == (played.answer.answer,)


def test_every_instance_is_named_and_nothing_is_none(room: BoxRoom, tmp_path: Path) -> None:
    assert len(centres(ask(room, tmp_path, ALL.format("all instances of chair")))) == 2
    assert ask(room, tmp_path, ALL.format("the piano")).answer.answer == "none"
    coloured = ask(room, tmp_path, ALL.format("the sofa whose color is red"))
    assert "nothing here can see whether its color is red" in coloured.answer.notes["why"]
