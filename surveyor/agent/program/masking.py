"""Questions answered by a mask: cut out in space, choose what is meant, answer with it."""

from __future__ import annotations

from pydantic import JsonValue

from surveyor.agent.program.grounding import NONE, find, serving
from surveyor.agent.program.language import Program, categories
from surveyor.agent.program.measuring import MeasuredValue
from surveyor.agent.program.scene_builder import SceneEvidence, SceneView
from surveyor.agent.program.tool_calls import Caller, Steps
from surveyor.skills.workflow import Join
from surveyor.tools.schemas import MasksData, ObjectRow

TOOLS = frozenset({"segment_3d", "search_region", "answer_with_mask"})
"""Without these, masks are what boxes hold."""


MASKED = frozenset({"mask", "counted_mask", "union"})
"""Programs that masks answer: a union is of what serves a purpose."""


def masked(caller: Caller, program: Program) -> Steps[MeasuredValue | None]:
    """The answer as it is to be said, and the handles it rests on; ``None`` where the place could
    not be searched."""
    what, region = program if program.op == "union" else program.args[0], ""
    match what:
        case Program(op="in_region", args=(inner, str() as region)):
            what = inner
    if not isinstance(what, Program):
        return None
    query: list[JsonValue] = [*categories(what)]
    if region:
        why = "first the region, then the thing in it"
        found = yield from caller.one("search_region", why, region=region, query=query)
    else:
        found = yield from caller.one("segment_3d", "cut out what is asked about", query=query)
    if found is None:
        return None
    data = MasksData.model_validate(found.data)
    counts = program.op == "counted_mask"
    rows = tuple(row for row in data.objects if row.accepted) if counts else _meant(what, data)
    counted = str(len(rows)) if counts else None
    if not rows:
        # Every view was searched, so that there is none is a finding.
        return MeasuredValue(counted or NONE, found.handles[-1:])
    handles: list[JsonValue] = [row.handle for row in rows]
    arguments: dict[str, JsonValue] = {"objects": handles}
    if counted is not None:
        arguments["answer"] = counted
    answered = yield from caller.one("answer_with_mask", "show what is meant", **arguments)
    if answered is None:
        return None
    said = MasksData.model_validate(answered.data).said
    return MeasuredValue(said or NONE, tuple(row.handle for row in rows))


def _meant(what: Program, data: MasksData) -> tuple[ObjectRow, ...]:
    """Which of the objects are meant."""
    sight = SceneEvidence((SceneView(tuple(data.objects)),), Join.FUSE)
    reading = serving(what, sight) if what.op == "union" else find(what, sight)
    chosen = reading.value if reading is not None and isinstance(reading.value, tuple) else ()
    return tuple(row for row in data.objects if row.handle in chosen)
