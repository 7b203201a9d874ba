"""Programs in the layout of APEIRIA's traces (oceanflowlab/APEIRIA), for models trained on it.

Only the layout is theirs: what is told was executed here, in metres, with z up. The sections are
``[APEIRIA THINKS]`` with header, plan and execution, and ``[APEIRIA SPEAKS]`` with the answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from surveyor.agent.program.execute import Executor
from surveyor.agent.program.language import Argument, Program, concept
from surveyor.agent.program.relations import BoxedThing
from surveyor.agent.program.values import DEFAULT_MARGINS, MeasuredScene, TheThing, ThingSet
from surveyor.core.errors import UserError
from surveyor.core.geometry import Vec3

THINKS, SPEAKS = "[APEIRIA THINKS]", "[APEIRIA SPEAKS]"
_PICKS = ("unique", "surest")
_SETS = ("scene", "filter", "relate", "relate_multi", "relate_anchor", "union", "intersection",
         "difference")  # fmt: skip


@dataclass(frozen=True, slots=True)
class ApeiriaStyle:
    """``detail``: filters list centres and sizes; ``negatives``: pairs that do not fit are told
    too; ``plan_only`` leaves the execution out; ``digits`` are decimals (4 at inference there)."""

    detail: bool = True
    negatives: bool = False
    plan_only: bool = False
    digits: int = 2


def apeiria_text(
    asked: str,
    program: Program,
    scene: MeasuredScene,
    style: ApeiriaStyle = ApeiriaStyle(),
) -> str:
    """The trace of a program whose value is objects.

    Raises `UserError` for a program that their layout has no words for.
    """
    told = _Telling(scene, style)
    lines = [*forced_prefix(asked, program), *(() if style.plan_only else told.steps(program))]
    found = told.found(program)
    lines += [] if style.plan_only else told.conclusion(found)
    return "\n".join([*lines, SPEAKS, *told.answer(found)])


def forced_prefix(asked: str, program: Program) -> list[str]:
    """Header and plan: what a model is made to begin with when its plan is given."""
    plan = "; ".join(dict.fromkeys(_planned(program)))
    header = f'I need to find the object described as: "{asked}"'
    return [THINKS, header, f"Let's plan my next steps: {plan}"]


@dataclass(frozen=True, slots=True)
class SpokenBox:
    """An object that an answer names: centre and size in metres."""

    handle: str
    center: Vec3
    size: Vec3


_V = r"\(?([-\d.]+), ([-\d.]+), ([-\d.]+)\)?"
_S = r"([-\d.]+) x ([-\d.]+) x ([-\d.]+)"
_LAYOUTS = (
    rf"Object (\S+): At {_V}, size: {_S}",
    rf"ID (\S+): Position {_V}, size {_S}",
    rf"^(\S+): Coordinates {_V}, dimensions {_S}",
    rf"Object (\S+): {_V}, {_S}",
)


def read_answer(text: str) -> tuple[SpokenBox, ...] | None:
    """What is named after ``[APEIRIA SPEAKS]``, each object once, in four layouts, with or without
    brackets around numbers; ``None`` where thinking never came to an answer."""
    thought, mark, said = text.rpartition(SPEAKS)
    if not mark:
        if THINKS in text:
            return None
        said = thought or text
    said = re.sub(r"[\[\]]", "", said)
    found: dict[str, SpokenBox] = {}
    for line in said.splitlines():
        for layout in _LAYOUTS:
            if match := re.search(layout, line.strip()):
                handle, *numbers = match.groups()
                x, y, z, w, d, h = map(float, numbers)
                found.setdefault(handle, SpokenBox(handle, (x, y, z), (w, d, h)))
                break
    return tuple(found.values())


def _planned(argument: Argument) -> Iterator[str]:
    """A phrase for every call, what it rests on first."""
    if not isinstance(argument, Program):
        return
    if argument.op not in (*_SETS, *_PICKS):
        raise UserError(f"APEIRIA's layout has no words for {argument.op}; use the own one")
    for one in argument.args:
        yield from _planned(one)
    a = [_name(one) for one in argument.args]
    match argument.op:
        case "scene":
            yield "Examine all objects in the scene"
        case "filter":
            yield f"Find all objects of category '{argument.args[-1]}'"
        case "relate":
            yield f"Check which {a[0]}(s) are '{argument.args[2]}' the {a[1]}(s)"
        case "relate_multi":
            yield f"Check which {a[0]} are '{argument.args[3]}' to {a[1]} and {a[2]}"
        case "relate_anchor":
            yield f"Check which {a[0]} are '{argument.args[3]}' to {a[2]} when facing the {a[1]}"
        case "union":
            yield f"Combine {' and '.join(a)}"
        case "intersection":
            yield f"Find overlap of {' and '.join(a)}"
        case "difference":
            yield f"Exclude {a[1]} from {a[0]}"


def _name(argument: Argument) -> str:
    return concept(argument) or "object"


class _Telling:
    """Execution and answer on one scene."""

    def __init__(self, scene: MeasuredScene, style: ApeiriaStyle) -> None:
        self._executor = Executor(scene, DEFAULT_MARGINS)
        self._things = {thing.handle: thing for thing in scene.things}
        self._style = style

    def found(self, program: Program) -> tuple[BoxedThing, ...]:
        """The objects that a program comes to; none where it has no value."""
        value = self._executor.run(program).value
        handles: tuple[str, ...] = ()
        if isinstance(value, ThingSet):
            handles = value.sure
        elif isinstance(value, TheThing):
            handles = (value.handle,)
        return tuple(self._things[handle] for handle in handles)

    def steps(self, program: Program) -> Iterator[str]:
        """Lines of every call, each distinct one once."""
        for one in dict.fromkeys(program.walk()):
            sets = [self.found(a) for a in one.args if isinstance(a, Program)]
            found = self.found(one)
            names = [_name(a) for a in one.args if isinstance(a, Program)]
            match one.op:
                case "scene":
                    yield f"First, I'll examine all {len(found)} objects in the scene."
                    listed = ", ".join(f"{t.handle} ({t.category})" for t in found)
                    yield f"I see {len(found)} object(s) in the scene: {listed}"
                case "filter":
                    inside = one.args[0]
                    whole = isinstance(inside, Program) and inside.op == "scene"
                    where = "all objects in the scene" if whole else f"{names[0]} object(s)"
                    yield f"Looking in {where} to find {one.args[-1]}."
                    yield self._listing(found)
                case "relate":
                    which = f"which {names[0]}(s) are '{one.args[2]}' the {names[1]}(s)"
                    yield f"Now, I'll check {which}."
                    yield from self._pairs(str(one.args[2]), *sets)
                    yield self._after(found, str(one.args[2]))
                case "relate_multi" | "relate_anchor":
                    yield from self._triple(one, sets, names, found)
                case "union" | "intersection" | "difference":
                    yield from self._joined(one.op, names, found)

    def conclusion(self, found: Sequence[BoxedThing]) -> Iterator[str]:
        if not found:
            yield "In conclusion: I didn't find any objects matching the query."
            return
        yield f"In conclusion: I found {len(found)} object(s) matching the query:"
        for thing in found:
            yield f"Object {thing.handle}: {thing.category} at {self._box(thing, 'size ')}"

    def answer(self, found: Sequence[BoxedThing]) -> Iterator[str]:
        if not found:
            yield "Apeiria didn't find any objects matching the description."
            return
        yield f"Apeiria found {len(found)} object(s) matching the description:"
        for thing in found:
            yield f"Object {thing.handle}: At {self._box(thing, 'size: ')}"

    def _pairs(
        self, relation: str, targets: Sequence[BoxedThing], others: Sequence[BoxedThing]
    ) -> Iterator[str]:
        yield (
            f"Analyzing {len(targets)} potential target object(s) ({_ids(targets)}) and "
            f"{len(others)} reference object(s) ({_ids(others)}):"
        )
        for one in targets:
            for other in others:
                holds = one is not other and self._executor.pair(relation, one, other)
                if holds or self._style.negatives:
                    word = "is" if holds else "is not"
                    yield f"{_object(one)} {word} {relation} to {_object(other)}."

    def _triple(
        self,
        one: Program,
        sets: Sequence[Sequence[BoxedThing]],
        names: Sequence[str],
        found: Sequence[BoxedThing],
    ) -> Iterator[str]:
        relation = str(one.args[3])
        counts = ("potential target", "reference", "second reference")
        told = [
            f"{len(s)} {word} object(s) ({_ids(s)})" for s, word in zip(sets, counts, strict=True)
        ]
        yield f"Analyzing {told[0]}, {told[1]}, and {told[2]}."
        for thing in found:
            ends = [s[0] for s in sets[1:] if s]
            if one.op == "relate_anchor" and len(ends) == 2:
                face, anchor = ends
                told_side = f"{_object(thing)} is {relation} to {_object(anchor)}"
                yield f"Facing {_object(face)}, {told_side}."
            elif len(ends) == 2:
                second = f"{ends[1].handle} ({ends[1].category})"
                yield f"{_object(thing)} is {relation} to {_object(ends[0])} and {second}."
        yield self._after(found, relation)
        if one.op == "relate_anchor":
            yield (
                f"Now, I'll check which {names[0]}(s) are '{relation}' to {names[2]}(s) "
                f"when facing the {names[1]}(s)."
            )

    def _joined(self, op: str, names: Sequence[str], found: Sequence[BoxedThing]) -> Iterator[str]:
        ids = f"ID(s): {', '.join(t.handle for t in found)}"
        if op == "union":
            yield f"Combining {' and '.join(names)}."
            yield f"The union contains {len(found)} objects: {ids}"
        elif op == "intersection":
            yield f"Finding objects that are both {' AND '.join(names)}."
            yield f"The intersection contains {len(found)} objects: {ids}"
        else:
            yield f"From {names[0]}, excluding {names[1]}."
            yield f"After exclusion, {len(found)} objects remain: {ids}"

    def _listing(self, found: Sequence[BoxedThing]) -> str:
        if not found:
            return "Found none."
        if not self._style.detail:
            return f"Found {len(found)} object(s): ID(s): {', '.join(t.handle for t in found)}"
        told = (f"{t.handle} ({t.category}) at {self._box(t, 'size ')}" for t in found)
        return f"Found {len(found)} object(s): {', '.join(told)}"

    def _after(self, found: Sequence[BoxedThing], relation: str) -> str:
        ids = ", ".join(thing.handle for thing in found)
        told = f"found {len(found)} object(s) with the '{relation}' relation"
        return f"After analysis, {told}: ID(s): {ids}" if found else f"After analysis, {told}"

    def _box(self, thing: BoxedThing, size: str) -> str:
        digits = self._style.digits
        center = ", ".join(f"{v:.{digits}f}" for v in thing.box.center)
        return f"({center}), {size}{' x '.join(f'{v:.{digits}f}' for v in thing.box.size)}"


def _object(thing: BoxedThing) -> str:
    return f"Object {thing.handle} ({thing.category})"


def _ids(things: Sequence[BoxedThing]) -> str:
    groups = groupby(sorted(things, key=lambda t: t.category), key=lambda t: t.category)
    return ", ".join(f"{name}: {', '.join(t.handle for t in members)}" for name, members in groups)
