"""Reading JSON that models almost write. Strict first, then only where there is one reading.

Every liberty taken is named, and names of tools and arguments are never guessed.
"""

from __future__ import annotations

import ast
import json
import re
from typing import Any

import orjson

DECODER = json.JSONDecoder()
_FENCE = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.DOTALL)
_LONGEST_PYTHON = 20_000
_SURPLUS = " \n\t}]\"'`"


def json_value(content: str, repairs: list[str]) -> Any:
    """The JSON value in a text, or ``None``; each liberty taken is added to ``repairs``."""
    fenced = _FENCE.fullmatch(content.strip())
    if fenced:
        content = fenced[1]
        repairs.append("took a call out of a code fence")
    for attempt, repair in (
        (strictly, ""),
        (_with_line_breaks, "read raw line breaks inside a string"),
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


def arguments_text(written: str, *, untouched: bool = False) -> tuple[str, tuple[str, ...]]:
    """A call's arguments as the JSON text of an object, and the repairs that this took.

    What is sound, and what can't be read in one way, stays as it was written; so does what is to
    stay ``untouched``: what was cut off at a length limit is never completed.
    """
    if not written or untouched or is_object(written):
        return written, ()
    value = strictly(written)
    if isinstance(value, dict):  # of numbers that JSON does not know
        return written, ()
    if written.strip() in ("null", "None"):
        return "{}", ("read null arguments as an empty object",)
    repairs: list[str] = []
    value = json_value(written, repairs) if value is None else value
    for _ in range(2):
        if isinstance(value, str):
            repairs.append("read arguments out of a string")
            value = json_value(value, repairs)
    return (json.dumps(value), tuple(repairs)) if isinstance(value, dict) else (written, ())


def is_object(text: str) -> bool:
    """Whether a text is a JSON object, as servers read it."""
    try:
        return isinstance(orjson.loads(text), dict)
    except orjson.JSONDecodeError:
        return False


def strictly(content: str) -> Any:
    """The value of a JSON text; ``None`` when it isn't one."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _with_line_breaks(content: str) -> Any:
    try:
        return json.loads(content, strict=False)
    except (ValueError, RecursionError):
        return None


def _with_surplus(content: str) -> Any:
    try:
        value, end = DECODER.raw_decode(content.lstrip())
    except (ValueError, RecursionError):
        return None
    return value if not content.lstrip()[end:].strip(_SURPLUS) else None


def _with_braces(content: str) -> Any:
    return next((v for n in (1, 2) if (v := strictly(content + "}" * n)) is not None), None)


def _as_python(content: str) -> Any:
    """Single quotes, True, None: a literal that is no JSON. Sets and the like are refused."""
    if len(content) > _LONGEST_PYTHON:
        return None
    try:
        return json.loads(json.dumps(ast.literal_eval(content.strip())))
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
