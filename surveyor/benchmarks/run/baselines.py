"""What a run's planner may use: everything, no tools, or instruments that lie."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from surveyor.agent.loop import Toolbox
from surveyor.benchmarks.run.config import Baseline, RunConfig
from surveyor.benchmarks.run.corruption import LyingTools
from surveyor.core.errors import UserError
from surveyor.core.wording import closest
from surveyor.memory.events import ToolOutcome, ToolStatus
from surveyor.tools.spec import CallRequest, Tool
from surveyor.tools.workspace import Workspace


@dataclass(frozen=True, slots=True)
class NoTools:
    """An empty toolbox; whoever calls is told so."""

    schemas: Sequence[dict[str, Any]] = ()

    async def execute(
        self, turn: int, calls: Sequence[CallRequest], workspace: Workspace
    ) -> tuple[ToolOutcome, ...]:
        """One refusal for each call."""
        told = "there are no tools in this run; answer from what you know"
        return tuple(
            ToolOutcome(
                turn=turn,
                call_id=call.call_id,
                name=call.name,
                status=ToolStatus.MISTAKE,
                text=told,
            )
            for call in calls
        )


def offered(
    tools: Sequence[Tool[Any]], config: RunConfig, served: Collection[str]
) -> tuple[Tool[Any], ...]:
    """The tools that a run lends: those that ``tools`` and ``without`` leave, and for a model only
    those whose experts are ``served``, because it would call what it is shown.

    Raises `UserError` for a name that no tool has, and for one asked for that nobody serves.
    """
    known = {tool.name: tool for tool in tools}
    for name in (*config.tools, *config.without):
        if name not in known:
            hint = closest(name, known) or f"; there are: {', '.join(known)}"
            raise UserError(f"there is no tool {name!r}{hint}")
    wanted = {*(config.tools or known)} - {*config.without}
    chosen = [tool for tool in tools if tool.name in wanted]
    if config.planner != "chat":
        return tuple(chosen)
    for tool in chosen:
        if tool.name in config.tools and (missing := sorted({*tool.needs} - {*served})):
            raise UserError(
                f"the tool {tool.name!r} needs the expert {missing[0]!r}, which is not running; "
                "start it, or leave the tool out of --tools"
            )
    return tuple(tool for tool in chosen if {*tool.needs} <= {*served})


def equip(registry: Toolbox, config: RunConfig) -> Toolbox:
    """The toolbox that this configuration allows. ``blind`` also lacks frames: see `select`.

    Raises `UserError` when the tool that is to lie does not exist, or there are no tools to lie.
    """
    if config.baseline is not Baseline.ALL:
        if config.corruption is not None:
            raise UserError(f"baseline {config.baseline} has no tools that could lie; drop one")
        return NoTools()
    if config.corruption is not None:
        _check_probed(registry, config.corruption.tool)
        return LyingTools(registry, config.corruption)
    return registry


def _check_probed(registry: Toolbox, tool: str) -> None:
    """A probe of a tool that nobody has would lie to nobody, and look like a passed test."""
    known = [str(schema["function"]["name"]) for schema in registry.schemas]
    if tool and tool not in known:
        raise UserError(f"there is no tool {tool!r} to corrupt; choose from {', '.join(known)}")
