"""Questions answered by a mask: cut out in space, choose what is meant, answer with it."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import JsonValue

from surveyor.agent.program.grounding import NONE, find, serving
from surveyor.agent.program.language import Count, Find, Masked, Serving, categories
from surveyor.agent.program.measuring import MeasuredValue
from surveyor.agent.program.scene_builder import SceneEvidence, SceneView
from surveyor.agent.program.tool_calls import Caller, Steps
from surveyor.skills.workflow import Join
from surveyor.tools.schemas import MasksData, ObjectRow

TOOLS = frozenset({"segment_3d", "search_region", "answer_with_mask"})
"""Without these, masks are what boxes hold."""


def masked(caller: Caller, program: Masked | Serving) -> Steps[MeasuredValue | None]:
    """The answer as it is to be said, and the handles it rests on; ``None`` where the place could
    not be searched."""
    what = program.what if isinstance(program, Masked) else program
    region = program.region if isinstance(program, Masked) else ""
    query: list[JsonValue] = [*categories(what)]
    if region:
        why = "first the region, then the thing in it"
        found = yield from caller.one("search_region", why, region=region, query=query)
    else:
        found = yield from caller.one("segment_3d", "cut out what is asked about", query=query)
    if found is None:
        return None
    data = MasksData.model_validate(found.data)
    rows = yield from _meant(caller, what, data.objects)
    counted = str(len(rows)) if isinstance(what, Count) else None
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


def _meant(
    caller: Caller, what: Serving | Find | Count, rows: Sequence[ObjectRow]
) -> Steps[tuple[ObjectRow, ...]]:
    """Which of the objects are meant."""
    sight = SceneEvidence((SceneView(tuple(rows)),), Join.FUSE)
    if isinstance(what, Count):
        return tuple(row for row in rows if row.accepted)
    if isinstance(what, Find):
        reading: MeasuredValue | None = yield from find(caller, what, sight)
    else:
        reading = serving(what, sight)
    chosen = reading.value if reading is not None and isinstance(reading.value, tuple) else ()
    return tuple(row for row in rows if row.handle in chosen)
