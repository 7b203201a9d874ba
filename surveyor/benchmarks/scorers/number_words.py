"""Numbers in running text: the first digits, or the first run of English number words."""

from __future__ import annotations

import re
from typing import Final

# fmt: off
_ONES: Final = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven",
    "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)
_TENS: Final = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
# fmt: on

VALUES: Final = {word: value for value, word in enumerate(_ONES)} | {
    word: 10 * tens for tens, word in enumerate(_TENS, start=2)
}
"""Words that add up ("twenty" + "one"); "hundred" and "thousand" multiply instead."""
_MULTIPLIERS: Final = {"hundred": 100, "thousand": 1000}
_DIGITS: Final = re.compile(r"-?\d+(?:\.\d+)?")
_WORD: Final = re.compile(r"[a-z]+")


def first_number(text: str) -> float | None:
    """The number that comes first, in digits or in words; None without one.

    As in lmms-eval since eab6655: no exponents, separators or leading point ("1e1" is 1, ".5" is
    5, "3,2" is 3), a minus before digits is kept, and number words that follow each other add up
    until another word comes ("and" and digits between them are stepped over).
    """
    plain = text.strip().lower()
    digits = _DIGITS.search(plain)
    start, words = _first_run(plain)
    if digits is not None and (start is None or digits.start() < start):
        return float(digits.group())
    return None if start is None else float(value_of(words))


def _first_run(plain: str) -> tuple[int | None, list[str]]:
    """Where the first run of number words starts, and its words."""
    start: int | None = None
    run: list[str] = []
    for match in _WORD.finditer(plain):
        word = match.group()
        if word in VALUES or word in _MULTIPLIERS:
            start = match.start() if start is None else start
            run.append(word)
        elif start is not None and word != "and":
            break
    return start, run


def value_of(words: list[str]) -> int:
    """The value of a run of number words: ["three", "hundred", "twenty", "one"] is 321."""
    total = current = 0
    for word in words:
        if word == "thousand":
            total += max(current, 1) * 1000
            current = 0
        elif word == "hundred":
            current = max(current, 1) * 100
        else:
            current += VALUES[word]
    return total + current
