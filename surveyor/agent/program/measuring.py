"""From a program and what was seen to values: one measuring call a take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pydantic import JsonValue

from surveyor.agent.program.execute import execute
from surveyor.agent.program.language import Argument, Program, concept, looked_up
from surveyor.agent.program.relations import BoxedThing
from surveyor.agent.program.scene_builder import SceneEvidence, SceneView
from surveyor.agent.program.tool_calls import Call, Caller, Steps, worked
from surveyor.agent.program.values import (
    NO_MARGINS,
    MeasuredScene,
    TheThing,
    ThingSet,
    Unanswerable,
)
from surveyor.core.geometry import OrientedBox
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
    """A value and the handles it rests on. Lengths are metres; an order is a tuple of names.

    ``prior`` says why it is a guess among what was seen, where it is one.
    """

    value: Value
    sources: tuple[str, ...]
    weight: float = 1.0
    prior: str = ""


def measure(caller: Caller, program: Program, sight: SceneEvidence) -> Steps[MeasuredValue | None]:
    """The program's value, or ``None`` when what it asks for was not seen."""
    takes = sight.takes
    if not looked_up(program):
        return _executed(program, sight)
    if program.op == "direction":
        takes = yield from _with_regions(caller, program, takes)
    planned = [
        (take, call) for take in takes if (call := _call(program, take, caller.frames)) is not None
    ]
    if not planned:
        return None
    named = not any(one.op in ("middle", "part", "camera") for one in program.walk())
    if named and all("within" in call.arguments for _, call in planned):
        planned = [(planned[0][0], _by_view(planned[0][1], program, sight.join))]
    outcomes = yield from caller.together([call for _, call in planned], f"measure: {program}")
    readings = [
        MeasuredValue(_value(program, outcome), outcome.handles[:1], _telling(take))
        for (take, _), outcome in zip(planned, outcomes, strict=True)
        if worked(outcome) is not None and _saw(program, outcome)
    ]
    return _joined(readings, sight.join)


def _executed(program: Program, sight: SceneEvidence) -> MeasuredValue | None:
    """The value of a program that no single measuring tool computes, on the fullest view."""
    take = max(sight.takes, key=lambda one: len(one.objects), default=SceneView())
    done = execute(program, measured_scene(take.objects), NO_MARGINS)
    match done.value:
        case Unanswerable():
            return None
        case TheThing() | ThingSet():
            return MeasuredValue(done.handles, done.handles)
        case bool():
            return MeasuredValue("yes" if done.value else "no", done.handles)
        case float() | int() | str():
            return MeasuredValue(done.value, done.handles)
        case tuple():
            return MeasuredValue(done.value, done.handles)
    return None


def measured_scene(rows: Sequence[ObjectRow], floor: float | None = None) -> MeasuredScene:
    """Rows of one frame of reference as what programs are executed on."""
    return MeasuredScene(tuple(map(boxed, rows)), floor)


def boxed(row: ObjectRow) -> BoxedThing:
    """A row as a thing of a program, weighed by what supports it: accepted ones first."""
    box = OrientedBox(center=row.center, size=row.size)
    box = box if row.axes is None else box.model_copy(update={"axes": row.axes})
    weight = row.confidence * row.support + row.confidence / 1000 + 1e6 * row.accepted
    return BoxedThing(row.handle, row.category, box, row.attributes, weight)


def _by_view(call: Call, program: Program, join: Join) -> Call:
    """The one call that measures in all views and joins what they say."""
    arguments = {key: value for key, value in call.arguments.items() if key != "within"}
    match program:
        case Program(op="nearest", args=(_, tuple() as candidates)):
            arguments["candidates"] = [*map(concept, candidates)]
    return Call(call.name, {**arguments, "join": join.value})


def _with_regions(
    caller: Caller, program: Program, takes: Sequence[SceneView]
) -> Steps[tuple[SceneView, ...]]:
    """The takes with the middle of every region that the program speaks of among the objects."""
    regions = [one for one in program.walk() if one.op in ("middle", "part")]
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


def _region(region: Program, take: SceneView) -> Call | None:
    if take.place is None:
        return None
    name = str(region.args[0])
    wanted: dict[str, JsonValue] = {"reconstruction": take.place, "name": name}
    match region:
        case Program(op="middle", args=(_, around, float() | int() as reach)):
            thing = take.best(concept(around))
            if thing is None:
                return None
            return Call("region", {**wanted, "around": thing.handle, "reach": reach})
    return Call("region", {**wanted, "part": str(region.args[1])})


def _direction(program: Program, take: SceneView, frames: Sequence[str]) -> Call | None:
    named: dict[str, JsonValue] = {"sectors": str(program.args[3])}
    for role, place in zip(("stand", "face", "query"), program.args[:3], strict=True):
        match place:
            case Program(op="ahead"):
                continue
            case Program(op="camera", args=(int() as index,)):
                if index >= len(frames) or take.place is None:
                    return None
                named |= {role: frames[index], "reconstruction": take.place}
            case Program(op="middle" | "part", args=(name, *_)):
                if (found := take.best(str(name))) is None:
                    return None
                named[role] = found.handle
            case _:
                if not _pick(take, place):
                    return None
                named[role] = concept(place)
    return Call("direction", {**named, **take.within})


def _call(program: Program, take: SceneView, frames: Sequence[str]) -> Call | None:
    """The one measuring call that computes the program; ``None`` where what it needs is missing,
    and for what `grounding`, `pictured` and `masking` answer."""
    match program:
        case Program(op="camera_motion_around"):
            if take.place is None or len(frames) < 2:
                return None
            ends = {"start": frames[0], "end": frames[-1]}
            return Call("camera_motion", {"reconstruction": take.place, **ends})
        case Program(op="count"):
            name = concept(program)
            return Call("count", {"category": name, **take.within}) if take.of(name) else None
        case Program(op="order_by_first_sight", args=(tuple() as several,)):
            wanted: list[JsonValue] = [concept(one) for one in several]
            if not take.boxes:
                return None
            return Call("appearance_order", {"boxes": [*take.boxes], "categories": wanted})
        case Program(op="floor_area"):
            return Call("floor_area", {"place": take.place}) if take.place else None
        case Program(op="direction"):
            return _direction(program, take, frames)
    return _between(program, take)


def _between(program: Program, take: SceneView) -> Call | None:
    """A call about single objects, all of which must have been found."""
    match program:
        case Program(op="longest_edge", args=(thing,)):
            picked = _pick(take, thing)
            return Call("size", {"object": picked[0], **take.within}) if picked else None
        case Program(op="distance", args=(first, second)):
            picked = _pick(take, first, second)
            ends: dict[str, JsonValue] = {"first": [*picked[:1]], "second": [*picked[1:]]}
            return Call("distance", {**ends, **take.within}) if picked else None
        case Program(op="turns", args=(start, facing, tuple() as stops, _)):
            rows = [take.best(concept(single)) for single in (start, facing, *stops)]
            handles = [row.handle for row in rows if row]
            if len(handles) < max(3, len(rows)):
                return None
            legs: list[JsonValue] = list(handles[2:])
            return Call("route_turns", {"start": handles[0], "facing": handles[1], "stops": legs})
        case Program(op="nearest", args=(anchor, tuple() as candidates)):
            picked = _pick(take, anchor)
            names = map(concept, candidates)
            rivals: list[JsonValue] = [name for name in names if take.of(name)]
            if not picked or not rivals:
                return None
            return Call("nearest", {"anchor": picked[0], "candidates": rivals, **take.within})
    return None


def _pick(take: SceneView, *singles: Argument) -> tuple[str, ...]:
    """Names of single objects, which tools take; empty unless every one of them was found."""
    names = tuple(map(concept, singles))
    return names if all(take.best(name) for name in names) else ()


def _saw(program: Program, outcome: ToolOutcome) -> bool:
    """Whether the outcome rests on anything: an order of what was never seen is the asked one."""
    if program.op == "order_by_first_sight":
        return bool(OrderData.model_validate(outcome.data).order)
    return True


def _value(program: Program, outcome: ToolOutcome) -> Value:
    if program.op == "order_by_first_sight":
        seen = OrderData.model_validate(outcome.data)
        return (*seen.order, *seen.unseen)
    if program.op == "camera_motion_around":
        moved = MotionData.model_validate(outcome.data)
        # A camera that keeps a thing in view turns by as much as it goes around it.
        around = moved.yaw if moved.around is None else moved.around
        return "right" if around >= 0 else "left"
    if program.op == "turns":
        turns = TurnsData.model_validate(outcome.data).turns
        legs = program.args[3]
        asked = [leg for leg in legs if isinstance(leg, int)] if isinstance(legs, tuple) else []
        return tuple(f"turn {turns[leg]}" for leg in asked if leg < len(turns))
    if program.op == "nearest":
        return tuple(name for name, _ in NearestData.model_validate(outcome.data).order)
    return MeasureData.model_validate(outcome.data).value


def _telling(take: SceneView) -> float:
    """How much a single view is worth: its least certain object decides."""
    return min((row.confidence for row in take.objects), default=1.0)


def _joined(readings: Sequence[MeasuredValue], join: Join) -> MeasuredValue | None:
    """One reading of many: the most telling view, or the views' vote."""
    if not readings:
        return None
    if join is not Join.VOTE or len(readings) == 1:
        return max(readings, key=lambda reading: reading.weight)
    sources = tuple(handle for reading in readings for handle in reading.sources)
    winner, _ = Counter(_vote(reading) for reading in readings).most_common(1)[0]
    chosen = next(reading for reading in readings if _vote(reading) == winner)
    return MeasuredValue(chosen.value, sources)


def _vote(reading: MeasuredValue) -> Value:
    """What a view votes for: of a ranking, its first."""
    return reading.value[:1] if isinstance(reading.value, tuple) else reading.value
