"""The object names that a question asks about, read lightly for a scene profile.

The `program` planner has a real parser; a card only needs names to search by, must never fail,
and serves planners that have no parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"how many (?P<a>[a-z ]+?)\s?\(s\)",
        r"distance between the (?P<a>[a-z ]+?) and the (?P<b>[a-z ]+?)(?: \(|\?|$)",
        r"dimension .*? of the (?P<a>[a-z ]+?),",
        r"which of these objects \((?P<list>[a-z, ]+)\) is the closest to the (?P<a>[a-z ]+?)\?",
        r"standing by the (?P<a>[a-z ]+?) and facing the (?P<b>[a-z ]+?), is the (?P<c>[a-z ]+?)"
        r" to ",
        r"following categories in the video: (?P<list>[a-z, ]+)\?",
        r"beginning at the (?P<a>[a-z ]+?) (?:and )?facing the (?P<b>[a-z ]+?)\.",
        r"how many (?P<a>[a-z ]+?)s? (?:are|is|can)\b",
    )
)
_MENTION = re.compile(r"\bthe ([a-z]+)\b", re.IGNORECASE)
_NOT_OBJECTS = frozenset(
    """length longest dimension size closest room video camera scene distance direct left right
    back front first image picture photo origin quadrants positive final following same other one
    number area combined space height width""".split()  # noqa: SIM905 - a list of words reads best
)


def operands_of(question: str) -> tuple[str, ...]:
    """Asked object names in order of mention, lower case, without repeats."""
    for pattern in _PATTERNS:
        match = pattern.search(question)
        if match:
            groups = match.groupdict()
            listed = groups.pop("list", None)
            names = [name for name in groups.values() if name]
            if listed:
                names.extend(listed.split(","))
            return _unique(names)
    return _unique(word for word in _MENTION.findall(question) if word.lower() not in _NOT_OBJECTS)


def _unique(names: Iterable[str]) -> tuple[str, ...]:
    seen: dict[str, None] = {}
    for name in names:
        seen.setdefault(name.strip().lower(), None)
    return tuple(name for name in seen if name)
