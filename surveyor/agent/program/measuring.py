"""From a program and what was seen to values: one measuring call a take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from pydantic import JsonValue

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
    Masked,
    Nearest,
    NearestMarked,
    Orbit,
    Program,
    Quality,
    Region,
    Route,
    Serving,
    Size,
    Unique,
)
from surveyor.agent.program.scene_builder import SceneEvidence, SceneView
from surveyor.agent.program.tool_calls import Call, Caller, Steps, worked
from surveyor.memory.events import ToolOutcome
from surveyor.skills.workflow import Join
from surveyor.tools.schemas import (
    MeasureData,
    MotionData,
    NearestData,
    ObjectRow,
    ObjectsData,
    OrderData,
    TurnsData,
)

Value = float | str | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MeasuredValue:
    """A value and the handles it rests on. Lengths are metres; an order is a tuple of names."""

    value: Value
    sources: tuple[str, ...]
    weight: float = 1.0


def measure(caller: Caller, program: Program, sight: SceneEvidence) -> Steps[MeasuredValue | None]:
    """The program's value, or ``None`` when what it asks for was not seen."""
    takes = sight.takes
    if isinstance(program, Direction):
        takes = yield from _with_regions(caller, program, takes)
    planned = [
        (take, call) for take in takes if (call := _call(program, take, caller.frames)) is not None
    ]
    if not planned:
        return None
    outcomes = yield from caller.together([call for _, call in planned], f"measure: {program}")
    readings = [
        MeasuredValue(_value(program, outcome), outcome.handles[:1], _telling(program, take))
        for (take, _), outcome in zip(planned, outcomes, strict=True)
        if worked(outcome) is not None and _saw(program, outcome)
    ]
    return _joined(readings, program, sight.join)


def _with_regions(
    caller: Caller, program: Direction, takes: Sequence[SceneView]
) -> Steps[tuple[SceneView, ...]]:
    """The takes with the middle of every region that the program speaks of among the objects."""
    regions = [place for place in program.places if isinstance(place, Region)]
    found = []
    for take in takes:
        calls = [call for region in regions if (call := _region(region, take)) is not None]
        if calls:
            outcomes = yield from caller.together(calls, "find the middles of the named areas")
            spots = [
                row
                for outcome in outcomes
                if worked(outcome) is not None
                for row in ObjectsData.model_validate(outcome.data).objects
            ]
            take = replace(take, objects=(*take.objects, *spots))
        found.append(take)
    return tuple(found)


def _region(region: Region, take: SceneView) -> Call | None:
    if take.place is None:
        return None
    wanted: dict[str, JsonValue] = {"reconstruction": take.place, "name": region.name}
    if region.around is None:
        return Call("region", {**wanted, "part": region.part})
    thing = take.best(region.around.of.category)
    if thing is None:
        return None
    return Call("region", {**wanted, "around": thing.handle, "reach": region.reach})


def _direction(program: Direction, take: SceneView, frames: Sequence[str]) -> Call | None:
    named: dict[str, JsonValue] = {"sectors": program.sectors.value}
    for role, place in (("stand", program.stand), ("face", program.face), ("query", program.query)):
        if isinstance(place, Camera):
            if place.index >= len(frames) or take.place is None:
                return None
            named |= {role: frames[place.index], "reconstruction": take.place}
        elif place is not None:
            found = take.best(place.name if isinstance(place, Region) else place.of.category)
            if found is None:
                return None
            named[role] = found.handle
    return Call("direction", named)


def _call(program: Program, take: SceneView, frames: Sequence[str]) -> Call | None:
    match program:
        case Find() | Quality() | Serving() | Anchor() | Closer() | NearestMarked() | Masked():
            return None  # answered by what was found: `grounding`, `pictured` and `masking`
        case Orbit():
            if take.place is None or len(frames) < 2:
                return None
            ends = {"start": frames[0], "end": frames[-1]}
            return Call("camera_motion", {"reconstruction": take.place, **ends})
        case Count(objects=Filter(category=category)):
            found = take.of(category)
            if not found:
                return None
            weak = not found[0].accepted
            return Call("count", {"objects": _handles(found), "weak": weak})
        case AppearanceOrder(objects=several):
            wanted: list[JsonValue] = [one.category for one in several]
            if not take.boxes:
                return None
            return Call("appearance_order", {"boxes": [*take.boxes], "categories": wanted})
        case FloorArea():
            return Call("floor_area", {"place": take.place}) if take.place else None
        case Size(object=single):
            picked = _pick(take, single)
            return Call("size", {"object": picked[0]}) if picked else None
        case Distance(first=first, second=second):
            picked = _pick(take, first, second)
            return (
                Call("distance", {"first": [picked[0]], "second": [picked[1]]}) if picked else None
            )
        case Direction():
            return _direction(program, take, frames)
        case Route(start=start, facing=facing, stops=stops):
            picked = _pick(take, start, facing, *stops)
            if len(picked) < 3:
                return None
            legs: list[JsonValue] = list(picked[2:])
            return Call("route_turns", {"start": picked[0], "facing": picked[1], "stops": legs})
        case Nearest(anchor=anchor, candidates=candidates):
            picked = _pick(take, anchor)
            rivals: list[JsonValue] = [one.category for one in candidates if take.of(one.category)]
            if not picked or not rivals:
                return None
            return Call("nearest", {"anchor": picked[0], "candidates": rivals})


def _pick(take: SceneView, *singles: Unique) -> tuple[str, ...]:
    """Handles of unique objects; empty unless every one of them was found."""
    rows = [take.best(single.of.category) for single in singles]
    return tuple(row.handle for row in rows if row) if all(rows) else ()


def _handles(rows: Sequence[ObjectRow]) -> list[JsonValue]:
    return [row.handle for row in rows]


def _saw(program: Program, outcome: ToolOutcome) -> bool:
    """Whether the outcome rests on anything: an order of what was never seen is the asked one."""
    if isinstance(program, AppearanceOrder):
        return bool(OrderData.model_validate(outcome.data).order)
    return True


def _value(program: Program, outcome: ToolOutcome) -> Value:
    if isinstance(program, AppearanceOrder):
        seen = OrderData.model_validate(outcome.data)
        return (*seen.order, *seen.unseen)
    if isinstance(program, Orbit):
        moved = MotionData.model_validate(outcome.data)
        # A camera that keeps a thing in view turns by as much as it goes around it.
        around = moved.yaw if moved.around is None else moved.around
        return "right" if around >= 0 else "left"
    if isinstance(program, Route):
        turns = TurnsData.model_validate(outcome.data).turns
        return tuple(f"turn {turns[leg]}" for leg in program.blanks if leg < len(turns))
    if isinstance(program, Nearest):
        return tuple(name for name, _ in NearestData.model_validate(outcome.data).order)
    return MeasureData.model_validate(outcome.data).value


def _telling(program: Program, take: SceneView) -> float:
    """How much a single view is worth for the question: its least certain object decides."""
    match program:
        case Count(objects=Filter(category=category)):
            return float(len(take.of(category)))
        case Nearest(candidates=candidates):
            return float(sum(take.best(one.category) is not None for one in candidates))
        case _:
            return min((row.confidence for row in take.objects), default=1.0)


def _joined(
    readings: Sequence[MeasuredValue], program: Program, join: Join
) -> MeasuredValue | None:
    """One reading of many: the most telling view, or the views' vote."""
    if not readings:
        return None
    if isinstance(program, FloorArea):
        # A view shows a part of the floor, never more than all of it.
        return max(readings, key=lambda reading: _number(reading.value))
    if join is not Join.VOTE or len(readings) == 1:
        return max(readings, key=lambda reading: reading.weight)
    if isinstance(program, Nearest):
        fullest = max(reading.weight for reading in readings)
        readings = [reading for reading in readings if reading.weight == fullest]
    sources = tuple(handle for reading in readings for handle in reading.sources)
    numbers = sorted(float(r.value) for r in readings if isinstance(r.value, float | int))
    if numbers:
        # A view may show too few of them but hardly too many: the most that two views agree on.
        value = numbers[-2] if isinstance(program, Count) else median(numbers)
        return MeasuredValue(value, sources)
    winner, _ = Counter(_vote(reading) for reading in readings).most_common(1)[0]
    chosen = next(reading for reading in readings if _vote(reading) == winner)
    return MeasuredValue(chosen.value, sources)


def _vote(reading: MeasuredValue) -> Value:
    """What a view votes for: of a ranking, its first."""
    return reading.value[:1] if isinstance(reading.value, tuple) else reading.value


def _number(value: Value) -> float:
    return float(value) if isinstance(value, float | int) else 0.0
