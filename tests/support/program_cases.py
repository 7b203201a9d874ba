"""Seeded rooms and seeded programs of every operator, for the executor and for the oracle."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

from surveyor.agent.program.execute import execute
from surveyor.agent.program.language import (
    FROM_FRAMES,
    OPERATORS,
    WORDS,
    Program,
    ValueKind,
    the,
    things,
)
from surveyor.agent.program.relations import BoxedThing
from surveyor.agent.program.values import AskerPose, MeasuredScene, TheThing, ThingSet, Unanswerable
from surveyor.scenes.rooms.room import RoomSpec, build_room
from tests.support.program_oracle import NOTHING, Oracle, Thing

EXECUTED = sorted(OPERATORS.keys() - FROM_FRAMES)
"""Every operator that boxes answer."""
NAMES = ("chair", "night-stand", "3d_printer", "trash bin", "desk")


def built_room(seed: int) -> tuple[list[Thing], float]:
    """A room of the embedded world, from its construction: boxes with their turn, and the floor."""
    room = build_room(RoomSpec(seed=seed, clutter=0.2, objects=16))
    found = []
    for item in room.objects:
        (ax, ay, _), *_ = item.box.axes
        found.append({
            "id": f"obj_{item.instance_id}", "name": item.category, "words": dict(item.attributes),
            "center": item.box.center, "size": item.box.size, "yaw": math.atan2(ay, ax),
            "weight": 1 + (7 * item.instance_id) % 10,
        })  # fmt: skip
    return found, room.area


def heaped_room(seed: int) -> tuple[list[Thing], float]:
    """Boxes anywhere, turned any way, in and on each other: what no furnished room shows."""
    dice = random.Random(seed)
    found = []
    for number in range(dice.randint(2, 12)):
        size = tuple(dice.uniform(0.1, 1.8) for _ in range(3))
        z = dice.choice([size[2] / 2, dice.uniform(0.2, 2.5)])
        words = {} if dice.random() < 0.4 else {"color": dice.choice(["red", "black", "white"])}
        found.append({
            "id": f"obj_{number}", "name": dice.choice(NAMES), "words": words,
            "center": (dice.uniform(0, 6), dice.uniform(0, 5), z), "size": size,
            "yaw": dice.uniform(-3, 3), "weight": number + 0.5,
        })  # fmt: skip
    return found, 30.0


def boxed(room: list[Thing]) -> tuple[BoxedThing, ...]:
    from surveyor.core.geometry import OrientedBox

    return tuple(
        BoxedThing(
            t["id"],
            t["name"],
            OrientedBox.upright(t["center"], t["size"], t["yaw"]),
            t["words"],
            t["weight"],
        )
        for t in room
    )


class Writer:
    """Writes programs that pass the type check; names come from the room, and some from nowhere."""

    def __init__(self, room: list[Thing], dice: random.Random) -> None:
        self.dice = dice
        self.names = [*sorted({t["name"] for t in room}), "grand piano"]
        self.words = [(k, v) for t in room for k, v in t["words"].items()] + [("color", "red")]

    def write(self, op: str, deep: int = 2) -> Program:
        known = OPERATORS[op]
        if op == "nearest":
            return Program(
                op,
                (
                    self.of(ValueKind.OBJECT, deep),
                    tuple(map(things, self.dice.sample(self.names, 2))),
                ),
            )
        if op == "floor_area" and self.dice.random() < 0.7:
            return Program(op, (Program("scene"),))
        if op == "filter":
            name, value = self.dice.choice(self.words)
            bare = self.dice.choice([*self.names, value])
            last = (name, value) if self.dice.random() < 0.4 else (bare,)
            return Program(op, (self.of(ValueKind.SET, deep), *last))
        if op in ("argmin", "argmax"):
            key = self.dice.choice(WORDS[ValueKind.KEY])
            other = (self.of(ValueKind.OBJECT, deep),) if key == "distance" else ()
            return Program(op, (self.of(ValueKind.SET, deep), key, *other))
        count = self.dice.randint(1, 3) if known.many else len(known.takes)
        kinds = [known.takes[min(at, len(known.takes) - 1)] for at in range(count)]
        return Program(op, tuple(self.of(kind, deep) for kind in kinds))

    def of(self, kind: ValueKind, deep: int) -> Any:
        if kind in WORDS:
            return self.dice.choice(WORDS[kind])
        if kind is ValueKind.NAME:
            return self.dice.choice(["color", "material", "category"])
        if kind is ValueKind.PLACE:
            if self.dice.random() < 0.2:
                return Program(self.dice.choice(["asker", "ahead"]))
            kind = ValueKind.OBJECT
        if deep <= 0 or self.dice.random() < 0.4:
            name = self.dice.choice(self.names)
            return (
                things(name)
                if kind is ValueKind.SET
                else self.dice.choice([the(name), Program("unique", (things(name),))])
            )
        ops = {
            ValueKind.SET: ["scene", "filter", "relate", "relate_multi", "relate_anchor", "union",
                            "intersection", "difference"],
            ValueKind.OBJECT: ["unique", "surest", "argmin", "argmax"],
        }  # fmt: skip
        return self.write(self.dice.choice(ops[kind]), deep - 1)


def differences(room: list[Thing], floor: float, seed: int) -> Iterator[tuple[str, bool, str]]:
    """Per operator one program: whether it had a value, and how executor and oracle differ."""
    dice = random.Random(seed)
    asker = (
        (dice.uniform(-1, 0), dice.uniform(-1, 0), dice.uniform(-3, 3))
        if dice.random() < 0.5
        else None
    )
    known = floor if dice.random() < 0.8 else None
    scene = MeasuredScene(boxed(room), known, AskerPose(*asker) if asker else None)
    oracle, writer = Oracle(room, known, asker), Writer(room, dice)
    for op in EXECUTED:
        program = writer.write(op)
        mine, wanted = _told(execute(program, scene).value), oracle.answer(program)
        same = (
            abs(mine - wanted) < 2e-4
            if isinstance(mine, float) and isinstance(wanted, float)
            else mine == wanted
        )
        yield op, wanted != NOTHING, "" if same else f"{program}: {mine}, not {wanted}"


def _told(value: object) -> Any:
    if isinstance(value, ThingSet):
        return list(value.sure), list(value.maybe)
    if isinstance(value, TheThing):
        return value.handle
    if isinstance(value, Unanswerable):
        return NOTHING
    return value if isinstance(value, (str, bool, int, float, tuple)) else "a place"


def compared(seeds: range, heaped: bool = False) -> tuple[Counter[str], Counter[str], list[str]]:
    """Programs asked and programs without a value, by operator, and all that differed."""
    asked: Counter[str] = Counter()
    without: Counter[str] = Counter()
    wrong: list[str] = []
    for seed in seeds:
        room, floor = heaped_room(seed) if heaped else built_room(seed)
        for op, valued, difference in differences(room, floor, seed):
            asked[op] += 1
            without[op] += not valued
            wrong += [f"room {seed}: {difference}"] if difference else []
    return asked, without, wrong
