"""The program language: what to compute, apart from how to see it.

A program is a small typed expression such as
``distance(unique(filter(scene(), chair)), unique(filter(scene(), door)))``; ``scene()`` is
whatever the workflow gathers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from surveyor.tools.geometry.bearings import Sectors


@dataclass(frozen=True, slots=True)
class Filter:
    """All objects of a category in the scene."""

    category: str

    def __str__(self) -> str:
        return f"filter(scene(), {self.category})"


@dataclass(frozen=True, slots=True)
class Unique:
    """The one object of a category; the best supported where several are found."""

    of: Filter

    def __str__(self) -> str:
        return f"unique({self.of})"


@dataclass(frozen=True, slots=True)
class Count:
    """How many."""

    objects: Filter

    def __str__(self) -> str:
        return f"count({self.objects})"


@dataclass(frozen=True, slots=True)
class Distance:
    """Closest-point distance in metres."""

    first: Unique
    second: Unique

    def __str__(self) -> str:
        return f"distance({self.first}, {self.second})"


@dataclass(frozen=True, slots=True)
class Size:
    """Longest edge in metres; asked for in centimetres."""

    object: Unique

    def __str__(self) -> str:
        return f"longest_edge({self.object})"


@dataclass(frozen=True, slots=True)
class FloorArea:
    """Floor area in square metres."""

    def __str__(self) -> str:
        return "floor_area(scene())"


@dataclass(frozen=True, slots=True)
class Nearest:
    """Which category has the instance closest to the anchor."""

    anchor: Unique
    candidates: tuple[Filter, ...]

    def __str__(self) -> str:
        return f"nearest({self.anchor}, [{', '.join(map(str, self.candidates))}])"


@dataclass(frozen=True, slots=True)
class Region:
    """The middle of a part of the floor: within ``reach`` metres of one thing, or the ``part``
    (larger or smaller) of a place of two."""

    name: str
    around: Unique | None = None
    reach: float = 1.0
    part: str = ""

    def __str__(self) -> str:
        inner = f"floor around {self.around} by {self.reach:g}" if self.around else self.part
        return f"middle({inner})"


@dataclass(frozen=True, slots=True)
class Camera:
    """Where the question's frame number ``index`` (from 0) was taken."""

    index: int

    def __str__(self) -> str:
        return f"camera({self.index})"


Place = Unique | Region | Camera


@dataclass(frozen=True, slots=True)
class Direction:
    """Where ``query`` is for someone standing at ``stand`` who faces ``face``, or as the camera
    there did."""

    stand: Place
    face: Place | None
    query: Place
    sectors: Sectors

    @property
    def places(self) -> tuple[Place, ...]:
        """Stand, face where there is one, and query."""
        return tuple(one for one in (self.stand, self.face, self.query) if one is not None)

    def __str__(self) -> str:
        return f"direction({', '.join(map(str, self.places))}, {self.sectors})"


@dataclass(frozen=True, slots=True)
class Marked:
    """What a mark drawn into the picture points at, such as ``red box`` or ``point A``.

    ``name`` is what the answer calls it.
    """

    mark: str
    name: str

    def __str__(self) -> str:
        return self.mark


@dataclass(frozen=True, slots=True)
class Closer:
    """Which of two marked things or points is closer to the camera."""

    things: tuple[Marked, Marked]

    def __str__(self) -> str:
        return f"closer_to_camera([{', '.join(map(str, self.things))}])"


@dataclass(frozen=True, slots=True)
class NearestMarked:
    """Which marked thing is closest to another marked thing."""

    anchor: Marked
    candidates: tuple[Marked, ...]

    def __str__(self) -> str:
        return f"nearest({self.anchor}, [{', '.join(map(str, self.candidates))}])"


@dataclass(frozen=True, slots=True)
class Orbit:
    """Whether the camera went left or right around what it looked at."""

    def __str__(self) -> str:
        return "camera_motion_around()"


@dataclass(frozen=True, slots=True)
class Serving:
    """Everything that serves a purpose, as the kinds of things that may."""

    kinds: tuple[Filter, ...]

    def __str__(self) -> str:
        return f"union([{', '.join(map(str, self.kinds))}])"


@dataclass(frozen=True, slots=True)
class Anchor:
    """An anchor to be placed at the centre of any thing of a category, or of the one that ``find``
    means."""

    of: Filter
    find: Find | None = None

    def __str__(self) -> str:
        return f"place_anchor(center({self.find or f'any({self.of})'}))"


@dataclass(frozen=True, slots=True)
class AppearanceOrder:
    """Categories in the order in which they come into sight."""

    objects: tuple[Filter, ...]

    def __str__(self) -> str:
        return f"order_by_first_sight([{', '.join(map(str, self.objects))}])"


@dataclass(frozen=True, slots=True)
class Route:
    """Turns of a walk over ``stops`` that begins at ``start`` facing ``facing``.

    ``blanks`` are the legs (from 0) before which a turn is asked for.
    """

    start: Unique
    facing: Unique
    stops: tuple[Unique, ...]
    blanks: tuple[int, ...]

    def __str__(self) -> str:
        stops = ", ".join(map(str, self.stops))
        return f"turns({self.start}, {self.facing}, [{stops}], before={list(self.blanks)})"


@dataclass(frozen=True, slots=True)
class Near:
    """A relation to an anchor: ``closest to``, ``farthest from`` or ``on``."""

    kind: str
    anchor: Filter

    def __str__(self) -> str:
        return f"{self.kind} {self.anchor}"


@dataclass(frozen=True, slots=True)
class Find:
    """The object, or with ``several`` every object, that a description means.

    ``unseen`` is a condition that no tool can check, such as a colour; it is left out.
    """

    of: Filter
    near: Near | None = None
    several: bool = False
    unseen: str = ""

    def __str__(self) -> str:
        inner = f"where({self.of}, {self.near})" if self.near else str(self.of)
        return inner if self.several else f"unique({inner})"


@dataclass(frozen=True, slots=True)
class Quality:
    """What colour, material or the like an object has. No tool sees that; all that can be measured
    is that there is no such object, and then the question has no answer."""

    of: Filter
    name: str

    def __str__(self) -> str:
        return f"{self.name}(unique({self.of}))"


@dataclass(frozen=True, slots=True)
class Masked:
    """The mask of what is meant, of a `Count` with the number; in a ``region`` if one is named,
    which is found first and is told in the question's own words."""

    what: Serving | Find | Count
    region: str = ""

    def __str__(self) -> str:
        inner = str(self.what)
        if self.region:
            inner = f"in_region({inner}, {self.region})"
        if isinstance(self.what, Count):
            return f"answer({inner}, mask({self.what.objects}))"
        return f"mask({inner})"


Program = (
    Count
    | Distance
    | Size
    | FloorArea
    | Nearest
    | Direction
    | AppearanceOrder
    | Route
    | Find
    | Quality
    | Closer
    | NearestMarked
    | Orbit
    | Serving
    | Anchor
    | Masked
)


def categories(program: Program) -> tuple[str, ...]:
    """Every category that the program talks of, in order, without repeats."""
    return tuple(dict.fromkeys(found.category for found in _filters(program)))


def required(program: Program) -> tuple[str, ...]:
    """Categories without which the program has no value at all."""
    if isinstance(program, Nearest):
        return (program.anchor.of.category,)
    if isinstance(program, Count | AppearanceOrder | Find | Quality | Serving | Masked):
        return ()
    return categories(program)


def _filters(program: Program) -> Iterator[Filter]:
    match program:
        case Count(objects=objects):
            yield objects
        case Quality(of=single):
            yield single
        case Distance(first=first, second=second):
            yield from (first.of, second.of)
        case Size(object=single):
            yield single.of
        case Nearest(anchor=anchor, candidates=candidates):
            yield anchor.of
            yield from candidates
        case Direction():
            for place in program.places:
                thing = place.around if isinstance(place, Region) else place
                if isinstance(thing, Unique):
                    yield thing.of
        case Serving(kinds=several):
            yield from several
        case Masked(what=what):
            yield from _filters(what)
        case Anchor(of=single, find=None):
            yield single
        case Anchor(find=found) if found is not None:
            yield from _filters(found)
        case AppearanceOrder(objects=several):
            yield from several
        case Route(start=start, facing=facing, stops=stops):
            yield from (one.of for one in (start, facing, *stops))
        case Find(of=single, near=near):
            yield single
            if near is not None:
                yield near.anchor
        case FloorArea() | Closer() | NearestMarked() | Orbit():
            return
