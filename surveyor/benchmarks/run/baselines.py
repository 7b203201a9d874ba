"""What a run's planner may use: everything, no tools, or instruments that lie."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from surveyor.agent.loop import Toolbox
from surveyor.benchmarks.run.config import Baseline, RunConfig
from surveyor.benchmarks.run.corruption import LyingTools
from surveyor.core.errors import UserError
from surveyor.core.wording import closest
from surveyor.memory.events import ToolOutcome, ToolStatus
from surveyor.tools.nesting import within
from surveyor.tools.spec import CallRequest, Tool
from surveyor.tools.workspace import Workspace

_NO_SETS: Final[Mapping[str, Sequence[str]]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class NoTools:
    """An empty toolbox; whoever calls is told so. The tools ``first`` of ``behind`` are still the
    planner's to call before a model has said anything, as when it is shown measured pictures."""

    schemas: Sequence[dict[str, Any]] = ()
    behind: Toolbox | None = None
    first: tuple[str, ...] = ()

    async def execute(
        self, turn: int, calls: Sequence[CallRequest], workspace: Workspace
    ) -> tuple[ToolOutcome, ...]:
        """What was called first or under that; one refusal for every other call."""
        looking = within.get() or (turn == 0 and all(call.name in self.first for call in calls))
        if self.behind is not None and looking:
            return await self.behind.execute(turn, calls, workspace)
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
    tools: Sequence[Tool[Any]],
    config: RunConfig,
    served: Collection[str],
    sets: Mapping[str, Sequence[str]] = _NO_SETS,
) -> tuple[Tool[Any], ...]:
    """The tools that a run lends: those that ``tools`` and ``without`` leave, and for a model only
    those whose experts are ``served``, because it would call what it is shown. A name may be that
    of one of the ``sets``, which stands for those of its tools that there are.

    Raises `UserError` for a name that nothing has, and for one asked for that nobody serves.
    """
    known = {tool.name: tool for tool in tools}
    for name in (*config.tools, *config.without):
        if name not in known and name not in sets:
            every = (*known, *sets)
            hint = closest(name, every) or f"; there are: {', '.join(every)}"
            raise UserError(f"there is no tool {name!r}{hint}")
    wanted = _expanded(config.tools or known, sets) - _expanded(config.without, sets)
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


def _expanded(names: Iterable[str], sets: Mapping[str, Sequence[str]]) -> set[str]:
    return {tool for name in names for tool in sets.get(name, (name,))}


def equip(registry: Toolbox, config: RunConfig, first: tuple[str, ...] = ()) -> Toolbox:
    """The toolbox that this configuration allows. ``blind`` also lacks frames: see `select`. The
    tools ``first`` are called by the planner itself before a model is asked, whatever is allowed.

    Raises `UserError` when the tool that is to lie does not exist, or there are no tools to lie.
    """
    if config.baseline is not Baseline.ALL:
        if config.corruption is not None:
            raise UserError(f"baseline {config.baseline} has no tools that could lie; drop one")
        return NoTools(behind=registry, first=first)
    if config.corruption is not None:
        _check_probed(registry, config.corruption.tool)
        return LyingTools(registry, config.corruption)
    return registry


def _check_probed(registry: Toolbox, tool: str) -> None:
    """A probe of a tool that nobody has would lie to nobody, and look like a passed test."""
    known = [str(schema["function"]["name"]) for schema in registry.schemas]
    if tool and tool not in known:
        raise UserError(f"there is no tool {tool!r} to corrupt; choose from {', '.join(known)}")
