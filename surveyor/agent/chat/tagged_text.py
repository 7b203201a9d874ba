"""Reading tagged text: ``<think>``, ``<skill_choice>``, ``<tool_call>``, ``<answer>``.

Strict first. A repair is made only where there is one way to read what was written, and each is
named; whatever is left over is a fault, with a sentence for the model. Names are never guessed.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from surveyor.agent.chat.repairs import DECODER, json_value
from surveyor.core.reply_marks import plain_marks

_TAG = re.compile(r"<(/?)(think|skill_choice|tool_call|answer)>")
_ARGUMENTS = re.compile(r'"(?:arguments|parameters)"\s*:\s*')


@dataclass(frozen=True, slots=True)
class RawCall:
    """A call as written: ``arguments`` is its JSON text."""

    name: str
    arguments: str


@dataclass(slots=True)
class Blocks:
    """What stood in a text. ``faults`` tell the model what could not be read; ``rest`` is the text
    without its finished thoughts."""

    thought: str = ""
    skill_choice: str = ""
    calls: list[RawCall] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    repairs: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    rest: str = ""


@dataclass(frozen=True, slots=True)
class _Segment:
    """One block: ``start`` and ``end`` include its tags."""

    tag: str
    content: str
    closed: bool
    start: int
    end: int


def read_blocks(text: str, *, cut: bool = False) -> Blocks:
    """Every block of ``text`` in order; ``cut`` when it ended at a length limit.

    What was cut off is never completed: the rest is unknown.
    """
    found = Blocks()
    text = plain_marks(text)
    if "<" not in text:
        found.rest = text.strip()
        return found
    before, stray, rest = text.partition("</think>")
    if stray and "<think>" not in before:
        found.thought = before.strip()
        found.repairs.append("opened a missing <think>")
        text = rest
    spoken: list[str] = []
    at = 0
    for segment in _segments(text):
        _read_segment(segment, found, cut)
        if segment.tag == "think" and segment.closed:
            spoken.append(text[at : segment.start])
            at = segment.end
    found.rest = "".join((*spoken, text[at:])).rpartition("</think>")[2].strip()
    return found


def _read_segment(segment: _Segment, found: Blocks, cut: bool) -> None:
    tag, content = segment.tag, segment.content
    if not segment.closed:
        if cut:
            found.faults.append(f"your <{tag}> block was cut off at the length limit")
            return
        found.repairs.append(f"closed an open <{tag}>")
    if tag == "think":
        found.thought = "\n".join(filter(None, (found.thought, content.strip())))
    elif tag == "skill_choice":
        found.skill_choice = content.strip()
    elif tag == "answer":
        found.answers.append(content.strip())
    else:
        _read_calls(content, found)


def _segments(text: str) -> Iterator[_Segment]:
    """The blocks in order. A thought runs to its end tag whatever is in it; any other block ends
    at the next tag of any kind."""
    tags = list(_TAG.finditer(text))
    ends = [i for i, tag in enumerate(tags) if tag[0] == "</think>"]
    at = 0
    while at < len(tags):
        tag = tags[at]
        at += 1
        if tag[1]:
            continue
        passed = bisect_left(ends, at)
        if tag[2] == "think" and passed < len(ends):
            end = ends[passed]
            content = text[tag.end() : tags[end].start()]
            yield _Segment("think", content, True, tag.start(), tags[end].end())
            at = end + 1
            continue
        stop = tags[at].start() if at < len(tags) else len(text)
        closed = at < len(tags) and tags[at][0] == f"</{tag[2]}>"
        end_of_block = tags[at].end() if closed else stop
        yield _Segment(tag[2], text[tag.end() : stop], closed, tag.start(), end_of_block)
        at += closed


def _read_calls(content: str, found: Blocks) -> None:
    repairs: list[str] = []
    value = json_value(content, repairs)
    entries = value if isinstance(value, list) else [value]
    if isinstance(value, list):
        repairs.append("took a list as several calls")
    calls = [_call(entry, content, len(entries) == 1, repairs) for entry in entries]
    if not calls or any(call is None for call in calls):
        kind = " holds XML and" if "<function=" in content else ""
        found.faults.append(
            f"a <tool_call> block{kind} could not be read; write exactly one JSON object in it: "
            '{"name": "...", "arguments": {...}}'
        )
        return
    found.calls.extend(call for call in calls if call is not None)
    found.repairs.extend(repairs)


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
        arguments = json_value(arguments, repairs)
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
        value, end = DECODER.raw_decode(content, place.end())
    except (ValueError, RecursionError):
        return None
    return content[place.end() : end] if value == arguments else None
