"""Other wordings of the template questions: some to train on, others held out.

A compact agent reads words that it was trained on; what it makes of others is measured by the
wordings that are held out. The calls and the answer of an episode are those of the template's.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass

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
_QUADRANTS = "front-left, front-right, back-left, or back-right"


def _directions(sides: str) -> tuple[str, ...]:
    """Ways to ask on which of these sides something is, its three objects in several orders."""
    return (
        f"I stand at the {{a}} and look at the {{b}}. Where is the {{c}}, {sides}?",
        f"Imagine standing by the {{a}} while facing the {{b}}: is the {{c}} {sides}?",
        f"From the {{a}}, facing the {{b}}, on which side is the {{c}}: {sides}?",
        f"Is the {{c}} {sides} when I stand by the {{a}} and face the {{b}}?",
        f"Facing the {{b}} while standing by the {{a}}, is the {{c}} {sides}?",
        f"The {{c}}: is it {sides} for someone at the {{a}} who faces the {{b}}?",
    )


ASKED = (
    _asked(
        "count",
        r"How many (?P<a>.+)\(s\) are in this room\?",
        (
            "What is the number of {a}(s) in this room?",
            "How many {a}(s) does this room have?",
            "Count the {a}(s) in this room.",
            "In this room, how many {a}(s) are there?",
            "Tell me how many {a}(s) there are in this room.",
            "How many {a}(s) do you see in the room?",
            "What is the total count of {a}(s) in this room?",
            "Of {a}(s), how many are in this room?",
        ),
    ),
    _asked(
        "distance",
        r"Measuring .+ direct distance between the (?P<a>.+) and the (?P<b>.+) \(in meters\)\?",
        (
            "How far is the {a} from the {b}, in meters?",
            "What is the distance from the {a} to the {b} (in meters)?",
            "How many meters are between the {a} and the {b}?",
            "Measuring between their closest points, how far apart are the {a} and the {b}?",
            "In meters, how far apart are the {a} and the {b}?",
            "How many meters is it from the {a} to the {b}?",
            "Between the {a} and the {b}, what is the shortest distance in meters?",
            "Give the distance of the {a} to the {b}, in meters.",
            "How close is the {a} to the {b}?",
            "What gap is there between the {a} and the {b}?",
        ),
    ),
    _asked(
        "size",
        r"What is the length of the longest dimension .+ of the (?P<a>.+), measured in cent.+",
        (
            "How long is the {a} in its longest dimension, in centimeters?",
            "What does the longest side of the {a} measure, in centimeters?",
            "How many centimeters is the longest dimension of the {a}?",
            "Of length, width and height, what is the longest of the {a}, in centimeters?",
            "What is the maximum dimension of the {a}, in centimeters?",
            "In centimeters, how long is the {a} at most?",
            "How big is the {a}, measured over its longest side?",
            "Give the greatest extent of the {a} in centimeters.",
            "Measured in centimeters, what is the longest side of the {a}?",
        ),
    ),
    _asked(
        "area",
        r"What is the size of this room \(in square meters\)\?.*",
        (
            "How many square meters does this room have?",
            "How large is this room, in square meters?",
            "What is the floor area of this room (in square meters)?",
            "Measured in square meters, how big is the floor?",
            "How big is this room?",
            "What area does the floor of this room cover, in square meters?",
            "How much floor does this room have?",
            "Give the size of the room in square meters.",
        ),
    ),
    _asked(
        "nearest",
        r"Measuring .+ which of these objects \((?P<b>.+)\) is the closest to the (?P<a>.+)\?",
        (
            "Which of {b} is nearest to the {a}?",
            "Which object is closest to the {a}: {b}?",
            "Of these objects ({b}), which is the nearest to the {a}?",
            "What is the {a} closest to: {b}?",
            "Out of {b}, which one is nearest to the {a}?",
            "Which one of {b} has the smallest distance to the {a}?",
            "The {a} is nearest to which of these: {b}?",
            "Which object do you find nearest to the {a}: {b}?",
            "Among these ({b}), what is closest to the {a}?",
            "Of the objects {b}, name the closest to the {a}.",
        ),
    ),
    _asked(
        "easy",
        _STANDING + r"the left or the right of the .+\?",
        (
            "I am standing by the {a} and facing the {b}. Is the {c} to the left or the right?",
            "Standing by the {a} and facing the {b}, is the {c} to my left or to my right?",
            "If I face the {b} from the {a}, is the {c} to the left or the right of the {b}?",
            *_directions("left or right"),
        ),
    ),
    _asked(
        "medium",
        _STANDING + r"my left, right, or back\?",
        (
            "I am standing by the {a} and facing the {b}. Is the {c} to my left, right, or back?",
            "Standing by the {a} and facing the {b}, where is the {c}: left, right, or back?",
            "If I face the {b} from the {a}, is the {c} to my left, right, or back?",
            *_directions("left, right, or back"),
        ),
    ),
    _asked(
        "hard",
        _STANDING + rf"my {_QUADRANTS}\?",
        (
            f"I am standing by the {{a}} and facing the {{b}}. Is the {{c}} to my {_QUADRANTS}?",
            f"Standing by the {{a}} and facing the {{b}}, where is the {{c}}: {_QUADRANTS}?",
            f"If I face the {{b}} from the {{a}}, is the {{c}} to my {_QUADRANTS}?",
            *_directions(_QUADRANTS),
        ),
    ),
)


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
            return f"{wording.format(**found.groupdict())}{newline}{rest}"
    return question


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
        plain = [word[0].lower() in known for word in words]
        free = [k for k in range(len(words)) if all(plain[max(0, k - 1) : k + 2])]
        for k in sorted(dice.sample(free, min(len(free), dice.choice((1, 2)))), reverse=True):
            strange = "".join(dice.choice(part) for part in _SOUNDS)
            question = question[: words[k].start()] + strange + question[words[k].end() :]
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
