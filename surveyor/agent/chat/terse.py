"""Tool schemas in few tokens, for small models and short contexts.

What is left out is advice: bounds, defaults and most descriptions. Names, types, enums and what is
required stay, and the tools still check every argument and say what is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_PRACTISED = {"survey": ("boxes", "skill", "join", "in_time")}
"""Arguments that say how to look. Models that were never taught to call tools fill in all there
are, and so contradict themselves: half of the mistakes of the first one that was measured."""
_KEPT = ("type", "enum", "items", "properties", "required", "anyOf")


def terse(tools: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """The OpenAI function schemas of the same tools, shortened."""
    return tuple({"type": "function", "function": _function(tool["function"])} for tool in tools)


def first_steps(tools: Iterable[Mapping[str, Any]]) -> tuple[dict[str, Any], ...]:
    """The same tools without the arguments of `_PRACTISED`; everything else stays as it is."""
    return tuple({**tool, "function": _without(tool["function"])} for tool in tools)


def _without(function: Mapping[str, Any]) -> dict[str, Any]:
    left_out = _PRACTISED.get(function["name"], ())
    schema = function["parameters"]
    fields = {k: v for k, v in schema.get("properties", {}).items() if k not in left_out}
    return {**function, "parameters": {**schema, "properties": fields}}


def _function(function: Mapping[str, Any]) -> dict[str, Any]:
    first = str(function.get("description", "")).partition(". ")[0].rstrip(".")
    return {
        "name": function["name"],
        "description": first,
        "parameters": _short(function["parameters"]),
    }


def _short(schema: Any) -> Any:
    """A schema without what only advises; the names of properties are never touched."""
    if not isinstance(schema, dict):
        return schema
    kept: dict[str, Any] = {}
    for key in _KEPT:
        if key == "properties" and key in schema:
            kept[key] = {name: _short(value) for name, value in schema[key].items()}
        elif key == "anyOf" and key in schema:
            kept[key] = [_short(one) for one in schema[key]]
        elif key == "items" and key in schema:
            kept[key] = _short(schema[key])
        elif key in schema:
            kept[key] = schema[key]
    return kept


def signatures(tools: Iterable[Mapping[str, Any]]) -> str:
    """The tools as one line each, ``name(argument: type, optional?: type): what it does``."""
    return "\n".join(_signature(tool["function"]) for tool in tools)


def _signature(function: Mapping[str, Any]) -> str:
    schema = function["parameters"]
    needed = set(schema.get("required", ()))
    fields = [
        f"{name}{'' if name in needed else '?'}: {_type(field)}"
        for name, field in sorted(
            schema.get("properties", {}).items(), key=lambda item: item[0] not in needed
        )
    ]
    first = str(function.get("description", "")).partition(". ")[0].rstrip(".")
    return f"{function['name']}({', '.join(fields)}): {first}"


def _type(schema: Any) -> str:
    if "enum" in schema:
        return "|".join(map(str, schema["enum"]))
    if "anyOf" in schema:
        return "|".join(map(_type, schema["anyOf"]))
    if schema.get("type") == "array":
        return f"[{_type(schema.get('items', {}))}]"
    return {"string": "str", "number": "num", "integer": "int", "boolean": "bool"}.get(
        schema.get("type", ""), "object"
    )
