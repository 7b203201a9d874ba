"""Other wordings of the template questions: some to train on, others held out.

A compact agent reads words that it was trained on; what it makes of others is measured by the
wordings that are held out. The calls and the answer of an episode are those of the template's.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from surveyor.training.compact import grammar
from surveyor.training.compact.lexicon import read_as
from surveyor.training.rows.records import Chat, text_of

_LINE = re.compile(r"^Question: (.*)$", re.MULTILINE)
_WORD = re.compile(r"[A-Za-z][A-Za-z'-]*")
_SOUNDS = ("bdfgklmprstvz", "aeiou", "bdfgklmprstvz", "aeiou", "bdfgklmprstvz")


@dataclass(frozen=True, slots=True)
class Reworded:
    """The first line of a template's question, and what else may be said for it."""

    kind: str
    pattern: re.Pattern[str]
    wordings: tuple[str, ...]


def _asked(kind: str, pattern: str, wordings: tuple[str, ...]) -> Reworded:
    return Reworded(kind, re.compile(pattern), wordings)


_STANDING = r"If I am standing by the (?P<a>.+) and facing the (?P<b>.+), is the (?P<c>.+) to "
_QUADRANTS = r"front-left, front-right, back-left, or back-right"
ASKED = (
    _asked("count", r"How many (?P<a>.+)\(s\) are in this room\?", grammar.COUNT),
    _asked(
        "distance",
        r"Measuring .+ direct distance between the (?P<a>.+) and the (?P<b>.+) \(in meters\)\?",
        grammar.DISTANCE,
    ),
    _asked(
        "size",
        r"What is the length of the longest dimension .+ of the (?P<a>.+), measured in cent.+",
        grammar.SIZE,
    ),
    _asked("area", r"What is the size of this room \(in square meters\)\?.*", grammar.AREA),
    _asked(
        "nearest",
        r"Measuring .+ which of these objects \((?P<b>.+)\) is the closest to the (?P<a>.+)\?",
        grammar.NEAREST,
    ),
    _asked(
        "easy",
        _STANDING + r"the left or the right of the .+\?",
        grammar.directions(("left", "right")),
    ),
    _asked(
        "medium",
        _STANDING + r"my left, right, or back\?",
        grammar.directions(("left", "right", "[back|behind]")),
    ),
    _asked(
        "hard",
        _STANDING + rf"my {_QUADRANTS}\?",
        grammar.directions(
            ("front[-|-| ]left", "front[-|-| ]right", "back[-|-| ]left", "back[-|-| ]right")
        ),
    ),
)
_CHOICE = re.compile(r"[\[\]|]")
_Part: TypeAlias = "str | tuple[tuple[_Part, ...], ...]"
_FILLERS = ("just", "now", "then", "really", "oh", "actually", "there", "{y}")


@lru_cache(maxsize=512)
def _parts(pattern: str) -> tuple[_Part, ...]:
    """A pattern as texts and choices, each choice a tuple of alternatives."""
    stack: list[list[list[_Part]]] = [[[]]]
    at = 0
    for mark in _CHOICE.finditer(pattern):
        stack[-1][-1].append(pattern[at : mark.start()])
        at = mark.end()
        if mark[0] == "[":
            stack.append([[]])
        elif mark[0] == "|":
            stack[-1].append([])
        else:
            choice = tuple(tuple(one) for one in stack.pop())
            stack[-1][-1].append(choice)
    stack[-1][-1].append(pattern[at:])
    return tuple(stack[0][0])


def _drawn(pattern: str, dice: random.Random) -> str:
    """One text of a pattern."""
    return "".join(
        part if isinstance(part, str) else _joined(dice.choice(part), dice)
        for part in _parts(pattern)
    )


def _joined(parts: Sequence[_Part], dice: random.Random) -> str:
    return "".join(
        part if isinstance(part, str) else _joined(dice.choice(part), dice) for part in parts
    )


def said(pattern: str, dice: random.Random) -> str:
    """One text of a pattern: of every ``[a|b|c]``, one. Thousands for every kind of question."""
    text = re.sub(r"\s+([,.:;?)])", r"\1", re.sub(r"\s+", " ", _drawn(pattern, dice)))
    text = re.sub(r"([,;:?.])[,;:]+", r"\1", text).strip(" ,:;")
    return f"{text[:1].upper()}{text[1:]}"


def _carelessly(text: str, dice: random.Random) -> str:
    """The same without its articles, or with words in it that say nothing."""
    if dice.random() < 0.2:
        text = re.sub(r"(?i)\bthe ", "", text)
    if dice.random() < 0.3:
        words = text.split(" ")
        free = [k for k in range(1, len(words)) if "{" not in words[k - 1] + words[k]]
        for k in sorted(dice.sample(free, min(len(free), dice.choice((1, 2, 3)))), reverse=True):
            words.insert(k, dice.choice(_FILLERS))
        text = " ".join(words)
    return text


def reworded(
    question: str, dice: random.Random, among: Mapping[str, Sequence[str]] | None = None
) -> str:
    """A template's question in other words; any other question as it is.

    ``among`` are held-out wordings by kind (`surveyor.training.compact.held_out`) to take instead
    of those that are trained on. The lines after the first stay: they explain terms and options.
    """
    line, newline, rest = question.partition("\n")
    for asked in ASKED:
        found = asked.pattern.fullmatch(line.strip())
        if found is not None:
            wording = dice.choice(asked.wordings if among is None else among[asked.kind])
            if among is None:
                wording = said(f"{grammar.BEFORE}{wording}{grammar.AFTER}[?|?|.|]", dice)
                wording = _carelessly(wording, dice)
            strange = {slot: made_up(dice) for slot in "xyz"}
            wording = wording.format(**found.groupdict(), **strange)
            return f"{wording}{newline}{rest}"
    return question


def made_up(dice: random.Random) -> str:
    """A word that means nothing."""
    return "".join(dice.choice(part) for part in _SOUNDS)


def in_other_words(messages: tuple[Chat, ...], dice: random.Random) -> tuple[Chat, ...]:
    """A conversation whose question is asked in other words; the rest is the same."""
    return _asked_as(messages, lambda question: reworded(question, dice))


def with_strange_words(
    messages: tuple[Chat, ...], known: Set[str], dice: random.Random
) -> tuple[Chat, ...]:
    """A conversation in whose question one or two template words are made up.

    A word that an agent doesn't know looks to it like a name; so it learns that not all names are
    things. ``known`` are the template words in lower case; those beside a name stay, because what
    stands beside a name would be taken for a part of it.
    """

    def told(question: str) -> str:
        words = list(_WORD.finditer(question))
        plain = [word[0].lower() in known or read_as(word[0]) is not None for word in words]
        free = [k for k in range(len(words)) if all(plain[max(0, k - 1) : k + 2])]
        for k in sorted(dice.sample(free, min(len(free), dice.choice((1, 2)))), reverse=True):
            question = question[: words[k].start()] + made_up(dice) + question[words[k].end() :]
        return question

    return _asked_as(messages, told)


def _asked_as(messages: tuple[Chat, ...], change: Callable[[str], str]) -> tuple[Chat, ...]:
    told = []
    for message in messages:
        text = text_of(message)
        found = _LINE.search(text) if message.get("role") == "user" else None
        if found is not None:
            other = change(found[1])
            text = f"{text[: found.start(1)]}{other}{text[found.end(1) :]}"
            message = {**message, "content": text}
        told.append(message)
    return tuple(told)
