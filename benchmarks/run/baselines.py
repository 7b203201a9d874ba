"""What a run's planner may use: everything, no tools, or instruments that lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agent.loop import Toolbox
from benchmarks.run.config import Baseline, RunConfig
from benchmarks.run.corruption import LyingTools
from memory.events import ToolOutcome, ToolStatus
from tools.spec import CallRequest
from tools.workspace import Workspace


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


def equip(registry: Toolbox, config: RunConfig) -> Toolbox:
    """The toolbox that this configuration allows. ``blind`` also lacks frames: see `select`."""
    if config.baseline is not Baseline.ALL:
        return NoTools()
    if config.corruption is not None:
        return LyingTools(registry, config.corruption)
    return registry
