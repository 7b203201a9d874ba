"""The JSON schema of one turn: calls of the tools there are, or an answer of the wanted kind.

A server that decodes under it can only write valid turns, which makes models usable that were
never taught to call tools. What engines enforce is names, types, enums, what is required, lengths
and bounds; descriptions and defaults would only cost tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from surveyor.core.anchor_actions import action_schema, edges_asked
from surveyor.core.tasks import AnswerKind, Task

_ENFORCED = (
    "type", "enum", "items", "properties", "required", "anyOf", "minItems", "maxItems",
    "minLength", "maxLength", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
    "additionalProperties",
)  # fmt: skip
_THOUGHT, _ANSWER, _CALLS = 400, 800, 8


def turn_schema(tools: Iterable[Mapping[str, Any]], task: Task, parallel: int = _CALLS) -> Any:
    """The schema for a turn with at most ``parallel`` calls; only answers without ``tools``."""
    thought = {"type": "string", "maxLength": _THOUGHT}
    answering = _closed({"thought": thought, "answer": answer_schema(task)})
    called = [
        _closed(
            {
                "name": {"enum": [tool["function"]["name"]]},
                "arguments": enforced(tool["function"]["parameters"]),
            }
        )
        for tool in tools
    ]
    if not called:
        return answering
    calls = {"type": "array", "items": {"anyOf": called}, "minItems": 1, "maxItems": parallel}
    return {"anyOf": [_closed({"thought": thought, "calls": calls}), answering]}


def answer_schema(task: Task) -> dict[str, Any]:
    """A letter of the options, a number, a whole action, or a text."""
    if task.answer_kind is AnswerKind.ACTION:
        return action_schema(task.scene_id, edges_asked(task.question))
    if task.answer_kind is AnswerKind.CHOICE and task.options:
        return {"enum": [chr(ord("A") + index) for index in range(len(task.options))]}
    if task.answer_kind is AnswerKind.NUMBER:
        return {"type": "number"}
    return {"type": "string", "minLength": 1, "maxLength": _ANSWER}


def enforced(schema: Any) -> Any:
    """A tool's argument schema with nothing but what decoding can enforce; closed."""
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Any] = {}
    for key in _ENFORCED:
        if key not in schema:
            continue
        value = schema[key]
        if key == "properties":
            value = {name: enforced(field) for name, field in value.items()}
        elif key == "items":
            value = enforced(value)
        elif key == "anyOf":
            value = [enforced(branch) for branch in value]
        kept[key] = value
    if kept.get("type") == "object":
        kept.setdefault("properties", {})
        kept["additionalProperties"] = False
    return kept


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
