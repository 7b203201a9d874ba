"""What programs come to, by brute force in plain Python.

Written apart from the executor: they share the syntax tree alone.

Rooms are lists of dicts; every set is a truth table over all objects (True, False, None for
"within the margin"), every relation a nested loop, every distance a comparison of all edges.
"""

from __future__ import annotations

import math
from itertools import product
from typing import Any

from surveyor.agent.program.language import Program

MARGIN, DEGREES = 0.05, 5.0
NOTHING = "cannot be answered"
"""What every program without a value gives here."""
Thing = dict[str, Any]


class Refused(Exception):
    pass


def kleene_and(values: list[bool | None]) -> bool | None:
    return False if False in values else None if None in values else True


def kleene_or(values: list[bool | None]) -> bool | None:
    return True if True in values else None if None in values else False


def surely(metres: float) -> bool | None:
    return None if -MARGIN <= metres <= MARGIN else metres > 0


def rectangle(thing: Thing) -> list[tuple[float, float]]:
    (x, y, _), (w, d, _), yaw = thing["center"], thing["size"], thing["yaw"]
    c, s = math.cos(yaw), math.sin(yaw)
    return [
        (x + c * u * w / 2 - s * v * d / 2, y + s * u * w / 2 + c * v * d / 2)
        for u, v in ((-1, -1), (1, -1), (1, 1), (-1, 1))
    ]


def depth_in(thing: Thing, x: float, y: float) -> float:
    """How deep a point lies in a footprint."""
    c, s = math.cos(thing["yaw"]), math.sin(thing["yaw"])
    dx, dy = x - thing["center"][0], y - thing["center"][1]
    along, across = abs(c * dx + s * dy), abs(-s * dx + c * dy)
    return float(min(thing["size"][0] / 2 - along, thing["size"][1] / 2 - across))


def span(thing: Thing) -> tuple[float, float]:
    return thing["center"][2] - thing["size"][2] / 2, thing["center"][2] + thing["size"][2] / 2


def to_segment(p: tuple[float, float], a: tuple[float, float], b: tuple[float, float]) -> float:
    dx, dy = b[0] - a[0], b[1] - a[1]
    t = max(
        0.0, min(1.0, ((p[0] - a[0]) * dx + (p[1] - a[1]) * dy) / max(dx * dx + dy * dy, 1e-18))
    )
    return math.hypot(p[0] - a[0] - t * dx, p[1] - a[1] - t * dy)


def crossing(a: Any, b: Any, c: Any, d: Any) -> bool:
    def turn(p: Any, q: Any, r: Any) -> float:
        return float((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))

    return turn(a, b, c) * turn(a, b, d) < 0 and turn(c, d, a) * turn(c, d, b) < 0


def gap(a: Thing, b: Thing) -> float:
    """Distance of two upright boxes: their footprints' and their heights' together."""
    one, other = rectangle(a), rectangle(b)
    edges = [[(r[i], r[(i + 1) % 4]) for i in range(4)] for r in (one, other)]
    touching = any(depth_in(b, *p) >= 0 for p in one) or any(depth_in(a, *p) >= 0 for p in other)
    touching = touching or any(crossing(*e, *f) for e, f in product(*edges))
    flat = (
        0.0
        if touching
        else min(
            min(to_segment(p, *e) for p in one for e in edges[1]),
            min(to_segment(p, *e) for p in other for e in edges[0]),
        )
    )
    (low, high), (under, top) = span(a), span(b)
    return math.hypot(flat, max(0.0, under - high, low - top))


def volume(thing: Thing) -> float:
    return float(thing["size"][0] * thing["size"][1] * thing["size"][2])


def holds(word: str, a: Thing, b: Thing) -> bool | None:
    (low, high), (under, top) = span(a), span(b)
    if word == "near":
        return surely(1.0 - gap(a, b))
    if word == "far":
        return surely(gap(a, b) - 3.0)
    if word == "beside":
        return kleene_and([surely(0.5 - gap(a, b)), surely(min(high, top) - max(low, under))])
    if word == "on":
        return kleene_and(
            [surely(0.12 - abs(low - top)), surely(depth_in(b, a["center"][0], a["center"][1]))]
        )
    if word == "above":
        over = max(
            depth_in(b, a["center"][0], a["center"][1]), depth_in(a, b["center"][0], b["center"][1])
        )
        return kleene_and([surely(low - top + 0.1), surely(over)])
    if word == "below":
        return holds("above", b, a)
    assert word == "inside"
    tall = b["size"][2] / 2 - abs(a["center"][2] - b["center"][2])
    return kleene_and([
        surely(depth_in(b, a["center"][0], a["center"][1])), surely(tall),
        surely(volume(b) ** (1 / 3) - volume(a) ** (1 / 3)),
    ])  # fmt: skip


def towards(start: tuple[float, float], end: tuple[float, float]) -> tuple[float, float]:
    length = math.hypot(end[0] - start[0], end[1] - start[1])
    if length <= MARGIN:
        raise Refused
    return (end[0] - start[0]) / length, (end[1] - start[1]) / length


def stands(word: str, a: Thing, anchor: Thing, look: tuple[float, float]) -> bool | None:
    x, y = a["center"][0] - anchor["center"][0], a["center"][1] - anchor["center"][1]
    ahead, left = look[0] * x + look[1] * y, look[0] * y - look[1] * x
    return surely({"left": left, "right": -left, "front": ahead, "behind": -ahead}[word])


class Oracle:
    def __init__(
        self, room: list[Thing], floor: float | None, asker: tuple[float, float, float] | None
    ) -> None:
        self.room, self.floor, self.asker = room, floor, asker

    def answer(self, program: Program) -> Any:
        """Sets are (sure ids, ids on the margin), objects their id; `NOTHING`: no value."""
        try:
            told = self.eval(program)
        except Refused:
            return NOTHING
        if isinstance(told, list):
            ids = [thing["id"] for thing in self.room]
            return (
                [i for i, t in zip(ids, told, strict=True) if t is True],
                [i for i, t in zip(ids, told, strict=True) if t is None],
            )
        return told.get("id", "a place") if isinstance(told, dict) else told

    def eval(self, p: Any) -> Any:
        if isinstance(p, tuple):
            return [self.eval(one) for one in p]
        if not isinstance(p, Program):
            return p
        return getattr(self, f"do_{p.op}")(p, *[self.eval(one) for one in p.args])

    def each(self, members: list[Any], truth: Any) -> list[Any]:
        return [
            kleene_and([m, truth(t)]) if m is not False else False
            for m, t in zip(members, self.room, strict=True)
        ]

    def some(self, others: list[Any], truth: Any, apart: Thing) -> bool | None:
        return kleene_or(
            [
                kleene_and([m, truth(o)])
                for m, o in zip(others, self.room, strict=True)
                if m is not False and o is not apart
            ]
        )

    def do_scene(self, p: Program) -> Any:
        return [True] * len(self.room)

    def do_filter(self, p: Program, s: Any, name: str, value: str | None = None) -> Any:
        if value is not None:
            return self.each(
                s, lambda t: None if name not in t["words"] else t["words"][name] == value
            )
        if any(t["name"] == name for t in self.room):
            return self.each(s, lambda t: t["name"] == name)
        if name in ("red", "black", "white") and not any(t["words"] for t in self.room):
            raise Refused
        return self.each(s, lambda t: name in t["words"].values())

    def do_relate(self, p: Program, s: Any, r: Any, word: str) -> Any:
        if word not in ("left", "right", "front", "behind"):
            return self.each(s, lambda t: self.some(r, lambda o: holds(word, t, o), t))
        if self.asker is None:
            raise Refused
        flipped = {"front": "behind", "behind": "front"}.get(word, word)
        here = self.asker[:2]
        return self.each(
            s,
            lambda t: self.some(
                r, lambda o: stands(flipped, t, o, towards(here, o["center"][:2])), t
            ),
        )

    def do_relate_multi(self, p: Program, s: Any, r: Any, q: Any, word: str) -> Any:
        def amid(t: Thing, a: Thing, b: Thing) -> bool | None:
            if a is b:
                return False
            (ax, ay), (bx, by), (x, y) = a["center"][:2], b["center"][:2], t["center"][:2]
            long = math.hypot(bx - ax, by - ay)
            if long == 0:
                return surely(-math.hypot(x - ax, y - ay))
            along = ((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / long
            off = abs((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / long
            return kleene_and([surely(along), surely(long - along), surely(0.75 - off)])

        return self.each(
            s, lambda t: self.some(r, lambda a: self.some(q, lambda b: amid(t, a, b), t), t)
        )

    def do_relate_anchor(self, p: Program, s: Any, f: Any, a: Any, word: str) -> Any:
        face, anchor = self.do_unique(p, f), self.do_unique(p, a)
        look = towards(anchor["center"][:2], face["center"][:2])
        return self.each(s, lambda t: False if t is anchor else stands(word, t, anchor, look))

    def do_union(self, p: Program, *sets: Any) -> Any:
        return [kleene_or(list(row)) for row in zip(*sets, strict=True)]

    def do_intersection(self, p: Program, *sets: Any) -> Any:
        return [kleene_and(list(row)) for row in zip(*sets, strict=True)]

    def do_difference(self, p: Program, a: Any, b: Any) -> Any:
        return [kleene_and([x, None if y is None else not y]) for x, y in zip(a, b, strict=True)]

    def do_unique(self, p: Program, s: Any) -> Any:
        if None in s or s.count(True) != 1:
            raise Refused
        return self.room[s.index(True)]

    def do_surest(self, p: Program, s: Any) -> Any:
        for wanted in (True, None):
            if wanted in s:
                return max(
                    (t for m, t in zip(s, self.room, strict=True) if m is wanted),
                    key=lambda t: t["weight"],
                )
        raise Refused

    def extreme(self, s: Any, key: str, other: Thing | None, sign: int) -> Any:
        if (key == "distance") != (other is not None):
            raise Refused
        measure = {
            "distance": lambda t: gap(t, other or t), "size": lambda t: max(t["size"]),
            "height": lambda t: t["size"][2],
            "area": lambda t: t["size"][0] * t["size"][1], "volume": volume,
        }[key]  # fmt: skip
        rest = [
            (sign * measure(t), i)
            for i, (m, t) in enumerate(zip(s, self.room, strict=True))
            if m is not False and t is not other
        ]
        if not rest:
            raise Refused
        rest.sort()
        if len(rest) > 1 and rest[1][0] - rest[0][0] <= MARGIN:
            raise Refused
        if s[rest[0][1]] is None:
            raise Refused
        return self.room[rest[0][1]]

    def do_argmin(self, p: Program, s: Any, key: str, other: Thing | None = None) -> Any:
        return self.extreme(s, key, other, 1)

    def do_argmax(self, p: Program, s: Any, key: str, other: Thing | None = None) -> Any:
        return self.extreme(s, key, other, -1)

    def do_count(self, p: Program, s: Any) -> Any:
        if None in s:
            raise Refused
        return s.count(True)

    def do_exists(self, p: Program, s: Any) -> Any:
        found = kleene_or(s)
        if found is None:
            raise Refused
        return found

    def do_query(self, p: Program, t: Thing, name: str) -> Any:
        if name == "category":
            return t["name"]
        if name not in t["words"]:
            raise Refused
        return t["words"][name]

    def do_distance(self, p: Program, a: Thing, b: Thing) -> Any:
        if a is b:
            raise Refused
        return gap(a, b)

    def do_longest_edge(self, p: Program, t: Thing) -> Any:
        return max(t["size"])

    def do_area(self, p: Program, t: Thing) -> Any:
        return t["size"][0] * t["size"][1]

    def do_floor_area(self, p: Program, s: Any) -> Any:
        if self.floor is None or not all(m is True for m in s):
            raise Refused
        return self.floor

    def do_nearest(self, p: Program, anchor: Thing, sets: Any) -> Any:
        names = [one.args[1] for one in p.args[1]]  # type: ignore[union-attr]
        told = []
        for name, s in zip(names, sets, strict=True):
            near = [
                gap(anchor, t)
                for m, t in zip(s, self.room, strict=True)
                if m is True and t is not anchor
            ]
            if near:
                told.append((min(near), name))
        told.sort(key=lambda pair: pair[0])
        if not told or (len(told) > 1 and told[1][0] - told[0][0] <= MARGIN):
            raise Refused
        return tuple(name for _, name in told)

    def do_asker(self, p: Program) -> Any:
        if self.asker is None:
            raise Refused
        return {"center": (*self.asker[:2], 0.0)}

    def do_ahead(self, p: Program) -> Any:
        if self.asker is None:
            raise Refused
        x, y, heading = self.asker
        return {"center": (x + math.cos(heading), y + math.sin(heading), 0.0)}

    def do_direction(
        self, p: Program, stand: Thing, face: Thing, query: Thing, sectors: str
    ) -> Any:
        look = towards(stand["center"][:2], face["center"][:2])
        aim = towards(stand["center"][:2], query["center"][:2])
        turn = math.degrees(
            math.atan2(look[0] * aim[1] - look[1] * aim[0], look[0] * aim[0] + look[1] * aim[1])
        )
        borders = {
            "easy": (0, 180),
            "medium": (0, 135, -135),
            "hard": (0, 90, -90, 180),
            "compass": (45, 135, -45, -135),
        }
        if any(abs((turn - b + 180) % 360 - 180) <= DEGREES for b in borders[sectors]):
            raise Refused
        if sectors == "easy":
            return "left" if turn > 0 else "right"
        if sectors == "medium":
            return "back" if abs(turn) > 135 else "left" if turn > 0 else "right"
        if sectors == "hard":
            return ("front" if abs(turn) < 90 else "back") + ("-left" if turn > 0 else "-right")
        return (
            "north"
            if abs(turn) < 45
            else "south"
            if abs(turn) > 135
            else "west"
            if turn > 0
            else "east"
        )
