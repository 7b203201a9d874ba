"""`route_turns`: which way to turn at every stop of a walk from object to object."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated

import numpy as np
from pydantic import Field

from surveyor.core.errors import ModelMistake
from surveyor.tools.geometry.bearings import (
    Sectors,
    bearing,
    degrees_aside,
    direction_word,
)
from surveyor.tools.measuring.naming import One, Within, frame_of_reference, one_object
from surveyor.tools.records import MeasureRecord
from surveyor.tools.schemas import TurnsData
from surveyor.tools.spec import Arguments, Effects, Tool, ToolResult
from surveyor.tools.usage import dump
from surveyor.tools.workspace import Workspace

STRAIGHT = "straight on"


class RouteArguments(Arguments):
    """Where the walk begins, what one faces there, and the stops in order."""

    start: One
    facing: One
    stops: Annotated[
        tuple[str, ...], Field(min_length=1, description="object handles or names, in order")
    ]
    within: Within = None


async def _run(asked: RouteArguments, workspace: Workspace) -> ToolResult:
    said = (asked.start, asked.facing, *asked.stops)
    space = frame_of_reference(said, workspace, asked.within)
    handles, objects = zip(*(one_object(one, space, workspace) for one in said), strict=True)
    if len({record.space for record in objects}) > 1:
        raise ModelMistake("the objects of a route must lie in one frame of reference")
    walk = (handles[0], *handles[2:])
    if handles[0] == handles[1] or any(a == b for a, b in pairwise(walk)):
        raise ModelMistake(
            "there is no turn where one faces, or goes to, the thing one stands at: the start and "
            "what is faced, and each stop and the one before it, must be different things"
        )
    start, facing, *stops = (np.array(record.box.center) for record in objects)
    turns, told = [], []
    here, ahead = start, facing
    for name, stop in zip(asked.stops, stops, strict=True):
        angle = bearing(here, ahead, stop)
        degrees = degrees_aside(angle)
        turns.append(direction_word(angle, Sectors.MEDIUM) if degrees else STRAIGHT)
        told.append(f"to {name}: {turns[-1]}" + (f" ({degrees:+d} degrees)" if degrees else ""))
        # Whoever walked to the stop goes on facing the way they came along.
        here, ahead = stop, stop + (stop - here)
    handle = workspace.add("meas", MeasureRecord(", ".join(turns), ""), handles)
    return ToolResult(
        text=f"{handle}: turns before each leg, left positive: {'; '.join(told)}",
        data=dump(TurnsData(handle=handle, turns=tuple(turns))),
        handles=(handle,),
        sources=handles,
    )


def route_tool() -> Tool[RouteArguments]:
    """Turns along a route."""
    return Tool(
        "route_turns",
        "The turn (left, right, back, or straight on) before each leg of a walk from object to "
        "object, for someone who starts at one object facing another.",
        RouteArguments,
        Effects.PURE,
        _run,
    )
