"""The front matter of a ``SKILL.md``: the small part of YAML that Agent Skills files use.

Keys with string values, one level of string maps, quoted strings, and folded or literal blocks.
Every value is a string: no dates, no booleans, no `1.0` that loses its zero, no anchors, no tags.
What lies outside is refused with its line number instead of being guessed at. (A full YAML
library would read more and mean less: ``name: no`` is a boolean there.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from surveyor.core.errors import UserError

Value = str | dict[str, str]

_KEY = re.compile(r"^([A-Za-z][A-Za-z0-9_.-]*):(?:[ \t]+(.*))?$")
_PLAIN = re.compile(r"^[A-Za-z0-9(][A-Za-z0-9_ ,.;/()'+<>=%*-]*$")
_AMBIGUOUS = re.compile(r"^(true|false|yes|no|on|off|null|y|n|[-+.\d][\d_.e+-]*)$", re.IGNORECASE)
_DATE = re.compile(r"^\d{4}-\d")
_FENCE = "---"


def split(text: str, source: str) -> tuple[dict[str, Value], str]:
    """Front matter and body of a document.

    Raises `UserError` naming ``source`` and the line that is not understood.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    if lines[0].strip() != _FENCE:
        raise UserError(f"{source}:1 must start with a line of three dashes (front matter)")
    for number, line in enumerate(lines[1:], start=1):
        if line.rstrip() == _FENCE:
            body = "\n".join(lines[number + 1 :])
            return _Reader(lines[1:number], source).read(), body.lstrip("\n")
    raise UserError(f"{source} has no second line of three dashes: its front matter never ends")


def write(fields: Mapping[str, Value]) -> str:
    """Front matter with its fences; reading it back gives ``fields``."""
    lines = [_FENCE]
    for key, value in fields.items():
        if isinstance(value, str):
            lines.append(f"{key}: {_scalar(value)}")
        elif value:
            lines.append(f"{key}:")
            lines.extend(f"  {name}: {_scalar(text)}" for name, text in value.items())
    return "\n".join([*lines, _FENCE, ""])


def _scalar(text: str) -> str:
    safe = _PLAIN.fullmatch(text) and not text.endswith((" ", ":"))
    if safe and not _AMBIGUOUS.match(text) and not _DATE.match(text) and ": " not in text:
        return text
    # Escapes that JSON and YAML share; beyond 16 bits they differ, and YAML takes the character.
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(character: str) -> str:
    if character in '"\\':
        return "\\" + character
    if character.isprintable() or ord(character) > 0xFFFF:
        return character
    return f"\\u{ord(character):04x}"


class _Reader:
    """A line-by-line reader; ``offset`` of line numbers counts the opening fence."""

    def __init__(self, lines: list[str], source: str) -> None:
        self.lines = lines
        self.source = source
        self.at = 0

    def read(self) -> dict[str, Value]:
        fields: dict[str, Value] = {}
        while (line := self._next()) is not None:
            key, rest = self._key(line, indent=0)
            if key in fields:
                raise self._error(f"repeats the key {key}")
            fields[key] = self._map() if rest == "" else self._value(rest, indent=0)
        return fields

    def _next(self) -> str | None:
        while self.at < len(self.lines):
            line = self.lines[self.at]
            self.at += 1
            if line.strip() and not line.lstrip().startswith("#"):
                return line
        return None

    def _key(self, line: str, indent: int) -> tuple[str, str]:
        match = _KEY.match(line[indent:].rstrip())
        if line[:indent].strip() or not match:
            raise self._error("is not `key: text`")
        return match.group(1), (match.group(2) or "").strip()

    def _map(self) -> Value:
        found: dict[str, str] = {}
        while (line := self._next()) is not None:
            indent = len(line) - len(line.lstrip(" "))
            if indent == 0:
                self.at -= 1
                break
            key, rest = self._key(line, indent)
            if rest == "":
                raise self._error("nests deeper than metadata may")
            if key in found:
                raise self._error(f"repeats the key {key}")
            found[key] = self._value(rest, indent)
        return found

    def _value(self, rest: str, indent: int) -> str:
        if rest[0] in "|>":
            return self._block(rest, indent)
        if rest[0] == '"':
            return self._quoted(rest)
        if rest[0] == "'":
            if len(rest) < 2 or rest[-1] != "'" or "'" in rest[1:-1].replace("''", ""):
                raise self._error("has an unfinished quoted text")
            return rest[1:-1].replace("''", "'")
        if rest[0] in "[]{}&*!%@`" or ": " in rest:
            raise self._error("needs quotes around its text")
        return rest.split(" #", 1)[0].rstrip()

    def _quoted(self, rest: str) -> str:
        try:
            text = json.loads(rest)
        except ValueError:
            raise self._error("has an unfinished or unusual quoted text") from None
        if not isinstance(text, str):
            raise self._error("has a quoted value that is no text")
        return text

    def _block(self, head: str, indent: int) -> str:
        if head not in {"|", "|-", ">", ">-"}:
            raise self._error("uses a block style that is not read here")
        taken: list[str] = []
        while self.at < len(self.lines):
            line = self.lines[self.at]
            if line.strip() and len(line) - len(line.lstrip(" ")) <= indent:
                break
            taken.append(line.strip())
            self.at += 1
        while taken and not taken[-1]:
            taken.pop()
        text = "\n".join(taken) if head[0] == "|" else " ".join(filter(None, taken))
        return text if head.endswith("-") or not text else text + "\n"

    def _error(self, what: str) -> UserError:
        return UserError(f"{self.source}:{self.at + 1} {what}")
