"""`mark_scene`: everything measured and numbered, as a view from above and frames that show it.

What GPT4Scene gives a vision-language model, made from what our own experts measured: one number an
object, the same in every picture, in the table beside them and in the object's handle.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from surveyor.agent.program.scene_builder import SceneBuilder, SceneEvidence
from surveyor.agent.program.tool_calls import Caller
from surveyor.agent.survey.skills import workflow_of
from surveyor.agent.survey.tool import performed
from surveyor.core.errors import ModelMistake
from surveyor.services.contract import Phrase
from surveyor.skills.workflow import Join
from surveyor.tools.objects import say
from surveyor.tools.perception.marked import (
    MarkedPicture,
    chosen_frames,
    frame_picture,
    from_above,
    kept,
    unnumbered,
)
from surveyor.tools.perception.ownership import Ownership
from surveyor.tools.perception.views import add_view, told_from_above
from surveyor.tools.records import ObjectRecord, ReconstructionRecord
from surveyor.tools.schemas import ObjectRow, TopViewData
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.usage import dump
from surveyor.tools.workspace import Workspace

MARK_SCENE = "mark_scene"
MARKED: Mapping[str, bool] = {"markers": True, "unmarked": False}
"""The prompt profiles that show its pictures, by whether numbers are drawn in them."""
INDOOR: tuple[str, ...] = (
    "armchair", "bathtub", "bed", "bench", "bicycle", "bin", "blanket", "board", "book",
    "bookshelf", "bottle", "box", "cabinet", "chair", "clock", "coffee table", "computer",
    "counter", "cup", "curtain", "desk", "dishwasher", "door", "dresser", "fan", "fireplace",
    "guitar", "heater", "keyboard", "lamp", "laptop", "microwave", "mirror", "monitor",
    "nightstand", "oven", "person", "piano", "picture", "pillow", "plant", "printer", "radiator",
    "refrigerator", "rug", "shelf", "shower", "sink", "sofa", "stool", "stove", "suitcase",
    "table", "telephone", "toilet", "towel", "trash bin", "trash can", "tv", "vase", "wardrobe",
    "washing machine", "whiteboard", "window",
)  # fmt: skip
"""What is looked for where nobody says what: kinds of things that indoor data sets label."""
_CEILING = 2.0


class MarkSceneArguments(Arguments):
    """What to number, and in how many pictures."""

    categories: Annotated[
        tuple[Phrase, ...], Field(max_length=64, description="none: the usual indoor things")
    ] = ()
    frames: Annotated[int, Field(ge=0, le=32, description="pictures besides the top view")] = 8
    coverage: Annotated[
        bool, Field(description="frames that show most objects; false: evenly in time")
    ] = False
    marks: Annotated[bool, Field(description="false: the same pictures without numbers")] = True
    longest: Annotated[int, Field(ge=64, le=2048, description="longer side, pixels")] = 512
    skill: Annotated[str | None, Field(description="the skill to look by")] = None


class MarkedView(BaseModel):
    """A picture: of ``frame``, or from above where that is empty; objects that it numbers, and
    those in view that it does not, each with the reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    handle: str
    frame: str
    numbered: tuple[str, ...]
    left_out: dict[str, str] = Field(default_factory=dict)


class MarkedScene(BaseModel):
    """What `mark_scene` gives: its objects, its pictures, top view first, and how pixels and metres
    map from above. ``unnumbered`` are objects that no picture numbers, each with a reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    objects: tuple[ObjectRow, ...]
    views: tuple[MarkedView, ...]
    top: TopViewData
    unnumbered: dict[str, str]


async def _run(asked: MarkSceneArguments, workspace: Workspace) -> ToolResult:
    _, workflow = workflow_of(asked.skill, frames=bool(workspace.frame_handles))
    workflow = workflow.model_copy(update={"stop": None})
    builder = SceneBuilder(Caller(workspace.frame_handles), workflow)
    sight = await performed(builder.look(asked.categories or INDOOR, Join.FUSE))
    await workspace.settle()
    rows, space = _measured(sight)
    members = [(row.handle, workspace.get(row.handle, ObjectRecord)) for row in rows]
    ownership = Ownership(members, workspace)
    record = workspace.get(space, ReconstructionRecord)
    frames = chosen_frames(record, ownership, asked.frames, coverage=asked.coverage)
    pictures = [
        from_above(space, ownership, workspace, _CEILING, asked.longest),
        *(
            frame_picture(frame, record.views[frame], ownership, workspace, asked.longest)
            for frame in frames
        ),
    ]
    return _result(asked, rows, space, pictures, workspace)


def _measured(sight: SceneEvidence) -> tuple[list[ObjectRow], str]:
    """The accepted objects in the order of their numbers, and the reconstruction they lie in."""
    take = next((take for take in sight.takes if take.place), None)
    if take is None or take.place is None:
        raise ModelMistake("the frames could not be joined into one place, so nothing is numbered")
    rows = [row for row in take.objects if row.accepted and row.space == take.place]
    return rows, take.place


def _result(
    asked: MarkSceneArguments,
    rows: list[ObjectRow],
    space: str,
    pictures: list[MarkedPicture],
    workspace: Workspace,
) -> ToolResult:
    handles = [row.handle for row in rows]
    # Without marks the very same pictures, undrawn: a fair ablation changes nothing else.
    blobs = [kept(one.rgb if asked.marks else one.plain, workspace) for one in pictures]
    views = []
    for picture, blob in zip(pictures, blobs, strict=True):
        sources = (picture.frame or space, *handles)
        views.append(_view(add_view(blob, sources, workspace), picture, marks=asked.marks))
    told, top = told_from_above(views[0].handle, pictures[0], marks=asked.marks)
    missing = {f"obj_{k}": why for k, why in unnumbered(pictures).items()} if asked.marks else {}
    data = MarkedScene(objects=tuple(rows), views=tuple(views), top=top, unnumbered=missing)
    lines = [told]
    lines += [f"{view.handle}: {view.frame}" for view in views[1:]]
    lines += [f"{len(rows)} objects:", *(say(row) for row in rows)]
    return ToolResult(
        text="\n".join(lines),
        data=dump(data),
        handles=tuple(view.handle for view in views),
        sources=(space, *handles),
        images=tuple(blobs),
    )


def _view(handle: str, picture: MarkedPicture, *, marks: bool) -> MarkedView:
    if not marks:
        return MarkedView(handle=handle, frame=picture.frame, numbered=())
    return MarkedView(
        handle=handle,
        frame=picture.frame,
        numbered=tuple(f"obj_{one.instance_id}" for one in picture.markers.drawn),
        left_out={f"obj_{one.instance_id}": one.reason for one in picture.markers.left_out},
    )


def mark_scene_tool() -> Tool[MarkSceneArguments]:
    """Number what was measured in pictures of the place."""
    return Tool(
        MARK_SCENE,
        "Measure everything in the place and picture it from above and in frames, each object with "
        "one number in all pictures (obj_7 is drawn as 7). Lists the objects by number.",
        MarkSceneArguments,
        Effects.EXPERT,
        _run,
        parallel=False,
        needs=("detect", "segment", "depth", "reconstruct"),
    )
