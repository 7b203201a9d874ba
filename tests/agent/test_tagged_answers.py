"""What stands between answer tags is reduced as an untagged answer is."""

from __future__ import annotations

import pytest

from surveyor.agent.chat.capabilities import Capabilities, DialectName
from surveyor.agent.chat.native import NativeDialect
from surveyor.agent.chat.reply_parser import Reading, bare_answer
from surveyor.agent.chat.tags import TagDialect
from surveyor.agent.planner import PlannerInput
from surveyor.benchmarks.scorers.registry import metric_named
from surveyor.core.tasks import AnswerKind, Task

TOOL = {"type": "function", "function": {"name": "look", "parameters": {}}}
MARKED = [
    *("B", "(B)", "**B**", "[B]", "**(B)**", "`B`", "B.", "$B$", "(b)", "（Ｂ）", "**B.**"),
    *(r"\boxed{B}", r"$\boxed{\text{B}}$", r"**\boxed{(B)}**", "(B) right", "B) right", "_B_"),
]


def task(kind: AnswerKind = AnswerKind.CHOICE) -> Task:
    options = ("A. left", "B. right", "C. back") if kind is AnswerKind.CHOICE else ()
    return Task(
        id="t1",
        dataset="s",
        scene_id="s1",
        question_type="object_rel_direction_medium",
        question="Where is the lamp?",
        options=options,
        answer_kind=kind,
    )


def read(text: str, asked: Task, dialect: DialectName, *, tools: bool = True) -> Reading:
    brief = PlannerInput((TOOL,) if tools else ())
    made = TagDialect if dialect is DialectName.TAGS else NativeDialect
    return made(asked, brief, Capabilities()).read({"content": text}, "stop", 0)


@pytest.mark.parametrize("dialect", list(DialectName))
@pytest.mark.parametrize("tools", [True, False])
@pytest.mark.parametrize("answer", MARKED)
def test_a_marked_letter_between_tags_is_the_letter(
    answer: str, tools: bool, dialect: DialectName
) -> None:
    reading = read(f"Hm. <answer>{answer}</answer>", task(), dialect, tools=tools)
    assert reading.answer == "B"
    assert bool(reading.repairs) is (answer != "B")
    row = {"question_type": "object_rel_direction_medium", "ground_truth": "B"}
    scored = metric_named("vsi").score({**row, "prediction": reading.answer})
    assert scored.values["score"] == 1.0


@pytest.mark.parametrize("dialect", list(DialectName))
@pytest.mark.parametrize("answer", [*MARKED, "B. right", "Right.", "(D)", "(B) left", "b", "the B"])
def test_tagged_and_untagged_answers_are_reduced_alike(answer: str, dialect: DialectName) -> None:
    bare = bare_answer(answer, task())
    assert read(f"<answer>{answer}</answer>", task(), dialect).answer == (bare or answer)
    assert read(answer, task(), dialect).answer == bare


@pytest.mark.parametrize(
    ("answer", "read_as"),
    [("**4**", "4"), (r"\boxed{2.5}", "2.5"), ("$3$", "3"), ("2.5 m", "2.5 m"), ("two", "two")],
)
def test_a_marked_number_between_tags_is_the_number(answer: str, read_as: str) -> None:
    reading = read(f"<answer>{answer}</answer>", task(AnswerKind.NUMBER), DialectName.NATIVE)
    assert reading.answer == read_as


def test_free_text_between_tags_stays_as_it_was_written() -> None:
    reading = read("<answer>**a (red) lamp**</answer>", task(AnswerKind.TEXT), DialectName.NATIVE)
    assert reading.answer == "**a (red) lamp**"


def test_one_answer_in_two_forms_is_one_answer() -> None:
    text = "<answer>(B)</answer> so <answer>B</answer>"
    assert read(text, task(), DialectName.NATIVE).answer == "B"
    text = "<answer>(A)</answer> so <answer>B</answer>"
    assert "several different" in (read(text, task(), DialectName.NATIVE).mistake or "")
