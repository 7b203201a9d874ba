"""What a question needs, said before the first call, as the teacher's reasoning opens.

Reading a question is so a thing of its own, which can be learned from questions alone; the calls
that follow copy from it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from surveyor.agent.program.trace import plan
from surveyor.training.compact.table import Table
from surveyor.training.rows.records import Chat, text_of

_QUESTION = re.compile(r"^Question: (.*(?:\n(?!Options:).*)*)", re.MULTILINE)
_NEED = re.compile(r"To answer, I need (\w+)\((.*)\)\.")
_THING = re.compile(r"filter\(scene\(\), ([^()]+)\)")
_OPERATORS = {
    "count": "count",
    "distance": "distance",
    "longest_edge": "size",
    "nearest": "nearest",
    "direction": "direction",
    "floor_area": "floor_area",
    "order_by_first_sight": "appearance_order",
}
"""The tool that tells it, whose name is the token."""


def need_tokens(text: str, table: Table) -> list[str]:
    """A need in tokens; nothing for what is no need, or one that could not be said back."""
    found = _NEED.fullmatch(text)
    if found is None or found[1] not in _OPERATORS:
        return []
    names = [table.name(name) for name in _THING.findall(found[2])]
    sectors = [f"={found[2].rpartition(', ')[2]}"] if found[1] == "direction" else []
    said = ["<need>", _OPERATORS[found[1]], *names, *sectors]
    return said if need_text(said, table) == text else []


def need_text(tokens: Sequence[str], table: Table) -> str:
    """The sentence; `ValueError` when the tokens are none."""
    tool, *rest = tokens[1:] or ["nothing"]
    names = [table.names[int(t[1:]) - 1] for t in rest if _is_name(t, table)]
    things = [f"filter(scene(), {name})" for name in names]
    each = [f"surest({thing})" for thing in things]
    match tool, len(things):
        case "count", 1:
            inner = f"count({things[0]})"
        case "size", 1:
            inner = f"longest_edge({each[0]})"
        case "distance", 2:
            inner = f"distance({each[0]}, {each[1]})"
        case "nearest", several if several > 1:
            inner = f"nearest({each[0]}, [{', '.join(things[1:])}])"
        case "direction", 3:
            inner = f"direction({', '.join(each)}, {rest[-1].removeprefix('=')})"
        case "floor_area", 0:
            inner = "floor_area(scene())"
        case "appearance_order", several if several > 1:
            inner = f"order_by_first_sight([{', '.join(things)}])"
        case _:
            raise ValueError(f"a need of {' '.join(tokens[1:])}")
    return f"To answer, I need {inner}."


def with_need(messages: tuple[Chat, ...]) -> tuple[Chat, ...]:
    """A conversation whose first turn says what the question needs."""
    asked = next((text_of(m) for m in messages if m.get("role") == "user"), "")
    found = _QUESTION.search(asked)
    first = next((k for k, m in enumerate(messages) if m.get("tool_calls")), None)
    if found is None or first is None or not _NEED.fullmatch(need := plan(found[1])):
        return messages
    return (*messages[:first], {**messages[first], "content": need}, *messages[first + 1 :])


def beginning(messages: tuple[Chat, ...]) -> tuple[Chat, ...]:
    """A conversation up to its first turn: what is enough to learn to read questions from."""
    first = next((k for k, m in enumerate(messages) if m.get("role") == "assistant"), 0)
    return messages[: first + 1]


def _is_name(token: str, table: Table) -> bool:
    return bool(re.fullmatch(r"E\d+", token)) and int(token[1:]) <= len(table.names)
