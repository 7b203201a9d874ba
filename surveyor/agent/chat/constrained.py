"""The grammar dialect: every turn is one JSON object, and the server lets the model write no other.

::

    {"thought": "the chairs first", "calls": [{"name": "survey", "arguments": {...}}]}
    {"thought": "five were found", "answer": "5"}

Each engine is told in its own way: vLLM takes the schema as ``structured_outputs``, SGLang and
OpenAI as a ``response_format``, llama.cpp takes a grammar.
"""

from __future__ import annotations

from typing import Any

import orjson

from surveyor.agent.chat.capabilities import Capabilities, Constraint
from surveyor.agent.chat.gbnf import gbnf
from surveyor.agent.chat.messages import Message, one_message
from surveyor.agent.chat.reply_parser import (
    Reading,
    made_id,
    reading_of,
    text_of,
    too_long,
    well_formed,
)
from surveyor.agent.chat.terse import signatures
from surveyor.agent.chat.turn_schema import turn_schema
from surveyor.agent.planner import Observation, PlannerInput
from surveyor.core.tasks import Task
from surveyor.tools.spec import CallRequest

_FORM = """\
Every reply is one JSON object and nothing else. To call tools:
{"thought": "...", "calls": [{"name": "...", "arguments": {...}}]}
To finish: {"thought": "...", "answer": "..."}
Results come in the next message, in the order of the calls. The tools:"""
_ANSWER = 'Reply with one JSON object and nothing else: {"thought": "...", "answer": "..."}'
_NEITHER = 'that was no JSON object with "calls" or an "answer"; write one and nothing else'
_CUT = "your message was cut off at the length limit; think less"


def constrained(schema: Any, how: Constraint) -> dict[str, Any]:
    """The request fields by which an engine enforces a schema."""
    if how is Constraint.VLLM:
        return {"structured_outputs": {"json": schema}}
    if how is Constraint.LLAMACPP:
        return {"grammar": gbnf(schema)}
    named = {"name": "turn", "schema": schema}
    return {"response_format": {"type": "json_schema", "json_schema": named}}


class GrammarDialect:
    """Reads and writes turns as JSON objects; the API's own tool fields stay unused."""

    name = "grammar"

    def __init__(self, task: Task, brief: PlannerInput, capabilities: Capabilities) -> None:
        self._brief = brief
        self._can = capabilities
        most = {} if capabilities.parallel_calls else {"parallel": 1}
        self._schema = turn_schema(brief.tools, task, **most)

    @property
    def instructions(self) -> str:
        """The form of a turn, and the tools as signatures."""
        if not self._brief.tools:
            return _ANSWER
        return f"{_FORM}\n{signatures(self._brief.tools)}"

    @property
    def request_fields(self) -> dict[str, Any]:
        """What makes the server enforce the form."""
        return constrained(self._schema, self._can.constraint)

    def read(self, message: dict[str, Any], finish: str, turn: int) -> Reading:
        """Understand one assistant message; never raises, whatever the message holds."""
        said = text_of(message.get("content"))
        decided = self._decide(said, finish == "length", turn)
        return reading_of(message, decided.get("calls", ()), decided)

    def _decide(self, said: str, cut: bool, turn: int) -> dict[str, Any]:
        """The turn: calls, an answer, or what was wrong."""
        if mistake := too_long(said, ()):
            return {"mistake": mistake}
        try:
            value = orjson.loads(said)
        except orjson.JSONDecodeError:
            return {"mistake": _CUT if cut else _NEITHER}
        listed = value.get("calls") if isinstance(value, dict) else None
        if isinstance(listed, list) and listed and all(map(_is_call, listed)):
            calls = tuple(
                CallRequest(
                    made_id(turn, number),
                    well_formed(call["name"]),
                    orjson.dumps(call.get("arguments", {})).decode(),
                )
                for number, call in enumerate(listed)
            )
            written = [(call.name, call.raw_arguments) for call in calls]
            mistake = too_long("", written)
            return {"mistake": mistake} if mistake else {"calls": calls}
        answer = value.get("answer") if isinstance(value, dict) else None
        if isinstance(answer, dict):  # an action
            return {"answer": orjson.dumps(answer).decode()}
        if isinstance(answer, bool) or not isinstance(answer, str | int | float):
            return {"mistake": _NEITHER}
        return {"answer": str(answer).strip()}

    def observe(self, observations: tuple[Observation, ...]) -> list[Message]:
        """What came back, as one user message in call order."""
        return one_message(
            observations,
            lambda result: f"Result of {result.name}: {result.text}",
            images=self._can.images,
        )


def _is_call(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("name"), str)
