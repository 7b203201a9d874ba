"""Reading tagged text: ``<think>``, ``<skill_choice>``, ``<tool_call>``, ``<answer>``.

Strict first. A repair is made only where there is one way to read what was written, and each is
named; whatever is left over is a fault, with a sentence for the model. Names are never guessed.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

_TAG = re.compile(r"<(/?)(think|skill_choice|tool_call|answer)>")
_FENCE = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.DOTALL)
_ARGUMENTS = re.compile(r'"(?:arguments|parameters)"\s*:\s*')
_LONGEST_PYTHON = 20_000
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class RawCall:
    """A call as written: ``arguments`` is its JSON text."""

    name: str
    arguments: str


@dataclass(slots=True)
class Blocks:
    """What stood in a text. ``faults`` tell the model what could not be read."""

    thought: str = ""
    skill_choice: str = ""
    calls: list[RawCall] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def read_blocks(text: str, *, cut: bool = False) -> Blocks:
    """Every block of ``text`` in order; ``cut`` when it ended at a length limit.

    What was cut off is never completed: the rest is unknown.
    """
    found = Blocks()
    before, stray, rest = text.partition("</think>")
    if stray and "<think>" not in before:
        found.thought = before.strip()
        found.repairs.append("opened a missing <think>")
        text = rest
    for tag, content, closed in _segments(text):
        if not closed:
            if cut:
                found.faults.append(f"your <{tag}> block was cut off at the length limit")
                continue
            found.repairs.append(f"closed an open <{tag}>")
        if tag == "think":
            found.thought = "\n".join(filter(None, (found.thought, content.strip())))
        elif tag == "skill_choice":
            found.skill_choice = content.strip()
        elif tag == "answer":
            found.answers.append(content.strip())
        else:
            _read_calls(content, found)
    return found


def _segments(text: str) -> Iterator[tuple[str, str, bool]]:
    """(tag, content, closed) of each block. A thought runs to its end tag whatever is in it;
    any other block ends at the next tag of any kind."""
    tags = list(_TAG.finditer(text))
    ends = [i for i, tag in enumerate(tags) if tag[0] == "</think>"]
    at = 0
    while at < len(tags):
        tag = tags[at]
        at += 1
        if tag[1]:
            continue
        if tag[2] == "think" and (end := next((i for i in ends if i >= at), None)) is not None:
            yield "think", text[tag.end() : tags[end].start()], True
            ends = [i for i in ends if i > end]
            at = end + 1
            continue
        stop = tags[at].start() if at < len(tags) else len(text)
        closed = at < len(tags) and tags[at][0] == f"</{tag[2]}>"
        yield tag[2], text[tag.end() : stop], closed
        at += closed


def _read_calls(content: str, found: Blocks) -> None:
    repairs: list[str] = []
    value = _value(content.strip(), repairs)
    entries = value if isinstance(value, list) else [value]
    if isinstance(value, list):
        repairs.append("took a list as several calls")
    calls = [_call(entry, content, len(entries) == 1, repairs) for entry in entries]
    if not calls or any(call is None for call in calls):
        found.faults.append(
            "a <tool_call> block could not be read; write exactly one JSON object in it: "
            '{"name": "...", "arguments": {...}}'
        )
        return
    found.calls.extend(call for call in calls if call is not None)
    found.repairs.extend(repairs)


def _value(content: str, repairs: list[str]) -> Any:
    """The JSON value in a block, or ``None``; each liberty taken is added to ``repairs``."""
    fenced = _FENCE.fullmatch(content)
    if fenced:
        content = fenced[1]
        repairs.append("took a call out of a code fence")
    for attempt, repair in (
        (_strictly, ""),
        (_with_surplus, "dropped surplus brackets after a call"),
        (_with_braces, "added missing closing braces"),
        (_as_python, "read a Python literal as JSON"),
    ):
        value = attempt(content)
        if value is not None:
            if repair:
                repairs.append(repair)
            return value
    return None


def _strictly(content: str) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _with_surplus(content: str) -> Any:
    try:
        value, end = _DECODER.raw_decode(content)
    except (ValueError, RecursionError):
        return None
    return value if not content[end:].strip(" \n\t}]") else None


def _with_braces(content: str) -> Any:
    return next((v for n in (1, 2) if (v := _strictly(content + "}" * n)) is not None), None)


def _as_python(content: str) -> Any:
    """Single quotes, True, None: a literal that is no JSON. Sets and the like are refused."""
    if len(content) > _LONGEST_PYTHON:
        return None
    try:
        return json.loads(json.dumps(ast.literal_eval(content)))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _call(entry: Any, content: str, alone: bool, repairs: list[str]) -> RawCall | None:
    if not isinstance(entry, dict):
        return None
    inner = entry.get("function")
    if isinstance(inner, dict):
        entry = inner
        repairs.append("took a call out of its function wrapper")
    name, arguments = entry.get("name"), entry.get("arguments")
    if arguments is None and "parameters" in entry:
        arguments = entry["parameters"]
        repairs.append("read parameters as arguments")
    if arguments is None:
        arguments = {}
    if isinstance(arguments, str):
        arguments = _strictly(arguments)
        repairs.append("read arguments out of a string")
    if not isinstance(name, str) or not name or not isinstance(arguments, dict):
        return None
    return RawCall(
        name, (_as_written(content, arguments) if alone else None) or json.dumps(arguments)
    )


def _as_written(content: str, arguments: dict[str, Any]) -> str | None:
    """The arguments' own text, if it can be found in the block."""
    place = _ARGUMENTS.search(content)
    if place is None:
        return None
    try:
        value, end = _DECODER.raw_decode(content, place.end())
    except (ValueError, RecursionError):
        return None
    return content[place.end() : end] if value == arguments else None
