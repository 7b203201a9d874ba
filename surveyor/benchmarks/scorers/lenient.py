"""A lenient reader of final answers, ours, to be reported beside the official parsers.

It answers "did the model know it?" where the official parsers also ask "did it obey the
format?". It reads only what the model states as its answer: an ``<answer>`` block, a boxed or
announced answer, or a reply that holds one candidate alone. Two candidates are no answer.
"""

from __future__ import annotations

import re
from typing import Final

from surveyor.benchmarks.scorers.number_words import first_number

_THINKING: Final = re.compile(r"<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL | re.I)
_ANSWER_BLOCK: Final = re.compile(r"<answer>(.*?)(?:</answer>|\Z)", re.DOTALL | re.I)
_BOXED: Final = re.compile(r"\\boxed\{(?:\\text\{)?([^{}]*)\}?\}")
_ANNOUNCED: Final = re.compile(
    r"\b(?:final answer|correct (?:answer|option|choice)|answer)\b\W*(?:is|are|would be|:)\W*",
    re.I,
)
_WHOLE_LETTER: Final = re.compile(r"\W*(?:option\s+|choice\s+)?\W*([A-Z])\W*", re.I)
_LEADING_LETTER: Final = re.compile(r"\W*(?:option\s+|choice\s+)?\(?([A-Z])(?:[.):,\n]|\*\*)", re.I)
_LONE_LETTER: Final = re.compile(r"(?<![A-Za-z'’])([A-Z])(?![A-Za-z'’])")
_THOUSANDS: Final = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_NUMBER: Final = re.compile(r"-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def final_part(text: str) -> str:
    """The part of a reply that states the answer: thinking removed, the last marked answer."""
    visible = _THINKING.sub(" ", text)
    for pattern in (_ANSWER_BLOCK, _BOXED):
        blocks = pattern.findall(visible)
        if blocks:
            return str(blocks[-1]).strip()
    announced = list(_ANNOUNCED.finditer(visible))
    if announced and visible[announced[-1].end() :].strip():
        return visible[announced[-1].end() :].strip()
    return visible.strip()


def find_choice(text: str, options: tuple[str, ...] = ()) -> str | None:
    """The letter that a reply settles on, or None. ``options`` are texts without letters."""
    valid = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[: len(options) or 26]
    part = final_part(text)
    whole = _WHOLE_LETTER.fullmatch(part) or _LEADING_LETTER.match(part)
    if whole is not None and whole.group(1).upper() in valid:
        return whole.group(1).upper()
    named = _options_named(part, options)
    if len(named) == 1:
        return named.pop()
    lone = {letter for letter in _LONE_LETTER.findall(part) if letter in valid}
    # "A" opens many sentences and "I" is a pronoun: alone among words neither is an answer.
    lone -= {"I"} if len(lone) > 1 or len(options) < 9 else set()
    if lone == {"A"} and re.match(r"\W*A\s+[a-z]", part):
        return None
    return lone.pop() if len(lone) == 1 else None


def _options_named(part: str, options: tuple[str, ...]) -> set[str]:
    """Letters of the options whose text the reply names, longest texts first.

    A text that only occurs inside a longer named option ("left" in "front-left") is not named.
    """
    rest = " ".join(part.lower().split())
    named: set[str] = set()
    for index in sorted(range(len(options)), key=lambda i: -len(options[i])):
        wanted = " ".join(options[index].lower().split()).strip(" .")
        pattern = rf"(?<!\w){re.escape(wanted)}(?!\w)"
        if wanted and re.search(pattern, rest):
            named.add(chr(ord("A") + index))
            rest = re.sub(pattern, " ", rest)
    return named


def find_number(text: str) -> float | None:
    """The number a reply settles on: digits (1,200 or 1.2e3) before words; None without one."""
    part = _THOUSANDS.sub("", final_part(text))
    match = _NUMBER.search(part)
    if match is None:
        return first_number(part)
    words_first = first_number(part[: match.start()])
    return float(match.group()) if words_first is None else words_first
