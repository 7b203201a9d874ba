"""Grounding: which of the objects that were seen a description means.

An answer names handles; what they stand for is in the episode's log, so nobody has to repeat
coordinates. Attributes such as colour are not seen by any tool here: a description that rests on
one is answered with everything of its category, and says so.
"""

from __future__ import annotations

from collections.abc import Sequence

from surveyor.agent.program.execute import execute
from surveyor.agent.program.language import Program, ValueKind, categories, concept, things
from surveyor.agent.program.measuring import MeasuredValue, measured_scene
from surveyor.agent.program.scene_builder import SceneBuilder, SceneEvidence, SceneView
from surveyor.agent.program.tool_calls import Call, Caller, Steps, worked
from surveyor.agent.program.values import NO_MARGINS, Unanswerable
from surveyor.core.anchor_actions import AnchorAction
from surveyor.tools.schemas import ObjectRow, ObjectsData

NONE = "none"
UNANSWERABLE = "unanswerable"
"""Said only where the whole place was searched for what a question takes for granted."""
_UPRIGHT = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_THIN = 0.001


def find(program: Program, sight: SceneEvidence) -> MeasuredValue:
    """The handles that the description means; an empty tuple where nothing fits it.

    Of several views that stay apart, the one that shows most of the category is asked. Where what
    the description names beside its category was not found, the surest of the category is a guess.
    """
    name = concept(program)
    take = max(sight.takes, key=lambda one: len(one.of(name)), default=SceneView())
    rows = [row for category in categories(program) for row in take.of(category)]
    if program.gives is ValueKind.SET:
        rows = [row for row in rows if row.accepted or row.category.casefold() != name.casefold()]
    done = execute(program, measured_scene(rows), NO_MARGINS)
    guessed = take.best(name)
    if isinstance(done.value, Unanswerable) and program.op.startswith("arg") and guessed:
        return MeasuredValue((guessed.handle,), (guessed.handle,), prior=done.value.reason)
    handles = () if isinstance(done.value, Unanswerable) else done.handles
    return MeasuredValue(handles, handles)


def serving(program: Program, sight: SceneEvidence) -> MeasuredValue | None:
    """Every accepted thing of a kind that serves the purpose; ``None`` where there is none."""
    kinds = categories(program)
    take = max(sight.takes, key=lambda one: sum(len(one.of(k)) for k in kinds), default=SceneView())
    rows = [row for kind in kinds for row in take.of(kind)]
    rows = [row for row in rows if row.accepted] or list(_surest(rows))
    handles = tuple(row.handle for row in rows)
    return MeasuredValue(handles, handles) if handles else None


def anchor(
    caller: Caller, program: Program, sight: SceneEvidence, scene: str
) -> Steps[MeasuredValue | None]:
    """An anchor placed at the centre of the thing that is described, or of the surest one of a
    category, told as an action."""
    (described,) = program.args
    name = concept(program)
    row = next((found for take in sight.takes if (found := take.best(name))), None)
    if row is not None and isinstance(described, Program) and described != things(name):
        meant = find(described, sight)
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


def absent(program: Program, seer: SceneBuilder) -> Steps[MeasuredValue | None]:
    """That the question has no answer, where the place was searched and the thing is not in it."""
    searched = yield from seer.missing(concept(program))
    return None if searched is None else MeasuredValue(UNANSWERABLE, searched)


def _surest(rows: Sequence[ObjectRow]) -> tuple[ObjectRow, ...]:
    best = max(rows, key=lambda row: (row.accepted, row.confidence * row.support), default=None)
    return () if best is None else (best,)
