"""The tools that Surveyor comes with."""

from __future__ import annotations

from typing import Any

from surveyor.tools.measuring.anchors import anchor_tool
from surveyor.tools.measuring.appearance import motion_tool, order_tool
from surveyor.tools.measuring.measures import (
    count_tool,
    direction_tool,
    distance_tool,
    floor_tool,
    nearest_tool,
    size_tool,
)
from surveyor.tools.measuring.routes import route_tool
from surveyor.tools.perception.depth import depth_tool
from surveyor.tools.perception.depth_at import depth_at_tool
from surveyor.tools.perception.detect import detect_tool
from surveyor.tools.perception.frames import frames_tool
from surveyor.tools.perception.fuse import fuse_tool
from surveyor.tools.perception.lift import lift_tool
from surveyor.tools.perception.orient import orient_tool
from surveyor.tools.perception.reconstruct import align_tool, reconstruct_tool
from surveyor.tools.perception.restore import restore_tool, zoom_tool
from surveyor.tools.perception.scene import scene_tool
from surveyor.tools.perception.segment import segment_tool
from surveyor.tools.perception.views import bird_eye_tool, render_tool
from surveyor.tools.quality import FrameMeter
from surveyor.tools.spec import Tool


def default_tools() -> tuple[Tool[Any], ...]:
    """Every tool, looking first, measuring last."""
    meter = FrameMeter()
    return (
        frames_tool(meter),
        restore_tool(meter),
        zoom_tool(),
        detect_tool(),
        segment_tool(),
        depth_tool(),
        depth_at_tool(),
        reconstruct_tool(),
        align_tool(),
        lift_tool(),
        fuse_tool(),
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
        route_tool(),
        order_tool(),
        motion_tool(),
        anchor_tool(),
    )
