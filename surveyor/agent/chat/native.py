"""The native dialect: the API's own tool calls, answers between ``<answer>`` tags."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from surveyor.agent.chat.capabilities import Capabilities
from surveyor.agent.chat.messages import Message, Part, labelled, pictures_of
from surveyor.agent.chat.repairs import arguments_text, is_object
from surveyor.agent.chat.reply_parser import (
    LONGEST_ID,
    MOST_TEXT,
    REASONING,
    Reading,
    as_emitted,
    bare_answer,
    can_be_sent,
    kept,
    made_id,
    one_answer,
    reasoning_of,
    text_of,
    too_long,
    well_formed,
)
from surveyor.agent.chat.tagged_text import Blocks, read_blocks
from surveyor.agent.planner import Observation, PlannerInput
from surveyor.core.tasks import Task
from surveyor.memory.events import FormatError, ToolOutcome
from surveyor.tools.spec import CallRequest

_NEITHER = (
    "That was neither a tool call nor an answer. Call a tool, or finish with the final answer "
    "alone between <answer> and </answer>."
)
_NO_ANSWER = "That held no answer. Give the final answer alone between <answer> and </answer>."
_BOTH = (
    "You called tools and answered in the same turn, so nothing was run. Wait for the results "
    "before you answer, or answer without calling tools."
)
_CUT = "Your message was cut off at the length limit. Think less, and {}."

_Written = tuple[str, str, str]
"""A call as the model wrote it: id, name, arguments."""


class NativeDialect:
    """Reads and writes native tool calls."""

    name = "native"

    def __init__(self, task: Task, brief: PlannerInput, capabilities: Capabilities) -> None:
        self._task = task
        self._tools = list(brief.tools)
        self._can = capabilities
        self._pending: tuple[CallRequest, ...] = ()
        self._ids: set[str] = set()

    @property
    def instructions(self) -> str:
        """How to write calls and answers, for the system message."""
        if not self._tools:
            return "Give the final answer alone between <answer> and </answer>."
        return (
            "Measure with the tools before you answer; several independent calls may go in one "
            "turn. When the evidence is enough, give the final answer alone between <answer> and "
            "</answer>, in a turn without tool calls."
        )

    @property
    def request_fields(self) -> dict[str, Any]:
        """What the request carries besides messages."""
        if not self._tools:
            return {}
        fields: dict[str, Any] = {"tools": self._tools}
        if not self._can.parallel_calls:
            fields["parallel_tool_calls"] = False
        return fields

    def read(self, message: dict[str, Any], finish: str, turn: int) -> Reading:
        """Understand one assistant message; never raises, whatever the message holds."""
        said, cut = text_of(message.get("content")), finish == "length"
        written, repairs = _calls_of(message, turn, self._ids)
        mistake = too_long(said, [call[1:] for call in written])
        text = kept(said, MOST_TEXT)
        calls, mended = ((), ()) if mistake else _mended(written, cut)
        blocks = read_blocks("" if mistake else text, cut=cut)
        if not calls and blocks.calls and not blocks.faults:
            written = self._rescued(blocks, turn)
            calls, mended = _mended(written, cut)
            text = blocks.thought + "".join(f"<answer>{a}</answer>" for a in blocks.answers)
            repairs = ("read tool calls that stood in the text", *blocks.repairs)
        self._pending = calls
        decided, more = ({"mistake": mistake}, ()) if mistake else self._decide(blocks, cut, calls)
        echo = turn_of(text, calls)
        shown = [sent["function"]["arguments"] for sent in echo.fields.get("tool_calls", ())]
        if shown != [call.raw_arguments for call in calls]:
            more = (*more, "showed the model its unreadable arguments as an empty object")
        thoughts = (kept(reasoning_of(message), MOST_TEXT), blocks.thought)
        return Reading(
            echo=self._with_reasoning(echo, message),
            text=kept(said, MOST_TEXT),
            reasoning="\n".join(filter(None, thoughts)),
            emitted=as_emitted(written),
            repairs=(*repairs, *mended, *more),
            **decided,
        )

    def _decide(
        self, blocks: Blocks, cut: bool, calls: tuple[CallRequest, ...]
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """What the turn is, and the repairs that this took."""
        if calls:
            return ({"mistake": _BOTH} if blocks.answers else {"calls": calls}), ()
        if blocks.faults or (cut and not blocks.answers):
            advice = "call a tool or answer" if self._tools else "answer"
            told = (*blocks.faults, *((_CUT.format(advice),) if cut else ()))
            return {"mistake": "; ".join(dict.fromkeys(told))}, ()
        if blocks.answers:
            answer, more = one_answer(blocks.answers, self._task)
            return answer, (*blocks.repairs, *more)
        bare = bare_answer(blocks.rest, self._task)
        if not self._tools and blocks.rest:
            return {"answer": blocks.rest if bare is None else bare}, tuple(blocks.repairs)
        if bare is not None:
            return {"answer": bare}, (*blocks.repairs, "took a bare answer without tags")
        return {"mistake": _NEITHER if self._tools else _NO_ANSWER}, ()

    def _rescued(self, blocks: Blocks, turn: int) -> tuple[_Written, ...]:
        """Calls that a server's parser left in the text."""
        written = tuple(
            (made_id(turn, i), well_formed(call.name), well_formed(call.arguments))
            for i, call in enumerate(blocks.calls)
        )
        self._ids.update(call[0] for call in written)
        return written

    def _with_reasoning(self, turn: Message, message: dict[str, Any]) -> Message:
        """The turn with the provider's own reasoning item, opaque as it came and under the name it
        came by, where the provider wants that back."""
        wanted = self._can.echo_reasoning
        names = (wanted, *REASONING) if wanted in REASONING else (wanted,)
        for name in names:
            item = message.get(name or "")
            if item and name and can_be_sent(item):
                return replace(turn, fields={**turn.fields, name: item})
        return turn

    def observe(self, observations: tuple[Observation, ...]) -> list[Message]:
        """What came back, as messages: every pending call is answered, in call order."""
        outcomes = [o for o in observations if isinstance(o, ToolOutcome)]
        errors = [o.observation for o in observations if isinstance(o, FormatError)]
        if errors and self._pending:
            return [_tool_message(call.call_id, ("\n".join(errors),)) for call in self._pending]
        messages = [Message("user", (error,)) for error in errors]
        moved: list[Part] = []
        for outcome in outcomes:
            shown = labelled(pictures_of(outcome)) if self._can.images else ()
            if shown and not self._can.images_in_tools:
                moved.extend(shown)
                shown = ("The image follows in the next message.",)
            messages.append(_tool_message(outcome.call_id, (outcome.text, *shown)))
        if moved:
            messages.append(Message("user", ("Images of the results above.", *moved)))
        return messages


def turn_of(text: str, calls: Sequence[CallRequest]) -> Message:
    """A turn as the conversation keeps it: what was said, and what was called."""
    fields = {"tool_calls": [_as_sent(call) for call in calls]} if calls else {}
    return Message("assistant", (text,), fields)


def _tool_message(call_id: str, parts: tuple[Part, ...]) -> Message:
    return Message("tool", parts, {"tool_call_id": call_id})


def _calls_of(
    message: dict[str, Any], turn: int, used: set[str]
) -> tuple[tuple[_Written, ...], tuple[str, ...]]:
    """Calls in order, as they were written, and the repairs that were needed.

    ``used`` holds the ids of the episode so far and grows, so that results have one owner each.
    """
    listed = message.get("tool_calls")
    entries = listed if isinstance(listed, list) else []
    calls: list[_Written] = []
    repairs: list[str] = []
    for entry in entries:
        function = entry.get("function") if isinstance(entry, dict) else None
        if not isinstance(function, dict) or not isinstance(function.get("name"), str):
            repairs.append("dropped a tool call without a name")
            continue
        arguments = function.get("arguments")
        if not isinstance(arguments, str):
            arguments = orjson.dumps(arguments if arguments is not None else {}).decode()
            repairs.append("wrote arguments that were not a string as JSON")
        call_id = entry.get("id")
        known = isinstance(call_id, str) and 0 < len(call_id) <= LONGEST_ID
        if not known or well_formed(call_id) in used:
            number = len(calls)
            while (call_id := made_id(turn, number)) in used:
                number += 1
            repairs.append("numbered a tool call without an id of its own")
        call = (well_formed(str(call_id)), well_formed(function["name"]), well_formed(arguments))
        used.add(call[0])
        calls.append(call)
    return tuple(calls), tuple(repairs)


def _mended(
    written: tuple[_Written, ...], cut: bool
) -> tuple[tuple[CallRequest, ...], tuple[str, ...]]:
    """The calls with readable arguments, where there is one way to read them, and the repairs."""
    calls: list[CallRequest] = []
    repairs: list[str] = []
    for call_id, name, arguments in written:
        text, made = arguments_text(arguments, untouched=cut)
        calls.append(CallRequest(call_id, name, text))
        repairs += made
    return tuple(calls), tuple(repairs)


def _as_sent(call: CallRequest) -> dict[str, Any]:
    """Servers parse the arguments of old calls to fill their templates, so what is not a JSON
    object goes back as an empty one; the log keeps it."""
    shown = call.raw_arguments if is_object(call.raw_arguments) else "{}"
    return {
        "id": call.call_id,
        "type": "function",
        "function": {"name": call.name, "arguments": shown},
    }
