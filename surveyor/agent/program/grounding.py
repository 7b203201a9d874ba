"""Grounding: which of the objects that were seen a description means.

An answer names handles; what they stand for is in the episode's log, so nobody has to repeat
coordinates. Attributes such as colour are not seen by any tool here: a description that rests on
one is answered with everything of its category, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from surveyor.agent.program.language import Anchor, Find, Near, Quality, Serving
from surveyor.agent.program.measuring import MeasuredValue
from surveyor.agent.program.scene_builder import SceneBuilder, SceneEvidence, SceneView
from surveyor.agent.program.tool_calls import Call, Caller, Steps, worked
from surveyor.core.anchor_actions import AnchorAction
from surveyor.tools.schemas import MeasureData, ObjectRow, ObjectsData

NONE = "none"
UNANSWERABLE = "unanswerable"
"""Said only where the whole place was searched for what a question takes for granted."""
_UPRIGHT = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_THIN = 0.001
_RESTS = 0.12
"""Metres between a thing's underside and its support's top that still count as lying on it."""


def find(caller: Caller, program: Find, sight: SceneEvidence) -> Steps[MeasuredValue]:
    """The handles that the description means; an empty tuple where nothing fits it.

    Of several views that stay apart, the one that shows most of the category is asked.
    """
    take = max(sight.takes, key=lambda one: len(one.of(program.of.category)), default=SceneView())
    rows = take.of(program.of.category)
    if program.several:
        rows = tuple(row for row in rows if row.accepted)
    match program.near:
        case None:
            fitting = rows
        case Near(kind="on", anchor=anchor):
            below = take.of(anchor.category)
            fitting = tuple(row for row in rows if any(_lies_on(row, one) for one in below))
        case Near(kind=kind, anchor=anchor):
            one = take.best(anchor.category)
            fitting = yield from _by_distance(caller, rows, one, farthest=kind == "farthest from")
    if not program.several:
        fitting = _surest(fitting)
    handles = tuple(row.handle for row in fitting)
    return MeasuredValue(handles, handles)


def serving(program: Serving, sight: SceneEvidence) -> MeasuredValue | None:
    """Every accepted thing of a kind that serves the purpose; ``None`` where there is none."""
    kinds = [kind.category for kind in program.kinds]
    take = max(sight.takes, key=lambda one: sum(len(one.of(k)) for k in kinds), default=SceneView())
    rows = [row for kind in kinds for row in take.of(kind)]
    rows = [row for row in rows if row.accepted] or list(_surest(rows))
    handles = tuple(row.handle for row in rows)
    return MeasuredValue(handles, handles) if handles else None


def anchor(
    caller: Caller, program: Anchor, sight: SceneEvidence, scene: str
) -> Steps[MeasuredValue | None]:
    """An anchor placed at the centre of the thing that is described, or of the surest one of a
    category, told as an action."""
    name = program.of.category
    row = next((found for take in sight.takes if (found := take.best(name))), None)
    if row is not None and program.find is not None:
        meant = yield from find(caller, program.find, sight)
        listed = {one.handle: one for take in sight.takes for one in take.objects}
        row = next((listed[handle] for handle in meant.sources), None)
    if row is None:
        return None
    call = Call("place_anchor", {"name": name, "beside": row.handle})
    (placed,) = yield from caller.together([call], f"an anchor at {row.handle}")
    if worked(placed) is None:
        return None
    (spot,) = ObjectsData.model_validate(placed.data).objects
    edges = tuple(max(value, _THIN) for value in row.size)
    action = AnchorAction(scene, spot.center, (row.axes or _UPRIGHT)[2], edges)
    return MeasuredValue(action.text(), (spot.handle,))


def absent(program: Quality, seer: SceneBuilder) -> Steps[MeasuredValue | None]:
    """That the question has no answer, where the place was searched and the thing is not in it."""
    searched = yield from seer.missing(program.of.category)
    return None if searched is None else MeasuredValue(UNANSWERABLE, searched)


def _by_distance(
    caller: Caller, rows: Sequence[ObjectRow], anchor: ObjectRow | None, *, farthest: bool
) -> Steps[tuple[ObjectRow, ...]]:
    """The candidate nearest to (or farthest from) the anchor by the measured gap."""
    if anchor is None or len(rows) < 2:
        return tuple(rows)
    calls = [Call("distance", {"first": [row.handle], "second": [anchor.handle]}) for row in rows]
    outcomes = yield from caller.together(calls, f"how far each is from {anchor.handle}")
    told = [
        (float(MeasureData.model_validate(outcome.data).value), row)
        for row, outcome in zip(rows, outcomes, strict=True)
        if worked(outcome) is not None
    ]
    if not told:
        return tuple(rows)
    choose = max if farthest else min
    return (choose(told, key=lambda pair: pair[0])[1],)


def _lies_on(row: ObjectRow, support: ObjectRow) -> bool:
    """Its underside is at the support's top, and its centre above the support's box."""
    gap = (row.center[2] - row.size[2] / 2) - (support.center[2] + support.size[2] / 2)
    reach = max(support.size[0], support.size[1]) / 2
    beside = max(abs(row.center[k] - support.center[k]) for k in (0, 1))
    return row.handle != support.handle and abs(gap) <= _RESTS and beside <= reach


def _surest(rows: Sequence[ObjectRow]) -> tuple[ObjectRow, ...]:
    best = max(rows, key=lambda row: (row.accepted, row.confidence * row.support), default=None)
    return () if best is None else (best,)
