"""A server's side of a grammar: random sentences of a GBNF text, and of a JSON schema.

Written apart from what writes grammars, so that a mistake in the one shows in the other. Of GBNF
it knows literals, character classes, groups, alternatives, rules and ``? * + {m,n}``.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from typing import Any

_RULE = re.compile(r"^([a-z][a-z0-9-]*) ::= (.*)$", re.MULTILINE)
_TOKEN = re.compile(
    r'\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<set>\[(?:[^\]\\]|\\.)*\])'
    r"|(?P<many>\{\d+(?:,\d+)?\}|[?*+])|(?P<mark>[()|])|(?P<name>[a-z][a-z0-9-]*))"
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_PLAIN = "abc xyz_0123 äß漢🙂,.:;{}[]<>/'"

Node = tuple[Any, ...]


@dataclass(frozen=True)
class Grammar:
    """Parsed rules."""

    rules: dict[str, Node]

    @classmethod
    def of(cls, text: str) -> Grammar:
        """Parse; `ValueError` for what is no grammar or names a rule that does not exist."""
        rules = {name: _Parser(body).whole() for name, body in _RULE.findall(text)}
        if len(rules) != len(text.strip().splitlines()) or "root" not in rules:
            raise ValueError("some line is no rule, or there is no root")
        for node in rules.values():
            for name in _names(node):
                if name not in rules:
                    raise ValueError(f"there is no rule {name}")
        return cls(rules)

    def sample(self, dice: random.Random) -> str:
        """A random sentence."""
        return "".join(self._draw(self.rules["root"], dice))

    def _draw(self, node: Node, dice: random.Random) -> list[str]:
        match node:
            case ("text", text):
                return [text]
            case ("set", chars):
                return [dice.choice(chars)]
            case ("rule", name):
                return self._draw(self.rules[name], dice)
            case ("any", branches):
                return self._draw(dice.choice(branches), dice)
            case ("all", parts):
                return [piece for part in parts for piece in self._draw(part, dice)]
            case ("many", low, high, part):
                number = low if dice.random() < 0.5 else dice.randint(low, min(high, low + 4))
                return [piece for _ in range(number) for piece in self._draw(part, dice)]
        raise AssertionError(node)


class _Parser:
    def __init__(self, body: str) -> None:
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while body[at:].strip():
            found = _TOKEN.match(body, at)
            if found is None:
                raise ValueError(f"no grammar: {body[at : at + 40]!r}")
            self.tokens.append((str(found.lastgroup), found[str(found.lastgroup)]))
            at = found.end()

    def whole(self) -> Node:
        node = self._alternatives()
        if self.tokens:
            raise ValueError(f"left over: {self.tokens[:3]}")
        return node

    def _alternatives(self) -> Node:
        branches = [self._sequence()]
        while self.tokens and self.tokens[0] == ("mark", "|"):
            self.tokens.pop(0)
            branches.append(self._sequence())
        return ("any", branches) if len(branches) > 1 else branches[0]

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while self.tokens and self.tokens[0] not in (("mark", "|"), ("mark", ")")):
            kind, value = self.tokens.pop(0)
            if kind == "many":
                low, high = _bounds(value)
                parts[-1] = ("many", low, high, parts[-1])
            elif kind == "mark":
                parts.append(self._alternatives())
                if self.tokens.pop(0) != ("mark", ")"):
                    raise ValueError("a bracket is not closed")
            elif kind == "text":
                parts.append(("text", re.sub(r"\\(.)", _unescape, value[1:-1])))
            elif kind == "set":
                parts.append(("set", _members(value[1:-1])))
            else:
                parts.append(("rule", value))
        return ("all", parts)


def _bounds(text: str) -> tuple[int, int]:
    if text in "?*+":
        return {"?": (0, 1), "*": (0, 8), "+": (1, 8)}[text]
    low, _, high = text[1:-1].partition(",")
    return int(low), int(high or low)


def _unescape(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[1], found[1])


def _members(text: str) -> list[str]:
    pattern = re.compile(f"[{text}]")
    pool = [chr(code) for code in range(32, 127)] + list(_PLAIN)
    return [char for char in pool if pattern.fullmatch(char)]


def _names(node: Node) -> list[str]:
    if node[0] == "rule":
        return [node[1]]
    if node[0] in ("any", "all"):
        return [name for part in node[1] for name in _names(part)]
    return _names(node[3]) if node[0] == "many" else []


def sample_schema(schema: Any, dice: random.Random) -> Any:
    """A random value of a JSON schema, as an engine that enforces it would let one be written."""
    if "enum" in schema:
        return dice.choice(schema["enum"])
    if "anyOf" in schema:
        return sample_schema(dice.choice(schema["anyOf"]), dice)
    match schema["type"]:
        case "object":
            needed = set(schema.get("required", ()))
            return {
                name: sample_schema(field, dice)
                for name, field in schema["properties"].items()
                if name in needed or dice.random() < 0.5
            }
        case "array":
            low = schema.get("minItems", 0)
            number = dice.randint(low, min(schema.get("maxItems", low + 3), low + 3))
            return [sample_schema(schema["items"], dice) for _ in range(number)]
        case "string":
            low = schema.get("minLength", 0)
            number = dice.randint(low, min(schema.get("maxLength", 20), low + 20))
            return "".join(dice.choice(_PLAIN) for _ in range(number))
        case "boolean":
            return dice.random() < 0.5
    low = schema.get("minimum", schema.get("exclusiveMinimum", -50))
    high = schema.get("maximum", max(low, 0) + 50)
    if schema["type"] == "integer":
        return dice.randint(low, high)
    value = dice.uniform(low, high)
    return value if value > low or "exclusiveMinimum" not in schema else high
