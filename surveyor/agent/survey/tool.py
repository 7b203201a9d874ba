"""`survey`: everything of some kinds in a place, by one call that carries out a skill's workflow.

The calls that the workflow consists of are made and logged one by one under this one. What is
found has the handles that they minted, so the evidence of an answer goes through them as ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from weakref import WeakKeyDictionary

from pydantic import Field

from surveyor.agent.program.scene_builder import SceneBuilder, SceneEvidence
from surveyor.agent.program.surveying import SURVEY
from surveyor.agent.program.tool_calls import Caller, Steps
from surveyor.agent.survey.skills import workflow_of
from surveyor.core.errors import ModelMistake
from surveyor.services.contract import Phrase
from surveyor.skills.workflow import Join, Workflow
from surveyor.tools.builtin import TABLE
from surveyor.tools.nesting import current_call, perform
from surveyor.tools.objects import say
from surveyor.tools.schemas import ObjectRow, SurveyData, SurveyedTake
from surveyor.tools.spec import Arguments, CallRequest, Effects, Tool, ToolResult
from surveyor.tools.usage import dump
from surveyor.tools.workspace import Workspace

_SHOWN = 12
_LOOKING = ("detect", "segment", "depth", "reconstruct")
"""The experts that the plain way of looking asks."""


class SurveyArguments(Arguments):
    """What to look for, and how."""

    categories: Annotated[
        tuple[Phrase, ...], Field(max_length=32, description="none: the place itself")
    ] = ()
    skill: Annotated[str | None, Field(description="the skill to look by")] = None
    boxes: Annotated[
        tuple[str, ...], Field(description="instead of categories: boxes or marks known already")
    ] = ()
    join: Annotated[
        Join | None, Field(description="fuse: all views in one space; else the skill's way")
    ] = None
    every: Annotated[
        bool, Field(description="search every frame, as for a count; false: until seen enough")
    ] = True
    in_time: Annotated[
        bool, Field(description="only detect, frame by frame, for appearance_order")
    ] = False


class _Surveyor:
    """Keeps what an episode's surveys have chosen, found and cut out, as one look after another
    would."""

    def __init__(self) -> None:
        self._kept: WeakKeyDictionary[Workspace, dict[str, SceneBuilder]] = WeakKeyDictionary()

    async def run(self, asked: SurveyArguments, workspace: Workspace) -> ToolResult:
        if asked.boxes and (asked.categories or asked.in_time):
            raise ModelMistake("survey takes either categories or boxes; leave boxes out")
        name, workflow = workflow_of(asked.skill, frames=bool(workspace.frame_handles))
        if asked.every:
            workflow = workflow.model_copy(update={"stop": None})
        builder = self._builder(workflow, workspace)
        sight = await performed(_look(builder, workflow, asked))
        await workspace.settle()
        return _told(name, asked, sight)

    def _builder(self, workflow: Workflow, workspace: Workspace) -> SceneBuilder:
        mine = self._kept.setdefault(workspace, {})
        if workflow.key not in mine:
            mine[workflow.key] = SceneBuilder(Caller(workspace.frame_handles), workflow)
        return mine[workflow.key]


def _look(
    builder: SceneBuilder, workflow: Workflow, asked: SurveyArguments
) -> Steps[SceneEvidence]:
    """Look once; where the skill has a fallback and no way was named, also by that."""
    if asked.boxes:
        return (yield from builder.outlined(asked.boxes))
    if asked.in_time:
        return (yield from builder.watch(asked.categories))
    sight = yield from builder.look(asked.categories, asked.join or workflow.join)
    fallback = workflow.fallback
    if asked.join is not None or fallback is None:
        return sight
    found = all(any(take.best(name) for take in sight.takes) for name in asked.categories)
    if sight.registered >= fallback.registered and sight.takes and found:
        return sight
    return (yield from builder.look(asked.categories, fallback.join))


async def performed(steps: Steps[SceneEvidence]) -> SceneEvidence:
    """The end of some steps whose turns are made under the running call."""
    parent, made = current_call.get(), 0
    try:
        turn = next(steps)
        while True:
            calls = []
            for call in turn.calls:
                made += 1
                calls.append(CallRequest(f"{parent}.{made}", call.name, call.raw_arguments))
            outcomes = await perform(calls, turn.notes.get("why", ""))
            current_call.set(parent)
            turn = steps.send(outcomes)
    except StopIteration as done:
        sight: SceneEvidence = done.value
        return sight


def _told(name: str, asked: SurveyArguments, sight: SceneEvidence) -> ToolResult:
    rows = tuple(
        sorted(
            (row for take in sight.takes for row in take.objects),
            key=lambda row: (not row.accepted, -row.confidence * row.support, -row.confidence),
        )
    )
    found = {row.category.casefold() for row in rows}
    missing = tuple(one for one in asked.categories if one.casefold() not in found)
    missing = () if asked.in_time else missing
    takes = tuple(
        SurveyedTake(
            objects=tuple(row.handle for row in take.objects), place=take.place, boxes=take.boxes
        )
        for take in sight.takes
    )
    data = SurveyData(
        skill=name,
        join=sight.join.value,
        objects=rows,
        takes=takes,
        registered=sight.registered,
        missing=missing,
    )
    handles = [row.handle for row in rows]
    handles += [one for take in takes for one in (take.place, *take.boxes) if one]
    text = "\n".join(_lines(data, rows))
    rests = tuple(dict.fromkeys(handles))
    return ToolResult(text=text, data=dump(data), handles=rests, sources=rests)


def _lines(data: SurveyData, rows: Sequence[ObjectRow]) -> list[str]:
    places = [take.place for take in data.takes if take.place]
    head = f"surveyed by {data.skill}: {len(rows)} objects"
    if places:
        head += f", place {', '.join(places[:4])}"
    if data.registered < 1:
        head += f", {data.registered:.0%} of the frames registered"
    boxes = [handle for take in data.takes for handle in take.boxes]
    lines = [head, *([f"detections: {', '.join(boxes)}"] if boxes else [])]
    lines += [say(row) for row in rows[:_SHOWN]]
    if len(rows) > _SHOWN:
        lines.append(f"and {', '.join(row.handle for row in rows[_SHOWN:])}")
    if data.missing:
        lines.append(f"not found: {', '.join(data.missing)}")
    if len({row.space for row in rows}) > 1:
        lines.append("views lie apart: measure only between objects of one frame")
    return lines


def survey_tool(*, frames: bool = True) -> Tool[SurveyArguments]:
    """Look at a place by a skill; one without ``frames`` is looked up in its table."""
    return Tool(
        SURVEY,
        "Find everything of some kinds in the place by one call: chooses frames, detects, cuts "
        "out, reconstructs, lifts and fuses as a skill says. Gives object handles, best supported "
        "first, to count and measure, and the handle of the place.",
        SurveyArguments,
        Effects.EXPERT,
        _Surveyor().run,
        parallel=False,
        needs=_LOOKING if frames else (TABLE,),
    )
