"""Words of a text that are worth searching by, reduced to stems."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

MAX_TERMS = 12
POSTINGS = 400
"""Rows that a word search may have to rank; beyond it common words must occur together."""

_WORD = re.compile(r"[a-z0-9]+")
_COMMON = frozenset(
    """a an and are as at be by can do does for from has have i if in is it its me my of on one or
    that the their them these this to was what when where which who will with you your there here
    please following s use""".split()  # noqa: SIM905 - a list of words reads best
)


def words_of(text: str) -> list[str]:
    """Lower-case words in order, common ones left out."""
    return [w for w in _WORD.findall(text.lower().replace("_", " ")) if w not in _COMMON]


def stems_of(text: str) -> list[str]:
    """Words without their commonest endings, in order."""
    return [_stem(word) for word in words_of(text)]


def search_terms(question: str) -> list[str]:
    """At most `MAX_TERMS` different stems, the longer ones first."""
    return sorted(dict.fromkeys(stems_of(question)), key=lambda w: (-len(w), w))[:MAX_TERMS]


def match_expression(
    terms: Sequence[str], rows: Mapping[str, int], total: int, budget: int = POSTINGS
) -> str:
    """An FTS5 query for ``terms``, of which ``rows`` rows of ``total`` contain each.

    Any rare word is enough; of the common ones as many must occur together as keep the number of
    rows to rank near ``budget``. So the cost of a search does not grow with the library.
    """
    known = sorted((t for t in terms if rows.get(t, 0)), key=lambda t: (rows[t], t))
    spent, parts = 0, []
    while known and spent + rows[known[0]] <= budget:
        spent += rows[known[0]]
        parts.append(f'"{known.pop(0)}"')
    together: list[str] = []
    expected = float(total)
    for term in known:
        if expected <= budget:
            break
        expected *= rows[term] / total
        together.append(f'"{term}"')
    if together:
        parts.append(f"({' AND '.join(together)})")
    return " OR ".join(parts)


def _stem(word: str) -> str:
    for ending in ("ing", "ies", "es", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
