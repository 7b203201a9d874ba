"""Words of a question that are worth searching by."""

from __future__ import annotations

import re

MAX_TERMS = 12
_WORD = re.compile(r"[a-z0-9]+")
_COMMON = frozenset(
    """a an and are as at be by can do does for from has have i if in is it its me my of on one or
    that the their them these this to was what when where which who will with you your there here
    please following s""".split()  # noqa: SIM905 - a list of words reads best
)


def words_of(text: str) -> list[str]:
    """Lower-case words in order, common ones left out."""
    return [w for w in _WORD.findall(text.lower().replace("_", " ")) if w not in _COMMON]


def search_terms(question: str) -> list[str]:
    """At most `MAX_TERMS` different words, the longer ones first: they are rarer."""
    unique = dict.fromkeys(words_of(question))
    return sorted(unique, key=lambda word: (-len(word), word))[:MAX_TERMS]
