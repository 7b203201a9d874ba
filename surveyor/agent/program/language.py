"""The program language: what to compute, apart from how to see it.

A program is a call of an operator, such as
``distance(surest(filter(scene(), chair)), surest(filter(scene(), door)))``; ``scene()`` is
whatever the workflow gathers. There is one record for all of them, `Program`, and one table of
operators, `OPERATORS`: their arguments, their results and what they mean. `reading` makes programs
of text and checks them, `execute` computes them on boxes in metres, and `measuring` by tool calls
what needs frames or a measuring tool.

Operators that only the frames can answer are those of `FROM_FRAMES`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Union

from surveyor.tools.geometry.bearings import Sectors


class ValueKind(StrEnum):
    """What an argument or a result is, in the words of messages."""

    SET = "a set of objects"
    OBJECT = "one object"
    THINGS = "objects"
    PLACE = "a place"
    MARK = "a mark"
    NAME = "a name"
    NUMBER = "a number"
    TRUTH = "yes or no"
    RANKING = "names in order"
    ACTION = "an action"
    OUTLINE = "a mask"
    RELATION = "a relation"
    TERNARY = "a relation to two"
    SIDE = "a side"
    KEY = "what to compare by"
    SECTORS = "how finely directions are told apart"
    PART = "larger or smaller"


WORDS: Final[Mapping[ValueKind, tuple[str, ...]]] = MappingProxyType(
    {
        ValueKind.RELATION: (
            "near", "far", "beside", "on", "above", "below", "inside",
            "left", "right", "front", "behind",
        ),
        ValueKind.TERNARY: ("between",),
        ValueKind.SIDE: ("left", "right", "front", "behind"),
        ValueKind.KEY: ("distance", "size", "height", "area", "volume"),
        ValueKind.SECTORS: tuple(Sectors),
        ValueKind.PART: ("larger", "smaller"),
    }
)  # fmt: skip
"""Kinds of arguments that are one of a few words."""
SYNONYMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "over": "above", "under": "below", "beneath": "below", "underneath": "below",
        "next to": "beside", "in": "inside", "in front": "front", "in front of": "front",
        "back": "behind", "left of": "left", "right of": "right", "close": "near",
    }
)  # fmt: skip
"""Other words for those of `WORDS`; ``_`` counts as a space."""
ALIASES: Final[Mapping[str, str]] = MappingProxyType(
    {"intersect": "intersection", "exclude": "difference", "query_attribute": "query"}
)
"""Other names of operators, as plans written for APEIRIA have them."""

_S, _O, _P, _M = ValueKind.SET, ValueKind.OBJECT, ValueKind.PLACE, ValueKind.MARK
_N, _NUM, _R = ValueKind.NAME, ValueKind.NUMBER, ValueKind.RANKING


@dataclass(frozen=True, slots=True)
class Operator:
    """``takes`` are the kinds of the arguments; the ``optional`` last ones may be left out, with
    ``many`` the last may be repeated, and those at ``lists`` are lists of their kind."""

    takes: tuple[ValueKind, ...]
    gives: ValueKind
    means: str
    optional: int = 0
    many: bool = False
    lists: tuple[int, ...] = ()


OPERATORS: Final[Mapping[str, Operator]] = MappingProxyType(
    {
        "scene": Operator((), _S, "every object of the place"),
        "filter": Operator(
            (_S, _N, _N), _S, "those of a category; with two names: whose attribute has a value",
            optional=1,
        ),
        "relate": Operator(
            (_S, _S, ValueKind.RELATION), _S, "those of the first that stand so to any of the "
            "second; sides are as the asker sees them",
        ),
        "relate_multi": Operator(
            (_S, _S, _S, ValueKind.TERNARY), _S, "those of the first between one of the second "
            "and one of the third",
        ),
        "relate_anchor": Operator(
            (_S, _S, _S, ValueKind.SIDE), _S, "those of the first on that side of the third for "
            "someone there who faces the second",
        ),
        "union": Operator((_S,), _S, "what is in any", many=True),
        "intersection": Operator((_S,), _S, "what is in all", many=True),
        "difference": Operator((_S, _S), _S, "what is in the first and not in the second"),
        "unique": Operator((_S,), _O, "the only one; several or none have no value"),
        "surest": Operator((_S,), _O, "the best supported one; none has no value"),
        "argmin": Operator((_S, ValueKind.KEY, _O), _O, "the one with the least", optional=1),
        "argmax": Operator((_S, ValueKind.KEY, _O), _O, "the one with the most", optional=1),
        "count": Operator((_S,), _NUM, "how many"),
        "exists": Operator((_S,), ValueKind.TRUTH, "whether there is any"),
        "query": Operator((_O, _N), _N, "an attribute's value, such as its color"),
        "distance": Operator((_O, _O), _NUM, "metres between the closest points"),
        "longest_edge": Operator((_O,), _NUM, "metres of the longest edge"),
        "area": Operator((_O,), _NUM, "square metres of floor that it covers"),
        "floor_area": Operator((_S,), _NUM, "square metres of the floor"),
        "nearest": Operator((_O, _S), _R, "names of sets, nearest first", lists=(1,)),
        "direction": Operator((_P, _P, _P, ValueKind.SECTORS), _N, "where the third is for someone "
                              "who stands at the first and faces the second"),
        "asker": Operator((), _P, "where the asker stands"),
        "ahead": Operator((), _P, "what whoever stands there looks at: a camera, or the asker"),
        "camera": Operator((_NUM,), _P, "where the question's frame was taken, counted from 0"),
        "middle": Operator((_N, _O, _NUM), _P, "the middle of the floor within so many metres of "
                           "an object, and what that area is called"),
        "part": Operator((_N, ValueKind.PART), _P, "the middle of the larger or smaller part"),
        "turns": Operator((_O, _O, _O, _NUM), _R, "turns before the given legs of a walk that "
                          "begins at the first, facing the second", lists=(2, 3)),
        "order_by_first_sight": Operator((_S,), _R, "names of sets as they come into sight",
                                         lists=(0,)),
        "mark": Operator((_N, _N), _M, "what is drawn into the picture, and what it is called"),
        "closer_to_camera": Operator((_M,), _N, "which of two marks is closer", lists=(0,)),
        "nearest_mark": Operator((_M, _M), _R, "which marks are nearest to one", lists=(1,)),
        "camera_motion_around": Operator((), _N, "whether the camera went left or right"),
        "place_anchor": Operator((ValueKind.THINGS,), ValueKind.ACTION,
                                 "an anchor at the centre of one object, or of any of a set"),
        "in_region": Operator((_S, _N), _S, "those in the region that is described"),
        "mask": Operator((ValueKind.THINGS,), ValueKind.OUTLINE, "the mask of what is meant"),
        "counted_mask": Operator((_S,), ValueKind.OUTLINE, "how many there are, and their mask"),
    }
)  # fmt: skip
FROM_FRAMES: Final = frozenset(
    {"camera", "middle", "part", "turns", "order_by_first_sight", "mark", "closer_to_camera",
     "nearest_mark", "camera_motion_around", "place_anchor", "in_region", "mask", "counted_mask"}
)  # fmt: skip
"""Operators that a table of objects cannot answer."""
PERHAPS: Final = frozenset({"nearest", "count", "order_by_first_sight", "query", "union"})
"""Operators that have a value although some category that they name is missing."""

_MEASURED = FROM_FRAMES | {"count", "distance", "longest_edge", "floor_area", "nearest",
                           "direction", "ahead", "query"}  # fmt: skip

Argument = Union["Program", str, int, float, tuple["Argument", ...]]
_BARE = re.compile(r"[\w.\-][\w.'\-]*(?: [\w.'\-]+)*")


@dataclass(frozen=True, slots=True)
class Program:
    """An operator and its arguments: programs, names, numbers or lists of them."""

    op: str
    args: tuple[Argument, ...] = ()

    def __str__(self) -> str:
        return f"{self.op}({', '.join(map(written, self.args))})"

    @property
    def gives(self) -> ValueKind:
        """What its value is."""
        return OPERATORS[self.op].gives

    def walk(self) -> Iterator[Program]:
        """Every program within, each after what it rests on, and itself last."""
        for argument in _flat(self.args):
            if isinstance(argument, Program):
                yield from argument.walk()
        yield self


def written(argument: Argument) -> str:
    """An argument as text that `reading` reads back; names are quoted only where they must be."""
    if isinstance(argument, tuple):
        return f"[{', '.join(map(written, argument))}]"
    if isinstance(argument, str):
        return argument if _BARE.fullmatch(argument) else json.dumps(argument, ensure_ascii=False)
    return f"{argument:g}" if isinstance(argument, float) else str(argument)


def _flat(arguments: tuple[Argument, ...]) -> Iterator[Argument]:
    for one in arguments:
        if isinstance(one, tuple):
            yield from _flat(one)
        else:
            yield one


SCENE: Final = Program("scene")


def things(category: str) -> Program:
    """All objects of a category."""
    return Program("filter", (SCENE, category))


def the(category: str) -> Program:
    """The object that a question means by "the chair": the best supported of its category."""
    return Program("surest", (things(category),))


def concept(program: Argument) -> str:
    """The category that a set, or what was picked of it, is made of: its first filter's."""
    if isinstance(program, Program):
        for one in program.walk():
            if one.op == "filter" and len(one.args) == 2:
                return str(one.args[1])
            if one.op == "middle":
                return str(one.args[0])
    return ""


def categories(program: Program) -> tuple[str, ...]:
    """Every category that the program talks of, in order, without repeats."""
    named = (one.args[1] for one in program.walk() if one.op == "filter" and len(one.args) == 2)
    return tuple(dict.fromkeys(str(name) for name in named))


def required(program: Program) -> tuple[str, ...]:
    """Categories without which the program has no value at all."""
    if program.op == "nearest":
        return (concept(program.args[0]),)
    if program.op in PERHAPS or grounds(program) or program.gives is ValueKind.OUTLINE:
        return ()
    return categories(program)


def looked_up(argument: Argument) -> bool:
    """Whether everything that a program measures is looked up by its category, so that one call of
    a measuring tool computes it; what is composed otherwise is executed."""
    match argument:
        case Program(op="filter", args=(Program(op="scene"), _)) | Program(op="scene"):
            return True
        case Program(op="surest", args=(inner,)):
            return looked_up(inner)
        case Program(op=op, args=args):
            return op in _MEASURED and all(map(looked_up, args))
        case tuple():
            return all(map(looked_up, argument))
    return True


def grounds(program: Program) -> bool:
    """Whether the program's value is objects, so that the answer names handles."""
    return program.gives in (ValueKind.SET, ValueKind.OBJECT)
