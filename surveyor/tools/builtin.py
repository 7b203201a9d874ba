"""The tools that Surveyor comes with."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from surveyor.core.errors import UserError
from surveyor.tools.measuring.anchors import anchor_tool
from surveyor.tools.measuring.appearance import motion_tool, order_tool
from surveyor.tools.measuring.floors import floor_tool
from surveyor.tools.measuring.mask_answers import mask_answer_tool
from surveyor.tools.measuring.measures import (
    count_tool,
    direction_tool,
    distance_tool,
    nearest_tool,
    size_tool,
)
from surveyor.tools.measuring.regions import region_tool
from surveyor.tools.measuring.routes import route_tool
from surveyor.tools.perception.depth import depth_tool
from surveyor.tools.perception.depth_at import depth_at_tool
from surveyor.tools.perception.detect import detect_tool
from surveyor.tools.perception.frames import frames_tool
from surveyor.tools.perception.fuse import fuse_tool
from surveyor.tools.perception.lift import lift_tool
from surveyor.tools.perception.marks import marks_tool
from surveyor.tools.perception.masks_3d import MaskMaker
from surveyor.tools.perception.orient import orient_tool
from surveyor.tools.perception.reconstruct import align_tool, reconstruct_tool
from surveyor.tools.perception.restore import restore_tool, zoom_tool
from surveyor.tools.perception.scene import scene_tool
from surveyor.tools.perception.search_region import search_region_tool
from surveyor.tools.perception.segment import segment_tool
from surveyor.tools.perception.segment_3d import segment_3d_tool
from surveyor.tools.perception.views import bird_eye_tool, render_tool
from surveyor.tools.quality import FrameMeter
from surveyor.tools.spec import Tool

TABLE = "scene"
"""The tool that reads the table of a place's objects, which is the truth where there are frames."""


def offered_tools(*, frames: bool, named: Collection[str] = ()) -> tuple[Tool[Any], ...]:
    """The tools that a planner gets: all, or those ``named``.

    Where there are ``frames`` to look at, the table of objects is offered only by name: whoever
    reads it has measured nothing. Raises `UserError` for a name that no tool has.
    """
    tools = default_tools()
    known = [tool.name for tool in tools]
    if unknown := [name for name in named if name not in known]:
        raise UserError(f"there is no tool {unknown[0]!r}; choose from: {', '.join(known)}")
    if named:
        return tuple(tool for tool in tools if tool.name in named)
    return tuple(tool for tool in tools if not frames or tool.name != TABLE)


def default_tools() -> tuple[Tool[Any], ...]:
    """Every tool that there is, looking first, measuring last; see `offered_tools`."""
    meter, maker = FrameMeter(), MaskMaker()
    return (
        frames_tool(meter),
        restore_tool(meter),
        zoom_tool(),
        marks_tool(),
        detect_tool(),
        segment_tool(),
        depth_tool(),
        depth_at_tool(),
        reconstruct_tool(),
        align_tool(),
        lift_tool(),
        fuse_tool(),
        segment_3d_tool(maker),
        search_region_tool(maker),
        scene_tool(),
        orient_tool(),
        render_tool(),
        bird_eye_tool(),
        count_tool(),
        distance_tool(),
        size_tool(),
        nearest_tool(),
        direction_tool(),
        floor_tool(),
        region_tool(),
        route_tool(),
        order_tool(),
        motion_tool(),
        anchor_tool(),
        mask_answer_tool(),
    )
