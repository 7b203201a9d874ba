"""From a benchmark's question to a program, by the benchmark's own templates.

Templates are those of VSI-Bench (Yang et al., CVPR 2025, appendix B); the instructions that a
prompt profile puts around a question do not matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache

from surveyor.agent.program.language import (
    Anchor,
    AppearanceOrder,
    Camera,
    Closer,
    Count,
    Direction,
    Distance,
    Filter,
    Find,
    FloorArea,
    Marked,
    Masked,
    Near,
    Nearest,
    NearestMarked,
    Orbit,
    Place,
    Program,
    Quality,
    Region,
    Route,
    Serving,
    Size,
    Unique,
)
from surveyor.agent.program.purposes import kinds_for
from surveyor.tools.geometry.bearings import Sectors

Names = Mapping[str, str]


def parse(question: str) -> Program | None:
    """The program behind a question, or ``None`` when no template fits."""
    text = " ".join(question.split())
    for pattern, build in _templates():
        found = pattern.search(text)
        if found is not None:
            return build({key: _clean(value) for key, value in found.groupdict().items()})
    kinds = kinds_for(text) if _MASK.search(text) else ()
    return Serving(tuple(map(Filter, kinds))) if kinds else None


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
        *_masks(),
        *_pictured(),
        *_relations(),
    )
    return tuple((re.compile(pattern, re.IGNORECASE), build) for pattern, build in table)


def _masks() -> Iterator[tuple[str, Callable[[Names], Program]]]:
    """Questions that want a mask and say what of; purposes are read last, see `parse`."""
    give = r"\. Give (?:its|their) mask"
    yield (
        rf"^Segment what fits this description: (?P<described>.+?){give}",
        lambda names: Masked(_found(names["described"], several=True)),
    )
    yield (
        rf"^First find (?P<region>.+?)\. Then find every (?P<category>.+?) in it{give}",
        lambda names: Masked(Find(Filter(names["category"]), several=True), names["region"]),
    )
    yield (
        r"^How many (?P<category>.+?)\(s\) are in the whole place\? Answer with a number and give "
        r"their mask",
        lambda names: Masked(Count(Filter(names["category"]))),
    )


def _pictured() -> Iterator[tuple[str, Callable[[Names], Program]]]:
    """Questions about marks in pictures: CV-Bench 3D and BLINK; and RoomPlan's anchors."""
    marked = r"(?:the )?(?P<{0}>[^()]+?) \(highlighted by an? (?P<{0}_mark>\w+ box)\)"
    first, second, third = (marked.format(key) for key in "abr")
    yield (
        rf"Which object is closer to the camera taking this photo, {first} or {second}\?",
        lambda names: Closer((_marked(names, "a"), _marked(names, "b"))),
    )
    yield (
        rf"Which object is closer to {third}, {first} or {second}\?",
        lambda names: NearestMarked(
            _marked(names, "r"), (_marked(names, "a"), _marked(names, "b"))
        ),
    )
    yield (
        r"Which point is closer to the camera",
        lambda _: Closer((Marked("point A", "A is closer"), Marked("point B", "B is closer"))),
    )
    yield r"Is the camera moving left or right when shooting the video", lambda _: Orbit()
    yield (
        r"Find an object belonging to the category '(?P<category>[^']+)' "
        r"and place a virtual anchor",
        lambda names: Anchor(Filter(names["category"])),
    )
    yield r"Find (?P<described>the .+?) and place a virtual anchor", _anchored


def _relations() -> Iterator[tuple[str, Callable[[Names], Program]]]:
    """Positions of cameras, things and regions to each other, in MMSI-Bench's manner."""
    here = r"You are at the place where the first image was taken, facing as its camera did\. "
    yield (
        r"facing as its camera did, in which direction had the camera moved when the second",
        lambda _: Direction(Camera(0), None, Camera(1), Sectors.HARD),
    )
    yield (
        here + r"The (?P<query>.+?) can be seen in the second image",
        lambda names: Direction(Camera(0), None, _one(names["query"]), Sectors.HARD),
    )
    yield (
        here + r"The second image shows (?P<query>.+?)\. In which direction",
        lambda names: Direction(Camera(0), None, _region(names["query"]), Sectors.HARD),
    )
    yield (
        r"You stand in the middle of (?P<stand>.+?) and face the (?P<face>.+?)\. "
        r"In which direction from you is the (?P<query>.+?)\?",
        lambda names: Direction(
            _region(names["stand"]), _one(names["face"]), _one(names["query"]), Sectors.HARD
        ),
    )
    yield (
        r"Suppose that the middle of (?P<face>.+?) lies to the north of the middle of "
        r"(?P<stand>.+?), seen from above\. In which direction from the middle of .+? is the "
        r"middle of (?P<query>.+?)\?",
        lambda names: Direction(
            _region(names["stand"]),
            _region(names["face"]),
            _region(names["query"]),
            Sectors.COMPASS,
        ),
    )
    yield (
        r"Suppose that the (?P<face>.+?) lies to the north of the (?P<stand>.+?), seen from above"
        r"\. In which direction from the .+? is the (?P<query>.+?)\?",
        lambda names: _direction(names, Sectors.COMPASS),
    )


def _marked(names: Names, key: str) -> Marked:
    return Marked(names[f"{key}_mark"].lower(), names[key])


_MASK = re.compile(r"\bGive its mask\b|\bsegment(?:ation)?\b|\bmask\b", re.IGNORECASE)
_AROUND = re.compile(
    r"(?:the )?(?P<name>.+?) \(the floor within (?P<reach>[\d.]+) m of the (?P<thing>.+?)\)"
)
_PART = re.compile(r"(?:the )?(?P<name>(?P<part>larger|smaller) (?:arm|room)) of .+")


def _region(text: str) -> Place:
    """A named part of the floor; where the words say no more, the thing of that name."""
    found = _AROUND.fullmatch(text)
    if found is not None:
        return Region(found["name"], _one(found["thing"]), float(found["reach"]))
    found = _PART.fullmatch(text)
    if found is not None:
        return Region(found["name"], part=found["part"])
    return _one(text.removeprefix("the "))


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


def _anchored(names: Names) -> Program:
    found = _found(names["described"], several=False)
    return Anchor(found.of, found)


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
