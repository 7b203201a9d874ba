"""A strict exact match of ours that cannot be gamed by short, empty or listing replies.

Answers become lists of whole words: case and punctuation off, articles dropped, number words as
digits, "2.0" as "2". EM is equality of those lists with a reference's. Refined EM also accepts
when one side's words stand together inside the other's, in order, and are at least half of its
content words: "it is brown" for "brown" holds, "one two three four five" for "two" does not.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from surveyor.benchmarks.scorers.number_words import VALUES

_TOKEN: Final = re.compile(r"(?:(?<!\w)-)?\d+(?:\.\d+)?|[^\W\d_]+(?:['’][^\W\d_]+)?")
_ARTICLES: Final = frozenset({"a", "an", "the"})
_FUNCTION_WORDS: Final = frozenset(
    {
        *("is", "are", "it", "it's", "there", "they", "this", "that", "these", "i", "my", "your"),
        *("on", "in", "at", "to", "of", "by", "from", "with", "and", "as", "side"),
    }
)


def words_of(answer: str) -> tuple[str, ...]:
    """The comparable words of an answer; () when it says nothing."""
    tokens = (token.replace("’", "'") for token in _TOKEN.findall(answer.casefold()))
    return tuple(_canonical(token) for token in tokens if token not in _ARTICLES)


def _canonical(token: str) -> str:
    if token in VALUES:
        return str(VALUES[token])
    if "." in token:
        return token.rstrip("0").rstrip(".")
    return token


def strict_match(prediction: str, references: Sequence[str]) -> tuple[bool, bool]:
    """EM and refined EM; a reply without words only matches a reference that it equals."""
    said = words_of(prediction)
    if not said:
        same = bool(prediction.strip()) and prediction.strip() in [r.strip() for r in references]
        return same, same
    wanted = [words_of(reference) for reference in references]
    exact = said in wanted
    return exact, exact or any(_carries(said, words) for words in wanted if words)


def _carries(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Does the longer side hold the shorter as a run of words that is half of what it says?"""
    short, long = sorted((first, second), key=len)
    runs = (long[at : at + len(short)] for at in range(len(long) - len(short) + 1))
    if short not in runs:
        return False
    content = [word for word in long if word not in _FUNCTION_WORDS]
    shared = [word for word in short if word not in _FUNCTION_WORDS]
    return bool(shared) and 2 * len(shared) >= len(content)
