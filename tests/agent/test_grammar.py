from __future__ import annotations

import json
import random
from typing import Any

import pytest
from pydantic import ValidationError

from surveyor.agent.chat.capabilities import Capabilities, Constraint, DialectName
from surveyor.agent.chat.constrained import GrammarDialect, constrained
from surveyor.agent.chat.gbnf import gbnf
from surveyor.agent.chat.prompt import short_prompt
from surveyor.agent.chat.turn_schema import turn_schema
from surveyor.agent.planner import PlannerInput
from surveyor.agent.survey.offer import offered
from surveyor.core.tasks import AnswerKind, Task
from surveyor.memory.events import FormatError
from tests.support.gbnf_sampler import Grammar, sample_schema

TOOLS = offered(frames=True)
BRIEF = PlannerInput(tuple(tool.schema for tool in TOOLS), ("frame_0",))
ARGUMENTS = {tool.name: tool.arguments for tool in TOOLS}


def task(kind: AnswerKind = AnswerKind.CHOICE) -> Task:
    options = ("A. left", "B. right") if kind is AnswerKind.CHOICE else ()
    return Task(
        id="t",
        dataset="d",
        scene_id="s",
        question_type="q",
        question="Which?",
        options=options,
        answer_kind=kind,
    )


def dialect(how: Constraint, kind: AnswerKind = AnswerKind.CHOICE) -> GrammarDialect:
    can = Capabilities(dialect=DialectName.GRAMMAR, constraint=how)
    return GrammarDialect(task(kind), BRIEF, can)


def invalid(dialect: GrammarDialect, text: str) -> str | None:
    """Why a generation is no valid turn, if it is not."""
    reading = dialect.read({"content": text}, "stop", 0)
    if reading.mistake is not None:
        return reading.mistake
    for call in reading.calls:
        try:
            ARGUMENTS[call.name].model_validate_json(call.raw_arguments)
        except (KeyError, ValidationError) as error:
            return f"{call}: {error}"
    return None


@pytest.mark.parametrize("kind", list(AnswerKind))
def test_no_sentence_of_the_grammar_is_an_invalid_turn(kind: AnswerKind) -> None:
    speaking = dialect(Constraint.LLAMACPP, kind)
    grammar, dice = Grammar.of(speaking.request_fields["grammar"]), random.Random(7)
    said = [grammar.sample(dice) for _ in range(120)]
    assert [why for text in said if (why := invalid(speaking, text))] == []
    assert sum('"calls"' in text for text in said) > 30


@pytest.mark.parametrize("kind", [AnswerKind.CHOICE, AnswerKind.NUMBER, AnswerKind.TEXT])
def test_no_value_of_the_schema_is_an_invalid_turn(kind: AnswerKind) -> None:
    speaking = dialect(Constraint.VLLM, kind)
    schema, dice = speaking.request_fields["structured_outputs"]["json"], random.Random(8)
    said = [json.dumps(sample_schema(schema, dice)) for _ in range(120)]
    assert [why for text in said if (why := invalid(speaking, text))] == []


def test_every_tool_may_be_called() -> None:
    grammar, dice = Grammar.of(gbnf(turn_schema(BRIEF.tools, task()))), random.Random(9)
    said = " ".join(grammar.sample(dice) for _ in range(400))
    assert [name for name in ARGUMENTS if f'"{name}"' not in said] == []


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "number", "minimum": -90, "maximum": 90},
        {"type": "number", "minimum": 0, "maximum": 1},
        {"type": "integer", "minimum": 1, "maximum": 8},
        {"type": "number", "exclusiveMinimum": 0, "maximum": 10},
    ],
)
def test_bounds_of_numbers_are_part_of_the_grammar(schema: dict[str, Any]) -> None:
    grammar, dice = Grammar.of(gbnf(schema)), random.Random(3)
    drawn = [float(grammar.sample(dice)) for _ in range(500)]
    low = schema.get("minimum", schema.get("exclusiveMinimum"))
    assert all(float(low or 0) <= value <= schema["maximum"] for value in drawn)
    assert 0 not in drawn or "exclusiveMinimum" not in schema
    assert max(drawn) > 0.8 * schema["maximum"]


def test_each_engine_is_told_in_its_own_way() -> None:
    schema = {"type": "object", "properties": {"a": {"type": "boolean"}}, "required": ["a"]}
    assert constrained(schema, Constraint.VLLM) == {"structured_outputs": {"json": schema}}
    told = constrained(schema, Constraint.RESPONSE_FORMAT)["response_format"]
    assert told == {"type": "json_schema", "json_schema": {"name": "turn", "schema": schema}}
    grammar = constrained(schema, Constraint.LLAMACPP)["grammar"]
    assert grammar.startswith("root ::= object-1\n")
    assert Grammar.of(grammar).sample(random.Random(1)) in (
        '{"a":true}', '{"a":false}', '{"a": true}', '{"a": false}',
    )  # fmt: skip


def test_calls_and_answers_are_read() -> None:
    speaking = dialect(Constraint.VLLM)
    called = {"thought": "look", "calls": [{"name": "size", "arguments": {"object": "obj_1"}}]}
    reading = speaking.read({"content": json.dumps(called)}, "stop", 2)
    assert [(call.name, call.raw_arguments) for call in reading.calls] == [
        ("size", '{"object":"obj_1"}')
    ]
    assert speaking.read({"content": '{"thought":"","answer":"B"}'}, "stop", 0).answer == "B"
    number = dialect(Constraint.VLLM, AnswerKind.NUMBER)
    assert number.read({"content": '{"thought":"","answer":3.2}'}, "stop", 0).answer == "3.2"


@pytest.mark.parametrize(
    ("text", "finish", "says"),
    [
        ("I think B", "stop", "no JSON object"),
        ('{"thought": "so', "length", "cut off"),
        ('{"thought": "", "calls": []}', "stop", "no JSON object"),
        ('{"thought": "", "answer": true}', "stop", "no JSON object"),
        ("[1]", "stop", "no JSON object"),
    ],
)
def test_where_nothing_is_enforced_a_bad_turn_is_a_mistake(
    text: str, finish: str, says: str
) -> None:
    reading = dialect(Constraint.VLLM).read({"content": text}, finish, 0)
    assert reading.mistake is not None
    assert says in reading.mistake
    told = dialect(Constraint.VLLM).observe((FormatError(turn=0, raw="", observation="no"),))
    assert told[0].parts == ("Not understood: no",)


def test_the_short_prompt_with_tools_has_at_most_1200_tokens() -> None:
    tools = tuple(tool.schema for tool in offered(frames=True, named=("measure",)))
    speaking = GrammarDialect(
        task(), PlannerInput(tools), Capabilities(dialect=DialectName.GRAMMAR)
    )
    assert len(speaking.instructions) / 3 < 1200


def test_the_short_prompt_says_to_survey_first_where_there_is_a_survey() -> None:
    for named, expected in (("measure",), True), (("count", "size"), False):
        tools = tuple(tool.schema for tool in offered(frames=True, named=named))
        said = short_prompt(task(), PlannerInput(tools), "").system
        assert ("First survey" in said) is expected
