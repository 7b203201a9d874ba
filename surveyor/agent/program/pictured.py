"""Questions that point into a picture: which marked thing is nearer, and to what."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import JsonValue, TypeAdapter

from surveyor.agent.program.language import Argument, Program
from surveyor.agent.program.measuring import MeasuredValue
from surveyor.agent.program.scene_builder import SceneBuilder
from surveyor.agent.program.tool_calls import Call, Caller, Steps, worked
from surveyor.tools.schemas import BoxRow, DepthReadings, MaskRow, NearestData

_BOXES: TypeAdapter[tuple[BoxRow, ...]] = TypeAdapter(tuple[BoxRow, ...])
_MASKS: TypeAdapter[tuple[MaskRow, ...]] = TypeAdapter(tuple[MaskRow, ...])


def closer(caller: Caller, program: Program) -> Steps[MeasuredValue | None]:
    """Which of two marked things or points has the smaller depth.

    A box holds more than the thing, so the thing is cut out first; a point is read where it is.
    """
    things = _named(program.args[0])
    marks = yield from _marks(caller, tuple(things))
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
    return MeasuredValue(things[nearest], tuple(one.handle for one in depths))


def nearest(caller: Caller, program: Program, seer: SceneBuilder) -> Steps[MeasuredValue | None]:
    """Which marked thing's box in space is closest to the anchor's."""
    names = _named(program.args)
    marks = yield from _marks(caller, tuple(names))
    if marks is None:
        return None
    sight = yield from seer.outlined(tuple(box.handle for box in marks.values()))
    for take in sight.takes:
        found = [take.best(mark) for mark in names]
        handles: list[JsonValue] = [row.handle for row in found if row is not None]
        if len(handles) < len(names):
            continue
        call = Call("nearest", {"anchor": handles[0], "candidates": handles[1:]})
        (outcome,) = yield from caller.together([call], f"measure: {program}")
        if worked(outcome) is not None:
            order = NearestData.model_validate(outcome.data).order
            return MeasuredValue(tuple(names[mark] for mark, _ in order), outcome.handles[:1])
    return None


def _named(marks: Argument) -> dict[str, str]:
    """What the marks in arguments are called, by what is drawn."""
    if isinstance(marks, Program):
        drawn, name = map(str, marks.args)
        return {drawn: name}
    assert isinstance(marks, tuple)
    return {drawn: name for mark in marks for drawn, name in _named(mark).items()}


def _marks(caller: Caller, wanted: tuple[str, ...]) -> Steps[Mapping[str, BoxRow] | None]:
    """Where each mark is; ``None`` unless all are found in one frame."""
    if not caller.frames:
        return None
    found = yield from caller.one("marks", "find what is pointed at", frames=[caller.frames[0]])
    if found is None:
        return None
    rows = {row.category: row for row in _BOXES.validate_python(found.data)}
    found_all = {mark: rows[mark] for mark in wanted if mark in rows}
    return found_all if len(found_all) == len(wanted) else None
