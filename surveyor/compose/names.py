"""What a run names is looked up before anything is made for it: making rooms takes minutes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from surveyor.agent.chat.prompt_profiles import profile_named
from surveyor.agent.program.surveying import SURVEY
from surveyor.agent.program.tool import PROGRAM
from surveyor.agent.survey.offer import TOOL_SETS
from surveyor.benchmarks.run.config import RunConfig
from surveyor.compose.planner_options import PlannerOptions
from surveyor.compose.skills import NAMED_SKILLS
from surveyor.core.errors import UserError
from surveyor.core.wording import closest
from surveyor.services.reference.presets import preset
from surveyor.tools.builtin import default_tools
from surveyor.tools.endpoints import EndpointsFile
from surveyor.tools.spec import Tool

_READING = ("recall", "load_skill")
"""Tools that a run with a memory or with skills has besides."""


def check_names(
    config: RunConfig, endpoints: Path | None = None, lent: Sequence[Tool[Any]] = ()
) -> None:
    """`UserError` for a tool, a profile, a preset, skills or an endpoints file that there is not.

    Names of tools are left alone where MCP servers bring theirs, which nobody knows yet.
    """
    tools = [SURVEY, PROGRAM, *(tool.name for tool in (*default_tools(), *lent)), *_READING]
    asked = [*config.tools, *config.without]
    if config.corruption is not None and config.corruption.tool:
        asked.append(config.corruption.tool)
    every = [*tools, *TOOL_SETS]
    for name in asked if not config.mcp else ():
        if name not in every:
            hint = closest(name, every) or f"; there are: {', '.join(every)}"
            raise UserError(f"there is no tool {name!r}{hint}")
    if config.planner == "chat":
        profile_named(PlannerOptions.read(config).profile)
    if endpoints is not None:
        EndpointsFile.named(endpoints)
    elif "preset" in config.expert_options:
        preset(str(config.expert_options["preset"]))
    if config.skills not in NAMED_SKILLS and not Path(config.skills).is_dir():
        raise UserError(
            f"there are no skills {config.skills!r}; choose none, builtin or a snapshot's folder"
        )
