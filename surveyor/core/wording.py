"""What a record found wrong with its input, in plain words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel, ValidationError

_MESSAGES: Mapping[str, str] = {
    "missing": "is missing",
    "extra_forbidden": "is no setting",
    "json_invalid": "is not JSON",
}
_BOUNDS: Mapping[str, tuple[str, str]] = {
    "greater_than_equal": ("at least", "ge"),
    "greater_than": ("more than", "gt"),
    "less_than_equal": ("at most", "le"),
    "less_than": ("less than", "lt"),
}
_KINDS: Mapping[str, str] = {
    "string_type": "text",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "a table of names and values",
    "model_type": "a table of names and values",
    "model_attributes_type": "a table of names and values",
    "tuple_type": "a list",
    "list_type": "a list",
}
_LONGEST = 60


def first_problem(error: ValidationError, model: type[BaseModel] | None = None) -> str:
    """One sentence about the first thing that is wrong: where, what, and what was meant.

    With the ``model`` that refused, a name that it does not know is compared with its fields.
    """
    detail = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in detail["loc"])
    told = _told(detail, model)
    return f"{where}: {told}" if where else told


def plain(detail: Mapping[str, Any], names: Iterable[str] = ()) -> str:
    """What one complaint of pydantic says, without where; ``names`` are the fields there are."""
    if detail["type"] == "extra_forbidden":
        return f"is no field of it{closest(str(detail['loc'][-1]), names)}"
    return _told(detail, None)


def closest(name: str, known: Iterable[str]) -> str:
    """``; did you mean 'epochs'?`` where one of the known names is close, else nothing."""
    found = get_close_matches(name, list(known), n=1)
    return f"; did you mean {found[0]!r}?" if found else ""


def many(count: int, noun: str) -> str:
    """``1 room``, ``2 rooms``: a number of things whose name takes an s."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _told(detail: Mapping[str, Any], model: type[BaseModel] | None) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "extra_forbidden":
        known = _fields(model, detail["loc"][:-1])
        hint = closest(str(detail["loc"][-1]), known)
        return _MESSAGES[kind] + (hint or (f"; there are: {', '.join(known)}" if known else ""))
    if kind in _MESSAGES:
        return _MESSAGES[kind]
    if kind == "value_error":
        return str(context["error"])
    given = _shown(detail["input"])
    if kind in _BOUNDS:
        words, bound = _BOUNDS[kind]
        return f"must be {words} {context[bound]}, not {given}"
    if kind in ("enum", "literal_error"):
        return f"must be one of {context['expected']}, not {given}"
    if kind in _KINDS:
        return f"must be {_KINDS[kind]}, not {given}"
    return f"{detail['msg'][:1].lower()}{detail['msg'][1:]}, given {given}"


def _fields(model: type[BaseModel] | None, path: Iterable[object]) -> list[str]:
    """The names that the record at ``path`` below ``model`` knows; none where it is no record."""
    for part in path:
        field = model.model_fields.get(str(part)) if model else None
        model = next(iter(_records(field.annotation)), None) if field else None
    return list(model.model_fields) if model else []


def _records(annotation: Any) -> Iterable[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in getattr(annotation, "__args__", ()):
        yield from _records(part)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
