"""From a benchmark's question to a program, by the benchmark's own templates.

Templates are those of VSI-Bench (Yang et al., CVPR 2025, appendix B); the instructions that a
prompt profile puts around a question do not matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache

from surveyor.agent.program.language import (
    AppearanceOrder,
    Count,
    Direction,
    Distance,
    Filter,
    Find,
    FloorArea,
    Near,
    Nearest,
    Program,
    Quality,
    Route,
    Size,
    Unique,
)
from surveyor.tools.geometry.bearings import Sectors

Names = Mapping[str, str]


def parse(question: str) -> Program | None:
    """The program behind a question, or ``None`` when no template fits."""
    text = " ".join(question.split())
    for pattern, build in _templates():
        found = pattern.search(text)
        if found is not None:
            return build({key: _clean(value) for key, value in found.groupdict().items()})
    return None


@cache
def _templates() -> tuple[tuple[re.Pattern[str], Callable[[Names], Program]], ...]:
    """Patterns are compiled on first use; the more specific come first."""
    standing = r"If I am standing by (?:the )?(?P<stand>.+?) and facing (?:the )?(?P<face>.+?), "
    table: tuple[tuple[str, Callable[[Names], Program]], ...] = (
        (r"How many (?P<category>.+?)\(s\) are in (?:this|the) room", _count),
        (
            r"closest point of each object, what is the direct distance between (?:the )?"
            r"(?P<first>.+?) and (?:the )?(?P<second>.+?) \(in meters\)",
            _distance,
        ),
        (
            r"length of the longest dimension \(length, width, or height\) of (?:the )?"
            r"(?P<category>.+?), measured in centimeters",
            _size,
        ),
        (r"What is the size of this room \(in square meters\)", lambda _: FloorArea()),
        (
            r"which of these objects \((?P<list>.+?)\) is the closest to (?:the )?"
            r"(?P<anchor>.+?)\?",
            _nearest,
        ),
        (
            standing + r"is (?:the )?(?P<query>.+?) to the left or the right of",
            lambda names: _direction(names, Sectors.EASY),
        ),
        (
            standing + r"is (?:the )?(?P<query>.+?) to my left, right, or back",
            lambda names: _direction(names, Sectors.MEDIUM),
        ),
        (
            standing + r"is (?:the )?(?P<query>.+?) to my front-left, front-right",
            lambda names: _direction(names, Sectors.HARD),
        ),
        (
            r"first-time appearance order of the following categories in the video: "
            r"(?P<list>.+?)\?",
            _order,
        ),
        (
            r"You are a robot beginning at (?:the )?(?P<start>.+?) facing (?:the )?(?P<face>.+?)\. "
            r".*?: (?P<actions>1\. .+?)\s*You have reached the final destination",
            _route,
        ),
        (r"^Find the object that fits this description: (?P<described>.+)$", _find_one),
        (
            r"^Find every object that fits this description; there may be none: "
            r"(?P<described>.+)$",
            _find_all,
        ),
        (
            r"\bWhat (?P<quality>colou?r|material) is the (?P<category>[^?]+)\?",
            lambda names: Quality(Filter(names["category"]), names["quality"].lower()),
        ),
    )
    return tuple((re.compile(pattern, re.IGNORECASE), build) for pattern, build in table)


def _clean(name: str) -> str:
    return name.strip().rstrip("?.,").strip()


def _listed(names: Names) -> tuple[Filter, ...]:
    return tuple(Filter(_clean(part)) for part in names["list"].split(",") if part.strip())


def _one(name: str) -> Unique:
    return Unique(Filter(name))


def _count(names: Names) -> Program:
    return Count(Filter(names["category"]))


def _distance(names: Names) -> Program:
    return Distance(_one(names["first"]), _one(names["second"]))


def _size(names: Names) -> Program:
    return Size(_one(names["category"]))


def _nearest(names: Names) -> Program:
    return Nearest(_one(names["anchor"]), _listed(names))


def _direction(names: Names, sectors: Sectors) -> Program:
    return Direction(_one(names["stand"]), _one(names["face"]), _one(names["query"]), sectors)


def _order(names: Names) -> Program:
    return AppearanceOrder(_listed(names))


def _route(names: Names) -> Program:
    stops: list[Unique] = []
    blanks: list[int] = []
    for action in re.split(r"\s*\d+\. ", names["actions"]):
        went = re.match(r"Go forward until (?:the )?(.+)", action, re.IGNORECASE)
        if went is not None:
            stops.append(_one(_clean(went.group(1))))
        elif "fill in" in action:
            blanks.append(len(stops))
    return Route(_one(names["start"]), _one(names["face"]), tuple(stops), tuple(blanks))


_DESCRIBED = re.compile(
    r"(?:the|all instances of) (?P<category>.+?)"
    r"(?: that (?:is|are) (?P<kind>closest to|farthest from) the (?P<anchor>.+?)"
    r"| on an? (?P<support>.+?)"
    r"| whose (?P<unseen>\w+ is .+?))?",
    re.IGNORECASE,
)


def _find_one(names: Names) -> Program:
    return _found(names["described"], several=False)


def _find_all(names: Names) -> Program:
    return _found(names["described"], several=True)


def _found(text: str, *, several: bool) -> Find:
    """A description of a category with at most one relation; other words stay in its name."""
    found = _DESCRIBED.fullmatch(text)
    if found is None:
        return Find(Filter(text), several=several)
    near = None
    if found["anchor"]:
        near = Near(found["kind"].lower(), Filter(_clean(found["anchor"])))
    elif found["support"]:
        near = Near("on", Filter(_clean(found["support"])))
    return Find(Filter(_clean(found["category"])), near, several, found["unseen"] or "")
