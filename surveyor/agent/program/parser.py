"""From a benchmark's question to a program, by the benchmark's own templates.

Templates are those of VSI-Bench (Yang et al., CVPR 2025, appendix B); the instructions that a
prompt profile puts around a question do not matter.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache

from surveyor.agent.program.language import SCENE, Program, the, things
from surveyor.agent.program.purposes import kinds_for
from surveyor.tools.geometry.bearings import Sectors

Names = Mapping[str, str]
FLOOR = Program("floor_area", (SCENE,))
AHEAD = Program("ahead")
_FIRST, _SECOND = Program("camera", (0,)), Program("camera", (1,))


def parse(question: str) -> Program | None:
    """The program behind a question, or ``None`` when no template fits."""
    text = " ".join(question.split())
    for pattern, build in _templates():
        found = pattern.search(text)
        if found is not None:
            return build({key: _clean(value) for key, value in found.groupdict().items()})
    kinds = kinds_for(text) if _MASK.search(text) else ()
    return Program("union", tuple(map(things, kinds))) if kinds else None


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
        (r"What is the size of this room \(in square meters\)", lambda _: FLOOR),
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
            lambda names: Program("query", (the(names["category"]), names["quality"].lower())),
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
        lambda names: Program("mask", (_described(names["described"]),)),
    )
    yield (
        rf"^First find (?P<region>.+?)\. Then find every (?P<category>.+?) in it{give}",
        lambda names: Program(
            "mask", (Program("in_region", (things(names["category"]), names["region"])),)
        ),
    )
    yield (
        r"^How many (?P<category>.+?)\(s\) are in the whole place\? Answer with a number and give "
        r"their mask",
        lambda names: Program("counted_mask", (things(names["category"]),)),
    )


def _pictured() -> Iterator[tuple[str, Callable[[Names], Program]]]:
    """Questions about marks in pictures: CV-Bench 3D and BLINK; and RoomPlan's anchors."""
    marked = r"(?:the )?(?P<{0}>[^()]+?) \(highlighted by an? (?P<{0}_mark>\w+ box)\)"
    first, second, third = (marked.format(key) for key in "abr")
    yield (
        rf"Which object is closer to the camera taking this photo, {first} or {second}\?",
        lambda names: _closer(_marked(names, "a"), _marked(names, "b")),
    )
    yield (
        rf"Which object is closer to {third}, {first} or {second}\?",
        lambda names: Program(
            "nearest_mark", (_marked(names, "r"), (_marked(names, "a"), _marked(names, "b")))
        ),
    )
    yield (
        r"Which point is closer to the camera",
        lambda _: _closer(_mark("point A", "A is closer"), _mark("point B", "B is closer")),
    )
    yield (
        r"Is the camera moving left or right when shooting the video",
        lambda _: Program("camera_motion_around"),
    )
    yield (
        r"Find an object belonging to the category '(?P<category>[^']+)' "
        r"and place a virtual anchor",
        lambda names: Program("place_anchor", (things(names["category"]),)),
    )
    yield (
        r"Find (?P<described>the .+?) and place a virtual anchor",
        lambda names: Program("place_anchor", (_find_one(names),)),
    )


def _relations() -> Iterator[tuple[str, Callable[[Names], Program]]]:
    """Positions of cameras, things and regions to each other, in MMSI-Bench's manner."""
    here = r"You are at the place where the first image was taken, facing as its camera did\. "
    yield (
        r"facing as its camera did, in which direction had the camera moved when the second",
        lambda _: _seen_from(_FIRST, AHEAD, _SECOND),
    )
    yield (
        here + r"The (?P<query>.+?) can be seen in the second image",
        lambda names: _seen_from(_FIRST, AHEAD, the(names["query"])),
    )
    yield (
        here + r"The second image shows (?P<query>.+?)\. In which direction",
        lambda names: _seen_from(_FIRST, AHEAD, _region(names["query"])),
    )
    yield (
        r"You stand in the middle of (?P<stand>.+?) and face the (?P<face>.+?)\. "
        r"In which direction from you is the (?P<query>.+?)\?",
        lambda names: _seen_from(_region(names["stand"]), the(names["face"]), the(names["query"])),
    )
    yield (
        r"Suppose that the middle of (?P<face>.+?) lies to the north of the middle of "
        r"(?P<stand>.+?), seen from above\. In which direction from the middle of .+? is the "
        r"middle of (?P<query>.+?)\?",
        lambda names: _seen_from(
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


def _marked(names: Names, key: str) -> Program:
    return _mark(names[f"{key}_mark"].lower(), names[key])


def _mark(drawn: str, name: str) -> Program:
    return Program("mark", (drawn, name))


def _closer(first: Program, second: Program) -> Program:
    return Program("closer_to_camera", ((first, second),))


def _seen_from(
    stand: Program, face: Program, query: Program, sectors: Sectors = Sectors.HARD
) -> Program:
    return Program("direction", (stand, face, query, sectors.value))


_MASK = re.compile(r"\bGive its mask\b|\bsegment(?:ation)?\b|\bmask\b", re.IGNORECASE)
_AROUND = re.compile(
    r"(?:the )?(?P<name>.+?) \(the floor within (?P<reach>[\d.]+) m of the (?P<thing>.+?)\)"
)
_PART = re.compile(r"(?:the )?(?P<name>(?P<part>larger|smaller) (?:arm|room))(?: of .+)?")


def _region(text: str) -> Program:
    """A named part of the floor; where the words say no more, the thing of that name."""
    found = _AROUND.fullmatch(text)
    if found is not None:
        return Program("middle", (found["name"], the(found["thing"]), float(found["reach"])))
    found = _PART.fullmatch(text)
    if found is not None:
        return Program("part", (found["name"], found["part"].lower()))
    return the(text.removeprefix("the "))


def _clean(name: str) -> str:
    return name.strip().rstrip("?.,").strip()


def _listed(names: Names) -> tuple[Program, ...]:
    return tuple(things(_clean(part)) for part in names["list"].split(",") if part.strip())


def _count(names: Names) -> Program:
    return Program("count", (things(names["category"]),))


def _distance(names: Names) -> Program:
    return Program("distance", (the(names["first"]), the(names["second"])))


def _size(names: Names) -> Program:
    return Program("longest_edge", (the(names["category"]),))


def _nearest(names: Names) -> Program:
    return Program("nearest", (the(names["anchor"]), _listed(names)))


def _direction(names: Names, sectors: Sectors) -> Program:
    return _seen_from(the(names["stand"]), the(names["face"]), the(names["query"]), sectors)


def _order(names: Names) -> Program:
    return Program("order_by_first_sight", (_listed(names),))


def _route(names: Names) -> Program:
    stops: list[Program] = []
    blanks: list[int] = []
    for action in re.split(r"\s*\d+\. ", names["actions"]):
        went = re.match(r"Go forward until (?:the )?(.+)", action, re.IGNORECASE)
        if went is not None:
            stops.append(the(_clean(went.group(1))))
        elif "fill in" in action:
            blanks.append(len(stops))
    return Program("turns", (the(names["start"]), the(names["face"]), tuple(stops), tuple(blanks)))


_DESCRIBED = re.compile(
    r"(?:the|all instances of) (?P<category>.+?)"
    r"(?: that (?:is|are) (?P<kind>closest to|farthest from) the (?P<anchor>.+?)"
    r"| on an? (?P<support>.+?)"
    r"| whose (?P<unseen>\w+ is .+?))?",
    re.IGNORECASE,
)


def _find_one(names: Names) -> Program:
    found = _described(names["described"])
    return found if found.op.startswith("arg") else Program("surest", (found,))


def _find_all(names: Names) -> Program:
    return _described(names["described"])


def _described(text: str) -> Program:
    """A category with at most one condition; other words stay in its name."""
    found = _DESCRIBED.fullmatch(text)
    if found is None:
        return things(text)
    chosen = things(_clean(found["category"]))
    if found["anchor"]:
        pick = "argmin" if found["kind"].lower() == "closest to" else "argmax"
        return Program(pick, (chosen, "distance", the(_clean(found["anchor"]))))
    if found["support"]:
        return Program("relate", (chosen, things(_clean(found["support"])), "on"))
    if found["unseen"]:
        name, _, value = found["unseen"].partition(" is ")
        return Program("filter", (chosen, name, value))
    return chosen
