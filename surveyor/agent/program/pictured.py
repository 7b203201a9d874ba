"""Questions that point into a picture: which marked thing is nearer, and to what."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue, TypeAdapter

from surveyor.agent.program.language import Closer, Marked, NearestMarked
from surveyor.agent.program.measuring import MeasuredValue
from surveyor.agent.program.scene_builder import SceneBuilder
from surveyor.agent.program.tool_calls import Call, Caller, Steps, worked
from surveyor.tools.schemas import BoxRow, DepthReadings, MaskRow, NearestData

_BOXES: TypeAdapter[tuple[BoxRow, ...]] = TypeAdapter(tuple[BoxRow, ...])
_MASKS: TypeAdapter[tuple[MaskRow, ...]] = TypeAdapter(tuple[MaskRow, ...])


def closer(caller: Caller, program: Closer) -> Steps[MeasuredValue | None]:
    """Which of two marked things or points has the smaller depth.

    A box holds more than the thing, so the thing is cut out first; a point is read where it is.
    """
    marks = yield from _marks(caller, program.things)
    if marks is None:
        return None
    outlines = {name: box.handle for name, box in marks.items()}
    boxes: list[JsonValue] = [h for name, h in outlines.items() if name.endswith(" box")]
    if boxes:
        cut = yield from caller.one("segment", "cut out what the boxes hold", boxes=boxes)
        if cut is not None:
            outlines |= {row.category: row.handle for row in _MASKS.validate_python(cut.data)}
    read = yield from caller.one("depth_at", "how far each is", things=[*outlines.values()])
    if read is None:
        return None
    depths = DepthReadings.model_validate(read.data).readings
    nearest = min(
        zip(outlines, depths, strict=True), key=lambda pair: (pair[1].depth, pair[1].spread)
    )[0]
    value = next(thing.name for thing in program.things if thing.mark == nearest)
    return MeasuredValue(value, tuple(one.handle for one in depths))


def nearest(
    caller: Caller, program: NearestMarked, seer: SceneBuilder
) -> Steps[MeasuredValue | None]:
    """Which marked thing's box in space is closest to the anchor's."""
    things = (program.anchor, *program.candidates)
    marks = yield from _marks(caller, things)
    if marks is None:
        return None
    sight = yield from seer.outlined(tuple(box.handle for box in marks.values()))
    for take in sight.takes:
        found = [take.best(thing.mark) for thing in things]
        handles: list[JsonValue] = [row.handle for row in found if row is not None]
        if len(handles) < len(things):
            continue
        call = Call("nearest", {"anchor": handles[0], "candidates": handles[1:]})
        (outcome,) = yield from caller.together([call], f"measure: {program}")
        if worked(outcome) is not None:
            order = NearestData.model_validate(outcome.data).order
            names = {thing.mark: thing.name for thing in things}
            return MeasuredValue(tuple(names[mark] for mark, _ in order), outcome.handles[:1])
    return None


def _marks(caller: Caller, things: tuple[Marked, ...]) -> Steps[Mapping[str, BoxRow] | None]:
    """Where each mark is; ``None`` unless all are found in one frame."""
    if not caller.frames:
        return None
    found = yield from caller.one("marks", "find what is pointed at", frames=[caller.frames[0]])
    if found is None:
        return None
    rows = {row.category: row for row in _BOXES.validate_python(found.data)}
    wanted = {thing.mark: rows[thing.mark] for thing in things if thing.mark in rows}
    return wanted if len(wanted) == len(things) else None
