"""`orient`: which way a thing faces."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from surveyor.core.errors import ModelMistake
from surveyor.services.contract import Mask, OrientAnswer, Orientation, OrientRequest
from surveyor.tools.records import BoxRecord, FrameRecord, MaskRecord, MeasureRecord
from surveyor.tools.schemas import OrientationData
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.usage import ExpertUsage
from surveyor.tools.workspace import Workspace

_UNSURE = 0.5


class OrientArguments(Arguments):
    """A detection or its mask, and maybe a second one of the same thing."""

    box: Annotated[str, Field(description="a box, or better a mask: it hides the background")]
    other: Annotated[str | None, Field(description="the same thing in another frame")] = None


async def _run(asked: OrientArguments, workspace: Workspace) -> ToolResult:
    if not workspace.experts.serves("orient"):
        raise ModelMistake("no orient expert is running; judge from positions instead")
    box = _outline(asked.box, workspace)
    other = _outline(asked.other, workspace) if asked.other else None
    request = OrientRequest(
        image=workspace.get(box.frame, FrameRecord).ref,
        box=box.box,
        mask=_mask(box),
        other=workspace.get(other.frame, FrameRecord).ref if other else None,
        other_box=other.box if other else None,
        other_mask=_mask(other),
    )
    reply = await workspace.experts.ask("orient", request, OrientAnswer)
    found, relative = reply.answer.orientation, reply.answer.relative_azimuth
    sources = tuple(handle for handle in (asked.box, asked.other) if handle)
    await workspace.settle()
    handle = workspace.add("meas", MeasureRecord(found.azimuth, "degrees"), sources)
    text = f"{handle}: {_say(found, box.category)}"
    if relative is not None:
        text += f"; turned by {relative:.0f} degrees between the two views"
    data = OrientationData(handle=handle, **found.model_dump(), relative_azimuth=relative)
    return ExpertUsage([reply]).result(text, data, [handle], sources)


def _outline(handle: str, workspace: Workspace) -> BoxRecord | MaskRecord:
    if workspace.stands_for(handle, (MaskRecord,)):
        return workspace.get(handle, MaskRecord)
    return workspace.get(handle, BoxRecord)


def _mask(outline: BoxRecord | MaskRecord | None) -> Mask | None:
    return outline.mask if isinstance(outline, MaskRecord) else None


def _say(found: Orientation, name: str) -> str:
    if found.symmetry == 0:
        return f"the {name} has no front"
    sure = "" if found.confidence >= _UNSURE else ", unsure"
    turns = f", looks the same every {360 // found.symmetry} degrees" if found.symmetry > 1 else ""
    return (
        f"the front of the {name} is turned {found.azimuth:.0f} degrees counter-clockwise (seen "
        f"from above) from facing the camera{turns}; confidence {found.confidence:.2f}{sure}"
    )


def orient_tool() -> Tool[OrientArguments]:
    """Estimate orientation."""
    return Tool(
        "orient",
        "Estimate which way the thing in a box faces, in degrees from facing the camera; with a "
        "second box of the same thing also how far it turned between the views.",
        OrientArguments,
        Effects.EXPERT,
        _run,
        needs=("orient",),
    )
