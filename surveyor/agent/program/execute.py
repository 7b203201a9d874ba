"""Executing a program on measured objects: boxes in metres, Z-up, and nothing else.

Nothing here knows an annotation or a question. A set says which objects belong to it for sure and
which lie on the margin; what cannot be told has an error as its value, which says why, and a value
that rests on it has the same. So ``unique`` of two chairs is "2 found", never one of them.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from surveyor.agent.program.language import FROM_FRAMES, Argument, Program, concept
from surveyor.agent.program.relations import BoxedThing, between, side, slack
from surveyor.agent.program.three_valued import (
    COLORS,
    belongs,
    certain,
    flattened,
    has_value,
    listed,
    plain,
    rounded,
    turned,
)
from surveyor.agent.program.values import (
    DEFAULT_MARGINS,
    Execution,
    Margins,
    MeasuredScene,
    ProgramStep,
    Spot,
    StepValue,
    TheThing,
    ThingSet,
    Unanswerable,
)
from surveyor.core.geometry import Float
from surveyor.tools.geometry.bearings import Sectors, bearing, direction_word
from surveyor.tools.geometry.boxes import box_distance


def execute(
    program: Program, scene: MeasuredScene, margins: Margins = DEFAULT_MARGINS
) -> Execution:
    """Do every step of a checked program on a scene."""
    return Executor(scene, margins).run(program)


class _Stop(Exception):
    """A step has no value."""


class Executor:
    """Executes on one scene; what was done already is not done again."""

    def __init__(self, scene: MeasuredScene, margins: Margins) -> None:
        self._place = scene
        self._margins = margins
        self._things = {thing.handle: thing for thing in scene.things}
        self._done: dict[Program, StepValue] = {}

    def run(self, program: Program) -> Execution:
        """The steps of one program."""
        steps = dict.fromkeys(program.walk())
        return Execution(tuple(ProgramStep(one, self._value(one)) for one in steps))

    def pair(self, relation: str, one: BoxedThing, other: BoxedThing) -> bool:
        """Whether one thing stands so to another for sure."""
        found = self._relate(ThingSet((one.handle,)), ThingSet((other.handle,)), relation)
        return bool(found.sure)

    def _value(self, program: Program) -> StepValue:
        if program not in self._done:
            self._done[program] = self._apply(program)
        return self._done[program]

    def _apply(self, program: Program) -> StepValue:
        values = [self._argument(one) for one in program.args]
        for one in flattened(values):
            if isinstance(one, Unanswerable):
                return one
        try:
            if program.op in FROM_FRAMES:
                raise _Stop(f"{program.op} needs frames, not a table of objects")
            step: Callable[..., StepValue] = getattr(self, f"_{program.op}")
            if program.op == "nearest" and isinstance(program.args[1], tuple):
                return step(*values, names=[concept(one) for one in program.args[1]])
            return step(*values)
        except _Stop as stop:
            return Unanswerable(str(stop))

    def _argument(self, argument: Argument) -> object:
        if isinstance(argument, tuple):
            return [self._argument(one) for one in argument]
        return self._value(argument) if isinstance(argument, Program) else argument

    # Sets: the truth of a member is three-valued, by its slack.

    def _scene(self) -> ThingSet:
        return ThingSet(tuple(self._things))

    def _filter(self, members: ThingSet, name: str, value: str | None = None) -> ThingSet:
        if value is not None:
            return self._chosen(members, lambda t: has_value(t, name, value))
        wanted = plain(name)
        everything = self._place.things
        if any(plain(t.category) == wanted for t in everything):
            return self._chosen(members, lambda t: certain(plain(t.category) == wanted))
        if wanted in COLORS and not any(t.attributes for t in everything):
            raise _Stop(f"nobody measured what is {name}")
        return self._chosen(members, lambda t: certain(wanted in map(plain, t.attributes.values())))

    def _relate(self, members: ThingSet, others: ThingSet, relation: str) -> ThingSet:
        if relation not in ("left", "right", "front", "behind"):
            return self._chosen(members, lambda t: self._any(others, t, relation))
        asker = self._place.asker
        if asker is None:
            raise _Stop(
                f"{relation!r} is ambiguous: use relate_anchor to say what is faced, or say where "
                "the asker stands"
            )
        here = np.array([asker.x, asker.y])
        # Somebody who looks at a thing from outside has its front before it, towards himself.
        towards = {"front": "behind", "behind": "front"}.get(relation, relation)

        def seen(thing: BoxedThing) -> float:
            return self._most(
                others,
                lambda o: side(towards, thing, o, self._view(here, o.center[:2])),
                thing,
            )

        return self._chosen(members, seen)

    def _relate_multi(
        self, members: ThingSet, first: ThingSet, second: ThingSet, relation: str
    ) -> ThingSet:
        def amid(thing: BoxedThing) -> float:
            def with_one(one: BoxedThing) -> float:
                def with_both(other: BoxedThing) -> float:
                    return -math.inf if other is one else between(thing, one, other)

                return self._most(second, with_both, thing)

            return self._most(first, with_one, thing)

        return self._chosen(members, amid)

    def _relate_anchor(
        self, members: ThingSet, faced: ThingSet, anchors: ThingSet, which: str
    ) -> ThingSet:
        face, anchor = (self._things[self._only(s, "faces")] for s in (faced, anchors))
        ahead = self._view(anchor.center[:2], face.center[:2])
        return self._chosen(
            members, lambda t: -math.inf if t is anchor else side(which, t, anchor, ahead)
        )

    def _union(self, *sets: ThingSet) -> ThingSet:
        return self._joined(sets, max)

    def _intersection(self, *sets: ThingSet) -> ThingSet:
        return self._joined(sets, min)

    def _difference(self, members: ThingSet, without: ThingSet) -> ThingSet:
        return self._chosen(members, lambda t: -belongs(t.handle, without))

    # One object.

    def _unique(self, members: ThingSet) -> TheThing:
        return TheThing(self._only(members, ""))

    def _surest(self, members: ThingSet) -> TheThing:
        rank = [*members.sure] or [*members.maybe]
        if not rank:
            raise _Stop("0 found")
        return TheThing(max(rank, key=lambda handle: self._things[handle].weight))

    def _argmin(self, members: ThingSet, key: str, other: TheThing | None = None) -> TheThing:
        return self._extreme(members, key, other, 1.0)

    def _argmax(self, members: ThingSet, key: str, other: TheThing | None = None) -> TheThing:
        return self._extreme(members, key, other, -1.0)

    # Values.

    def _count(self, members: ThingSet) -> int:
        if members.maybe:
            least = len(members.sure)
            raise _Stop(f"between {least} and {least + len(members.maybe)}: "
                        f"{listed(members.maybe)} on the margin")  # fmt: skip
        return len(members.sure)

    def _exists(self, members: ThingSet) -> bool:
        if members.maybe and not members.sure:
            raise _Stop(f"only {listed(members.maybe)}, on the margin")
        return bool(members.sure)

    def _query(self, one: TheThing, name: str) -> str:
        thing = self._things[one.handle]
        known = {plain(key): value for key, value in thing.attributes.items()}
        known |= {"category": thing.category}
        if plain(name) not in known:
            raise _Stop(f"nobody measured the {name} of {one.handle}")
        return known[plain(name)]

    def _distance(self, one: TheThing, other: TheThing) -> float:
        if one == other:
            raise _Stop("a distance needs two different objects")
        return rounded(self._apart(one.handle, other.handle))

    def _longest_edge(self, one: TheThing) -> float:
        return rounded(max(self._things[one.handle].box.size))

    def _area(self, one: TheThing) -> float:
        return rounded(self._things[one.handle].covers)

    def _floor_area(self, members: ThingSet) -> float:
        if len(members.sure) < len(self._things):
            raise _Stop("only scene() has a floor; area(...) is the floor that one object covers")
        if self._place.floor is None:
            raise _Stop("nobody measured the floor")
        return self._place.floor

    def _nearest(
        self, anchor: TheThing, sets: Sequence[ThingSet], *, names: Sequence[str]
    ) -> tuple[str, ...]:
        ranked = []
        for name, members in zip(names, sets, strict=True):
            others = [handle for handle in members.sure if handle != anchor.handle]
            if others:
                ranked.append((min(self._apart(anchor.handle, h) for h in others), name))
        if not ranked:
            raise _Stop("0 found to compare")
        ranked.sort(key=lambda pair: pair[0])
        self._clear([metres for metres, _ in ranked[:2]])
        return tuple(name for _, name in ranked)

    def _asker(self) -> Spot:
        asker = self._place.asker
        if asker is None:
            raise _Stop("nobody said where the asker stands")
        return Spot((asker.x, asker.y), (math.cos(asker.heading), math.sin(asker.heading)))

    def _ahead(self) -> Spot:
        asker = self._asker()
        assert asker.ahead is not None
        return Spot((asker.at[0] + asker.ahead[0], asker.at[1] + asker.ahead[1]))

    def _direction(self, *places: StepValue | str) -> str:
        *spots, finely = places
        stand, face, query = (self._spot(one) for one in spots)
        for point in (face, query):
            self._view(stand, point)
        sectors = Sectors(str(finely))
        angle = bearing(stand, face, query)
        turn = math.radians(self._margins.degrees)
        words = {direction_word(turned(angle, by), sectors) for by in (-turn, turn)}
        if len(words) > 1:
            raise _Stop(f"on the border of {' and '.join(sorted(words))}")
        return direction_word(angle, sectors)

    # Helpers.

    def _chosen(self, members: ThingSet, truth: Callable[[BoxedThing], float]) -> ThingSet:
        """The members for which a slack says so, as far as they are members at all."""
        sure: list[str] = []
        maybe: list[str] = []
        for handle in self._things:
            membership = belongs(handle, members)
            if membership == -math.inf:
                continue
            told = min(membership, self._told(truth(self._things[handle])))
            if told >= 0:
                (sure if told > 0 else maybe).append(handle)
        return ThingSet(tuple(sure), tuple(maybe))

    def _told(self, metres: float) -> float:
        """``inf``: it holds, ``-inf``: it does not, 0: within the margin."""
        if self._margins.metres == 0:
            return math.inf if metres >= 0 else -math.inf
        return 0.0 if abs(metres) <= self._margins.metres else math.copysign(math.inf, metres)

    def _any(self, others: ThingSet, thing: BoxedThing, relation: str) -> float:
        return self._most(others, lambda other: slack(relation, thing, other), thing)

    def _most(
        self, others: ThingSet, truth: Callable[[BoxedThing], float], thing: BoxedThing
    ) -> float:
        """Whether it is so for any of the others, as sure as they are others."""
        told = [
            min(belongs(handle, others), self._told(truth(self._things[handle])))
            for handle in (*others.sure, *others.maybe)
            if handle != thing.handle
        ]
        return max(told, default=-math.inf)

    def _joined(
        self, sets: Sequence[ThingSet], how: Callable[[Sequence[float]], float]
    ) -> ThingSet:
        told = {h: how([belongs(h, one) for one in sets]) for h in self._things}
        return ThingSet(
            tuple(h for h, value in told.items() if value > 0),
            tuple(h for h, value in told.items() if value == 0),
        )

    def _only(self, members: ThingSet, why: str) -> str:
        if members.maybe:
            raise _Stop(f"{len(members.sure)} found, and {listed(members.maybe)} on the margin")
        if len(members.sure) != 1:
            more = f" ({listed(members.sure)})" if members.sure else ""
            raise _Stop(
                f"{len(members.sure)} found{more}" + (f"; one is wanted: {why}" * bool(why))
            )
        return members.sure[0]

    def _extreme(
        self, members: ThingSet, key: str, other: TheThing | None, sign: float
    ) -> TheThing:
        if (key == "distance") != (other is not None):
            raise _Stop("distance is from an object, the third argument; other keys have none")
        rest = [h for h in (*members.sure, *members.maybe) if other is None or h != other.handle]
        if not rest:
            raise _Stop("0 found")
        values = sorted((sign * self._key(handle, key, other), handle) for handle in rest)
        self._clear([value for value, _ in values[:2]])
        best = values[0][1]
        if best in members.maybe:
            raise _Stop(f"{best} would be it, but lies on the margin")
        return TheThing(best)

    def _key(self, handle: str, key: str, other: TheThing | None) -> float:
        thing = self._things[handle]
        if other is not None:
            return self._apart(handle, other.handle)
        if key == "height":
            return thing.heights[1] - thing.heights[0]
        if key == "area":
            return thing.covers
        return float(max(thing.box.size) if key == "size" else np.prod(thing.box.size))

    def _clear(self, values: Sequence[float]) -> None:
        if len(values) > 1 and abs(values[1] - values[0]) <= self._margins.metres > 0:
            raise _Stop(f"two are within {self._margins.metres:g} of each other")

    def _apart(self, one: str, other: str) -> float:
        return box_distance(self._things[one].box, self._things[other].box)

    def _spot(self, value: object) -> Float:
        if isinstance(value, TheThing):
            return self._things[value.handle].center[:2]
        assert isinstance(value, Spot)
        return np.array(value.at)

    def _view(self, start: Float, end: Float) -> Float:
        """The unit vector from one point of the floor to another."""
        offset = end - start
        length = float(np.linalg.norm(offset))
        if length <= max(self._margins.metres, 1e-9):
            raise _Stop("who stands where he looks at faces nowhere")
        ahead: Float = offset / length
        return ahead
