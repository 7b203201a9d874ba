"""`program`: a chat model computes on the objects of its episode with a program of its own.

A text that is no program comes back with what was expected where, and so does a value that cannot
be told: "2 found" is an observation to act on.
"""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, JsonValue

from surveyor.agent.program.account import value_text
from surveyor.agent.program.execute import execute
from surveyor.agent.program.language import FROM_FRAMES, OPERATORS, Program
from surveyor.agent.program.reading import read_program, usage
from surveyor.agent.program.relations import BoxedThing
from surveyor.agent.program.values import MeasuredScene, Unanswerable
from surveyor.core.errors import ModelMistake, UserError
from surveyor.core.geometry import require_metric
from surveyor.tools.records import MeasureRecord, ObjectRecord, RoomRecord
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.workspace import Workspace

PROGRAM: Final = "program"


class ProgramArguments(Arguments):
    """What to compute."""

    text: Annotated[
        str, Field(min_length=1, max_length=2000, description="such as count(filter(scene(), bed))")
    ]


async def _run(asked: ProgramArguments, workspace: Workspace) -> ToolResult:
    try:
        program = read_program(asked.text)
    except UserError as error:
        raise ModelMistake(f"{error}. Operators: {', '.join(_ours())}") from None
    found = [pair for pair in workspace.all(ObjectRecord) if pair[1].accepted]
    if not found:
        raise ModelMistake("no object was found yet; look first, then compute")
    spaces = list(dict.fromkeys(record.space for _, record in found))
    if len(spaces) > 1:
        raise ModelMistake(
            f"the objects lie in different frames ({', '.join(spaces)}); fuse them in one "
            "reconstruction first"
        )
    for handle, record in found:
        require_metric(record.scale, handle)
    floors = [room.area for _, room in workspace.all(RoomRecord)]
    scene = MeasuredScene(tuple(_thing(*pair) for pair in found), floors[-1] if floors else None)
    return _told(program, scene, workspace)


def _told(program: Program, scene: MeasuredScene, workspace: Workspace) -> ToolResult:
    done = execute(program, scene)
    text = value_text(done.value)
    sources = done.handles or tuple(thing.handle for thing in scene.things)
    steps: list[JsonValue] = [
        {"call": str(step.program), "value": value_text(step.value)} for step in done.steps
    ]
    data: dict[str, JsonValue] = {"program": str(program), "value": text, "steps": steps}
    if isinstance(done.value, Unanswerable):
        return ToolResult(f"{program}: {text}", data=data, sources=sources)
    handle = workspace.add("meas", MeasureRecord(text, ""), sources)
    said = f"{handle}: {program} = {text}"
    return ToolResult(said, data={**data, "handle": handle}, handles=(handle,), sources=sources)


def _thing(handle: str, record: ObjectRecord) -> BoxedThing:
    weight = record.confidence * max(record.support, 1)
    return BoxedThing(handle, record.category, record.box, record.attributes, weight)


def _ours() -> list[str]:
    return [name for name in OPERATORS if name not in FROM_FRAMES]


def program_tool() -> Tool[ProgramArguments]:
    """A tool over the objects that an episode has found."""
    lines = "\n".join(f"- {usage(name)}" for name in _ours())
    return Tool(
        PROGRAM,
        "Compute on the objects found so far with a program, a nested call such as "
        "distance(unique(filter(scene(), sofa)), argmin(filter(scene(), chair), height)). What "
        f"cannot be told says why. Operators:\n{lines}",
        ProgramArguments,
        Effects.PURE,
        _run,
    )
