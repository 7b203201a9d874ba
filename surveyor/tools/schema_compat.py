"""Argument schemas in the part of JSON Schema that every provider understands.

pydantic writes tuples as ``prefixItems``, enumerations as ``$ref`` and optional fields as ``anyOf``
with ``null``. OpenAI refuses an array without ``items``, others do not know references, and all of
them cost tokens in every request. What is accepted is decided by the pydantic model and not by
this text, so nothing is lost by saying it in plainer words.
"""

from __future__ import annotations

from typing import Any


def portable(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without references, titles, ``prefixItems`` and ``null`` branches that says as much.

    A tuple becomes an array of its members' types with a fixed length; an optional field says so
    by not being required. Where a foreign schema refers to itself, anything is allowed.
    """
    definitions = {**schema.get("definitions", {}), **schema.get("$defs", {})}
    outer = {key: value for key, value in schema.items() if key not in ("$defs", "definitions")}
    plain: dict[str, Any] = _plain(outer, definitions, ())
    return plain


def _plain(schema: Any, definitions: dict[str, Any], within: tuple[str, ...]) -> Any:
    if not isinstance(schema, dict):
        return schema
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    if name:
        own = {key: value for key, value in schema.items() if key != "$ref"}
        named = definitions.get(name, {}) if name not in within else {}
        return _plain({**named, **own}, definitions, (*within, name))
    made: dict[str, Any] = {}
    for key, value in _without_null(schema).items():
        if key == "properties":
            made[key] = {n: _plain(field, definitions, within) for n, field in value.items()}
        elif key in ("items", "additionalProperties"):
            made[key] = _plain(value, definitions, within)
        elif key in ("anyOf", "oneOf", "allOf"):
            made[key] = [_plain(branch, definitions, within) for branch in value]
        elif key == "prefixItems":
            made["items"] = _plain(_common(value), definitions, within)
        elif key != "title" and (key, value) != ("default", None):
            made[key] = value
    return made if "$ref" not in made else _plain(made, definitions, within)


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with its only branch besides ``null`` taken out of ``anyOf``."""
    branches = [branch for branch in schema.get("anyOf", ()) if branch != {"type": "null"}]
    if "anyOf" not in schema or len(branches) != 1:
        return schema
    return {**branches[0], **{key: value for key, value in schema.items() if key != "anyOf"}}


def _common(members: list[Any]) -> Any:
    """The type of all members of a tuple, or the choice between their types."""
    different = [member for i, member in enumerate(members) if member not in members[:i]]
    return different[0] if len(different) == 1 else {"anyOf": different}
