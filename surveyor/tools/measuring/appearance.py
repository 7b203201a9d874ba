"""`appearance_order` and `camera_motion`: measures of the film rather than of the place."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from surveyor.core.errors import ModelMistake
from surveyor.core.geometry import Scale
from surveyor.tools.geometry.motion import camera_motion
from surveyor.tools.records import BoxRecord, FrameRecord, MeasureRecord, ReconstructionRecord
from surveyor.tools.schemas import MotionData, OrderData
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.usage import dump
from surveyor.tools.workspace import Workspace


class OrderArguments(Arguments):
    """Detections over the whole film, and the categories to order."""

    boxes: Annotated[tuple[str, ...], Field(min_length=1, description="box handles or groups")]
    categories: Annotated[tuple[str, ...], Field(max_length=64)] = ()
    score: Annotated[float, Field(ge=0, le=1, description="least score that counts")] = 0.3


class MotionArguments(Arguments):
    """Two frames of one reconstruction."""

    reconstruction: str
    start: str
    end: str


async def _order(asked: OrderArguments, workspace: Workspace) -> ToolResult:
    wanted = {name.casefold(): name for name in asked.categories}
    first: dict[str, tuple[int, float, str, float]] = {}
    for handle, box in workspace.expand(asked.boxes, BoxRecord):
        if box.score < asked.score or (wanted and box.category.casefold() not in wanted):
            continue
        frame = workspace.get(box.frame, FrameRecord)
        area = (box.box[2] - box.box[0]) * (box.box[3] - box.box[1])
        # In one frame, what looks larger has been in sight for longer.
        found = (frame.index, -area, handle, frame.time)
        name = wanted.get(box.category.casefold(), box.category)
        first[name] = min(first.get(name, found), found)
    if not first:
        raise ModelMistake("none of these boxes shows any of the categories")
    ranked = sorted(first.items(), key=lambda item: item[1])
    unseen = [name for name in asked.categories if name not in first]
    order = tuple(name for name, _ in ranked)
    sources = tuple(found[2] for _, found in ranked)
    handle = workspace.add("meas", MeasureRecord(", ".join(order), ""), sources)
    listed = ", ".join(f"{name} at {found[3]:.1f} s" for name, found in ranked)
    text = f"{handle}: first seen, in order: {listed}"
    if unseen:
        text += f"; never seen: {', '.join(unseen)}"
    data = OrderData(handle=handle, order=order, unseen=tuple(unseen))
    return ToolResult(text=text, data=dump(data), handles=(handle,), sources=sources)


async def _motion(asked: MotionArguments, workspace: Workspace) -> ToolResult:
    record = workspace.get(asked.reconstruction, ReconstructionRecord)
    poses = []
    for handle in (asked.start, asked.end):
        view = record.views.get(workspace.get(handle, FrameRecord).original)
        if view is None:
            raise ModelMistake(
                f"{handle} is not registered in {asked.reconstruction}; "
                f"choose from {', '.join(list(record.views)[:8])}"
            )
        poses.append(view.pose)
    moved = camera_motion(*poses)
    unit = "units" if record.scale is Scale.RELATIVE else "m"
    sources = (asked.reconstruction, asked.start, asked.end)
    handle = workspace.add("meas", MeasureRecord(moved.distance, unit), sources)
    turn = f"{abs(np.degrees(moved.yaw)):.0f} degrees {'left' if moved.yaw >= 0 else 'right'}"
    text = (
        f"{handle}: from {asked.start} to {asked.end} the camera moved {moved.right:+.2f} {unit} "
        f"right, {moved.up:+.2f} {unit} up, {moved.forward:+.2f} {unit} forward "
        f"({moved.distance:.2f} {unit}) and turned {turn}"
    )
    data = MotionData(
        handle=handle,
        scale=record.scale,
        right=moved.right,
        up=moved.up,
        forward=moved.forward,
        yaw=moved.yaw,
        pitch=moved.pitch,
    )
    return ToolResult(text=text, data=dump(data), handles=(handle,), sources=sources)


def order_tool() -> Tool[OrderArguments]:
    """First-time appearance order."""
    return Tool(
        "appearance_order",
        "Order categories by the first frame in which a detection shows them. Detect in many "
        "frames first.",
        OrderArguments,
        Effects.PURE,
        _order,
        needs=("detect",),
    )


def motion_tool() -> Tool[MotionArguments]:
    """Camera motion between two frames."""
    return Tool(
        "camera_motion",
        "How the camera moved and turned between two frames of a reconstruction, as seen from the "
        "first: right, up, forward, and the turn to the left or right.",
        MotionArguments,
        Effects.PURE,
        _motion,
        needs=("reconstruct",),
    )
