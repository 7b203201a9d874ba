"""Truths of three values as slacks: ``inf`` holds, ``-inf`` does not, 0 is within the margin."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from surveyor.agent.program.relations import BoxedThing
from surveyor.agent.program.values import ThingSet

COLORS = frozenset(
    [
        "red",
        "green",
        "blue",
        "yellow",
        "orange",
        "brown",
        "black",
        "white",
        "gray",
        "grey",
        "purple",
        "pink",
        "beige",
    ]
)
"""Words that are no category: nothing is of that kind because nobody measured colours."""


def belongs(handle: str, members: ThingSet) -> float:
    """``inf``: a member, ``-inf``: none, 0: on the margin."""
    if handle in members.sure:
        return math.inf
    return 0.0 if handle in members.maybe else -math.inf


def has_value(thing: BoxedThing, name: str, value: str) -> float:
    """Whether an attribute has a value; 0 where it was not measured."""
    known = {plain(key): plain(told) for key, told in thing.attributes.items()}
    return certain(known[plain(name)] == plain(value)) if plain(name) in known else 0.0


def certain(truth: bool) -> float:
    """A plain truth as a slack."""
    return math.inf if truth else -math.inf


def plain(name: str) -> str:
    """A name without case, underscores and doubled spaces."""
    return " ".join(name.replace("_", " ").casefold().split())


def turned(angle: float, by: float) -> float:
    """An angle turned further, within -pi..pi."""
    return math.remainder(angle + by, math.tau)


def listed(handles: Sequence[str]) -> str:
    """Handles in words, the first six of many."""
    shown = ", ".join(handles[:6])
    return shown if len(handles) <= 6 else f"{shown} and {len(handles) - 6} more"


def flattened(values: Sequence[object]) -> Iterator[object]:
    """Values without the lists that hold them."""
    for one in values:
        if isinstance(one, list):
            yield from flattened(one)
        else:
            yield one


def rounded(metres: float) -> float:
    """Metres to a tenth of a millimetre."""
    return round(float(metres), 4)
