"""A JSON schema as a GBNF grammar, the form that llama.cpp decodes under.

Only what `surveyor.agent.chat.turn_schema` writes is understood. Objects are written with what is
required first, in the schema's order; strings hold no control characters and no ``\\u`` escapes, so
that what comes is always well-formed text.
"""

from __future__ import annotations

import json
from math import ceil, floor
from typing import Any

_BASE = r"""char ::= [^"\\\x00-\x1F\x7F] | "\\" ["\\/bfnrt]
gap ::= " "?
digits ::= [0-9]{1,12}
count ::= "0" | [1-9] [0-9]{0,11}
fraction ::= "." [0-9]{1,6}
number ::= "-"? count fraction?
integer ::= "-"? count
boolean ::= "true" | "false"
"""
_MOST_VALUES = 1024
_LONG = 200
"""Characters of a string that no schema bounds: handles, names, phrases."""
_MOST_REPEATS = 1900
"""llama.cpp refuses a grammar that repeats 2,000 times or more, what is nested multiplied: what is
repeated is therefore a rule of its own, never a group that repeats itself."""


def gbnf(schema: Any) -> str:
    """The grammar whose sentences are the schema's values as JSON; its root rule is ``root``."""
    writer = _Writer()
    root = writer.expression(schema)
    rules = "".join(f"{name} ::= {text}\n" for name, text in writer.rules.items())
    return f"root ::= {root}\n{rules}{_BASE}"


class _Writer:
    """Collects rules; equal schemas share one."""

    def __init__(self) -> None:
        self.rules: dict[str, str] = {}
        self._known: dict[str, str] = {}

    def expression(self, schema: Any) -> str:
        """What to write where a value of the schema is wanted."""
        if "enum" in schema:
            return "(" + " | ".join(_literal(json.dumps(one)) for one in schema["enum"]) + ")"
        if "anyOf" in schema:
            return self._rule("one", schema, self._one)
        match schema.get("type"):
            case "object":
                return self._rule("object", schema, self._object)
            case "array":
                return self._rule("array", schema, self._array)
            case "string":
                return self._rule("string", schema, _string)
            case "boolean":
                return "boolean"
            case "integer" | "number":
                return self._number(schema)
        raise ValueError(f"no grammar is known for {json.dumps(schema)[:80]}")

    def _rule(self, kind: str, schema: Any, write: Any) -> str:
        key = json.dumps(schema)
        if key not in self._known:
            name = f"{kind}-{len(self._known) + 1}"
            self._known[key] = name
            self.rules[name] = ""  # keeps the order of first use
            self.rules[name] = write(schema)
        return self._known[key]

    def _one(self, schema: Any) -> str:
        return " | ".join(self.expression(one) for one in schema["anyOf"])

    def _object(self, schema: Any) -> str:
        fields = {
            name: f"{_literal(json.dumps(name) + ':')} gap {self.expression(field)}"
            for name, field in schema.get("properties", {}).items()
        }
        needed = [fields.pop(name) for name in schema.get("required", ()) if name in fields]
        others = list(fields.values())
        if needed:
            inner = ' "," gap '.join(needed) + "".join(f' ("," gap {one})?' for one in others)
            return f'"{{" {inner} "}}"'
        if not others:
            return '"{" "}"'
        tails = [
            " ".join((first, *(f'("," gap {one})?' for one in others[k + 1 :])))
            for k, first in enumerate(others)
        ]
        return '"{" (' + " | ".join(tails) + ')? "}"'

    def _array(self, schema: Any) -> str:
        item = self.expression(schema.get("items", {"type": "string"}))
        low, high = schema.get("minItems", 0), schema.get("maxItems", 64)
        if high < 1:
            return '"[" "]"'
        whole = f'{item} ("," gap {item}){{{max(low - 1, 0)},{high - 1}}}'
        return f'"[" {whole} "]"' if low else f'"[" ({whole})? "]"'

    def _number(self, schema: Any) -> str:
        whole = schema["type"] == "integer"
        low, high = schema.get("minimum"), schema.get("maximum")
        above, below = schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")
        if above is not None or below is not None:
            return self._open(schema, whole)
        if low is None and high is None:
            return "integer" if whole else "number"
        if low in (0, 1) and high is None:
            start = "count" if low == 0 else "[1-9] [0-9]{0,11}"
            return start if whole else f"({start} fraction?)"
        if low is None or high is None or high - low > _MOST_VALUES:
            raise ValueError(f"no grammar is known for the bounds of {json.dumps(schema)}")
        return _between(ceil(low), floor(high), whole)

    def _open(self, schema: Any, whole: bool) -> str:
        """A number above 0, up to a bound if there is one."""
        high = schema.get("maximum")
        if schema.get("exclusiveMinimum") != 0 or whole or "exclusiveMaximum" in schema:
            raise ValueError(f"no grammar is known for the bounds of {json.dumps(schema)}")
        small = '"0." [0-9]{0,5} [1-9]'
        if high is None:
            return f"({small} | [1-9] [0-9]{{0,11}} fraction?)"
        return f"({small} | {_between(1, floor(high), False)})"


def _string(schema: Any) -> str:
    low, high = schema.get("minLength", 0), schema.get("maxLength", _LONG)
    return f'"\\"" char{{{low},{min(high, _MOST_REPEATS)}}} "\\""'


def _between(low: int, high: int, whole: bool) -> str:
    """Integers of a closed range, or decimals between its ends."""
    ends = " | ".join(f'"{value}"' for value in range(low, high + 1))
    if whole:
        return f"({ends})"
    # A fraction moves a value away from zero: only whole parts that stay inside may have one.
    parts = [f'"{value}"' for value in range(max(low, 0), high)]
    parts += [f'"-{value}"' for value in range(max(-high, 0), -low)]
    return f"({ends} | ({' | '.join(parts)}) fraction)" if parts else f"({ends})"


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
