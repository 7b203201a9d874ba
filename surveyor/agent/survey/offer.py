"""Which tools a planner is offered: single ones, named sets of them, `survey`, and `program`
where it is named."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Final

from surveyor.agent.program.surveying import SURVEY
from surveyor.agent.program.tool import PROGRAM, program_tool
from surveyor.agent.survey.tool import survey_tool
from surveyor.core.errors import UserError
from surveyor.tools.builtin import TABLE, default_tools, offered_tools
from surveyor.tools.spec import Tool

MEASURE: Final = (
    "survey", "marks", "segment", "depth_at", "count", "distance", "size", "nearest", "direction",
    "floor_area", "region", "route_turns", "appearance_order", "camera_motion", "place_anchor",
    "segment_3d", "search_region", "answer_with_mask",
)  # fmt: skip
LOOK: Final = (
    "frames", "restore", "zoom", "marks", "detect", "segment", "depth", "depth_at", "reconstruct",
    "align", "lift", "fuse", "orient", "render_view", "bird_eye",
)  # fmt: skip
TOOL_SETS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "all": (SURVEY, *(tool.name for tool in default_tools() if tool.name != TABLE)),
        "measure": MEASURE,
        "look": LOOK,
        "single": tuple(tool.name for tool in default_tools() if tool.name != TABLE),
    }
)
"""``measure``: one call to look and the rest to measure with, for small models and short
contexts; ``look``: what `survey` is made of; ``single``: all but `survey`."""


def named_tools(named: Collection[str]) -> list[str]:
    """The names of tools that names of tools and of sets stand for.

    >>> named_tools(["single"])[:3], named_tools(["count"])
    (['frames', 'restore', 'zoom'], ['count'])
    """
    return [name for one in named for name in TOOL_SETS.get(one, (one,))]


def offered(
    *, frames: bool, named: Collection[str] = (), survey: bool = True
) -> tuple[Tool[Any], ...]:
    """The tools that a planner gets: those ``named``, by name or by set, or the usual ones.

    The usual ones have `survey` among them where ``survey`` says so. Raises `UserError` for a name
    that neither a tool nor a set has.
    """
    wanted = named_tools(named)
    known = [SURVEY, PROGRAM, *(tool.name for tool in default_tools())]
    if unknown := [name for name in wanted if name not in known]:
        raise UserError(
            f"there is no tool or set of tools {unknown[0]!r}; choose from: "
            f"{', '.join((*TOOL_SETS, *known))}"
        )
    ours = survey_tool(frames=frames)
    if not wanted:
        usual = offered_tools(frames=frames)
        return (ours, *usual) if survey and frames else usual
    single = [name for name in wanted if name not in (SURVEY, PROGRAM)]
    chosen = offered_tools(frames=frames, named=single) if single else ()
    first = (ours,) if SURVEY in wanted else ()
    return (*first, *chosen, *((program_tool(),) if PROGRAM in wanted else ()))
