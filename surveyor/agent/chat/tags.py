"""The tag dialect: calls and answers as tagged text, for checkpoints that were trained so.

::

    <think>what is missing</think>
    <skill_choice>{"name": "measure-dark-rooms"}</skill_choice>
    <tool_call>{"name": "detect", "arguments": {"frames": ["frame_3"], "text": "chair"}}</tool_call>

or, to finish, ``<think>...</think><answer>B</answer>``.
"""

from __future__ import annotations

from typing import Any

import orjson

from surveyor.agent.chat.capabilities import Capabilities
from surveyor.agent.chat.messages import Message, one_message
from surveyor.agent.chat.reply_parser import (
    MOST_TEXT,
    Reading,
    bare_answer,
    made_id,
    one_answer,
    reading_of,
    text_of,
    too_long,
    well_formed,
)
from surveyor.agent.chat.tagged_text import Blocks, read_blocks
from surveyor.agent.chat.terse import signatures
from surveyor.agent.planner import Observation, PlannerInput
from surveyor.core.tasks import Task
from surveyor.tools.spec import CallRequest

_FORM = """\
Think first, between <think> and </think>. Then either call tools, each call in a block of its own:
<tool_call>{"name": "...", "arguments": {...}}</tool_call>
or finish with the final answer alone: <answer>...</answer>
Never do both in one turn: results come in <tool_response> blocks, in the order of the calls."""
_SKILL = (
    'Before the calls, name the skill that you follow: <skill_choice>{"name": "..."}</skill_choice>'
)
_NEITHER = (
    "that held neither a <tool_call> nor an <answer> block; call a tool, or finish with "
    "<answer>...</answer>"
)
_NO_ANSWER = "that held no answer; finish with <answer>...</answer>"
_BOTH = "a turn either calls tools or answers; nothing was run"


class TagDialect:
    """Reads and writes tagged text; the API's own tool fields stay unused."""

    name = "tags"

    def __init__(self, task: Task, brief: PlannerInput, capabilities: Capabilities) -> None:
        self._task = task
        self._brief = brief
        self._can = capabilities

    @property
    def instructions(self) -> str:
        """The form of a turn and the tools' schemas."""
        if not self._brief.tools:
            return "Think between <think> and </think>, then answer: <answer>...</answer>"
        tools = self._brief.tools
        schemas = "\n".join(orjson.dumps(tool["function"]).decode() for tool in tools)
        if self._can.terse:
            schemas = signatures(tools)
        skill = [_SKILL] if self._brief.skills else []
        return "\n\n".join((_FORM, *skill, f"<tools>\n{schemas}\n</tools>"))

    @property
    def request_fields(self) -> dict[str, Any]:
        """Nothing: tools are described in the text."""
        return {}

    def read(self, message: dict[str, Any], finish: str, turn: int) -> Reading:
        """Understand one assistant message; never raises, whatever the message holds."""
        said = text_of(message.get("content"))
        blocks = read_blocks("" if len(said) > MOST_TEXT else said, cut=finish == "length")
        calls = tuple(
            CallRequest(made_id(turn, i), well_formed(call.name), well_formed(call.arguments))
            for i, call in enumerate(blocks.calls)
        )
        mistake = too_long(said, [(c.name, c.raw_arguments) for c in calls])
        return reading_of(
            message,
            calls,
            {"mistake": mistake} if mistake else self._decide(blocks, calls),
            thought=blocks.thought,
            notes={"skill_choice": blocks.skill_choice} if blocks.skill_choice else {},
        )

    def _decide(self, blocks: Blocks, calls: tuple[CallRequest, ...]) -> dict[str, Any]:
        """The turn and its repairs: calls, an answer, or what was wrong."""
        repairs = tuple(blocks.repairs)
        if blocks.faults:
            return {"mistake": "; ".join(dict.fromkeys(blocks.faults)), "repairs": repairs}
        if calls and blocks.answers:
            return {"mistake": _BOTH, "repairs": repairs}
        if calls:
            return {"calls": calls, "repairs": repairs}
        if blocks.answers:
            answer, more = one_answer(blocks.answers, self._task)
            return {**answer, "repairs": repairs + more}
        bare = bare_answer(blocks.rest, self._task)
        if bare is not None:
            return {"answer": bare, "repairs": (*repairs, "took a bare answer without tags")}
        return {"mistake": _NEITHER if self._brief.tools else _NO_ANSWER, "repairs": repairs}

    def observe(self, observations: tuple[Observation, ...]) -> list[Message]:
        """What came back, as one user message in call order."""
        return one_message(
            observations,
            lambda result: f"<tool_response>\n{result.name}: {result.text}\n</tool_response>",
            images=self._can.images,
            wrong="<format_error>{}</format_error>",
        )
