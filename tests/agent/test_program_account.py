"""A3: accounts are read back as they were, and APEIRIA's layout is written to the letter."""

from __future__ import annotations

import random

import pytest

from surveyor.agent.program.account import AccountStyle, account_of, read_account, render
from surveyor.agent.program.apeiria import SPEAKS, THINKS, ApeiriaStyle, apeiria_text, read_answer
from surveyor.agent.program.execute import execute
from surveyor.agent.program.reading import read_program
from surveyor.agent.program.relations import BoxedThing
from surveyor.agent.program.values import MeasuredScene
from surveyor.core.errors import UserError
from surveyor.core.geometry import OrientedBox
from tests.support.program_cases import EXECUTED, Writer, boxed, heaped_room

PLACES = (
    ("desk", (2.0, 1.0, 0.4), (1.4, 0.7, 0.75)), ("chair", (2.1, 2.0, 0.45), (0.5, 0.5, 0.9)),
    ("chair", (5.0, 4.0, 0.45), (0.5, 0.5, 0.9)), ("window", (4.0, 0.0, 1.5), (1.0, 0.1, 1.0)),
)  # fmt: skip
ROOM = MeasuredScene(
    tuple(
        BoxedThing(str(k), name, OrientedBox(center=c, size=s))
        for k, (name, c, s) in enumerate(PLACES)
    )
)
NEAR = "relate(filter(scene(), chair), filter(scene(), desk), near)"
GOLDEN = """\
[APEIRIA THINKS]
I need to find the object described as: "the chair near the desk"
Let's plan my next steps: Examine all objects in the scene; \
Find all objects of category 'chair'; \
Find all objects of category 'desk'; Check which chair(s) are 'near' the desk(s)
First, I'll examine all 4 objects in the scene.
I see 4 object(s) in the scene: 0 (desk), 1 (chair), 2 (chair), 3 (window)
Looking in all objects in the scene to find chair.
Found 2 object(s): 1 (chair) at (2.10, 2.00, 0.45), size 0.50 x 0.50 x 0.90, \
2 (chair) at (5.00, 4.00, 0.45), size 0.50 x 0.50 x 0.90
Looking in all objects in the scene to find desk.
Found 1 object(s): 0 (desk) at (2.00, 1.00, 0.40), size 1.40 x 0.70 x 0.75
Now, I'll check which chair(s) are 'near' the desk(s).
Analyzing 2 potential target object(s) (chair: 1, 2) and 1 reference object(s) (desk: 0):
Object 1 (chair) is near to Object 0 (desk).
After analysis, found 1 object(s) with the 'near' relation: ID(s): 1
In conclusion: I found 1 object(s) matching the query:
Object 1: chair at (2.10, 2.00, 0.45), size 0.50 x 0.50 x 0.90
[APEIRIA SPEAKS]
Apeiria found 1 object(s) matching the description:
Object 1: At (2.10, 2.00, 0.45), size: 0.50 x 0.50 x 0.90"""


def round_trips(seeds: range) -> tuple[int, list[str]]:
    """How many accounts were read back, and those that came back otherwise or execute otherwise."""
    count, wrong = 0, []
    for seed in seeds:
        room, floor = heaped_room(seed)
        dice, scene = random.Random(seed), MeasuredScene(boxed(room), floor)
        program = Writer(room, dice).write(dice.choice(EXECUTED))
        style = AccountStyle(dice.random() < 0.7, dice.choice([2, 4]))
        made = account_of(f"question {seed}", program, scene)
        back = read_account(render(made, style))
        again = execute(back.program, scene)
        count += 1
        if back != made.told(style) or again != execute(program, scene):
            wrong.append(render(made, style))
    return count, wrong


def test_accounts_are_read_back_and_their_plans_give_the_same_ids() -> None:
    assert round_trips(range(150)) == (150, [])


def test_apeirias_layout_to_the_letter() -> None:
    assert apeiria_text("the chair near the desk", read_program(NEAR), ROOM) == GOLDEN


def test_detail_negatives_precision_and_plan_alone() -> None:
    program = read_program(NEAR)
    short = apeiria_text("x", program, ROOM, ApeiriaStyle(detail=False, negatives=True, digits=4))
    assert "Found 2 object(s): ID(s): 1, 2" in short
    assert "Object 2 (chair) is not near to Object 0 (desk)." in short
    assert "Object 1: At (2.1000, 2.0000, 0.4500), size: 0.5000 x 0.5000 x 0.9000" in short
    plan = apeiria_text("x", program, ROOM, ApeiriaStyle(plan_only=True))
    assert "In conclusion" not in plan
    assert plan.startswith(f"{THINKS}\nI need to find the object described as")
    side = (
        "relate_anchor(filter(scene(), chair), filter(scene(), window), filter(scene(), desk), "
        "left)"
    )
    assert "Facing Object 3 (window), Object 1 (chair) is left to Object 0 (desk)." in apeiria_text(
        "x", read_program(side), ROOM
    )
    assert "Apeiria didn't find any" in apeiria_text(
        "x", read_program("filter(scene(), bed)"), ROOM
    )
    with pytest.raises(UserError, match="no words for count"):
        apeiria_text("x", read_program("count(scene())"), ROOM)


@pytest.mark.parametrize(
    "line",
    [
        "Object 7: At (1.00, 2.00, 0.50), size: 0.40 x 0.50 x 0.60",
        "ID 7: Position (1.00, 2.00, 0.50), size 0.40 x 0.50 x 0.60",
        "7: Coordinates ([1.00, 2.00, 0.50]), dimensions [0.40 x 0.50 x 0.60]",
        "Object 7: (1.00, 2.00, 0.50), 0.40 x 0.50 x 0.60",
    ],
)
def test_answers_are_read_in_four_layouts_and_once(line: str) -> None:
    (box,) = (
        read_answer(
            f"{THINKS}\nObject 9: At (0, 0, 0), size: 1 x 1 x 1\n{SPEAKS}\nfound:\n{line}\n{line}"
        )
        or ()
    )
    assert (box.handle, box.center, box.size) == ("7", (1.0, 2.0, 0.5), (0.4, 0.5, 0.6))


def test_a_thought_that_was_cut_off_names_nothing() -> None:
    assert read_answer(f"{THINKS}\nObject 9: At (0, 0, 0), size: 1 x 1 x 1") is None
    assert read_answer(f"{SPEAKS}\nApeiria didn't find any objects matching the description.") == ()


@pytest.mark.parametrize(
    "text", ["", "Question: a\nPlan: count(scene())\nAnswer: 1", "Question: a\nPlan: cuont(x)\n\n"]
)
def test_what_is_no_account_is_refused_in_words(text: str) -> None:
    with pytest.raises(UserError):
        read_account(text)
