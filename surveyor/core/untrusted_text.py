"""Text from outside, made safe to keep and to show: the one door to logs and terminals.

Providers echo what they were sent, the key included, and a reply may hold terminal escapes.
Whatever becomes an event, a reason or a sentence on the terminal goes through `clean`: secrets are
masked, and control characters are written out (an escape as a backslash and ``x1b``).
"""

from __future__ import annotations

import json
import re
from typing import Any

MASK = "[key]"
_SHORTEST = 8
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]|\r(?!\n)")
_SUSPECT_IN_JSON = ("\\u00", "\\b", "\\f", "\\r", "\x7f")  # plain searches are the cheapest
_C1 = re.compile(r"[\x80-\x9f]")
_secrets: set[str] = set()


def keep_secret(secret: str) -> None:
    """Mask ``secret`` from now on, in this process. Stand-ins for a key that are shorter than 8
    characters ("EMPTY", "x") are no secrets, and are words that texts may hold."""
    if len(secret) >= _SHORTEST:
        _secrets.update((secret, json.dumps(secret)[1:-1]))


def clean(text: str) -> str:
    """``text`` with secrets masked and control characters visible; line ends and tabs stay."""
    for secret in _secrets:
        text = text.replace(secret, MASK)
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def cleaned(value: Any) -> Any:
    """A JSON value with every string in it cleaned, names included."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(name): cleaned(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [cleaned(inner) for inner in value]
    return value


DEEPEST = 64
"""Levels of a JSON value that the log keeps. Records and their readers end at a few hundred."""


def is_shallow(value: Any) -> bool:
    """Whether a JSON value is nested at most `DEEPEST` levels deep."""
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for one in level
            if isinstance(one, dict | list | tuple)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not level:
            return True
    return False


def is_clean_json(line: str) -> bool:
    """Whether JSON text surely needs no cleaning; cheap enough to ask for every event."""
    if any(suspect in line for suspect in _SUSPECT_IN_JSON):
        return False
    if not line.isascii() and _C1.search(line):
        return False
    return not any(json.dumps(secret)[1:-1] in line for secret in _secrets)
