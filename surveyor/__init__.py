"""Surveyor answers spatial questions about real places by measuring them.

>>> import surveyor
>>> rooms = surveyor.make_rooms("out/rooms", rooms=1, n_frames=8, size=(160, 120))
>>> done = surveyor.run(rooms, limit=4)
>>> for episode in done.episodes():
...     _ = episode.started.question, episode.answer
>>> done.report.overall.value >= 0
True
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

_HOMES = {
    "surveyor.api": ("Run", "compare", "load_dataset", "make_rooms", "run", "score", "serve"),
    "surveyor.agent.planner": ("PlannerInput", "Planner", "Turn"),
    "surveyor.benchmarks.report.record": ("RunReport",),
    "surveyor.benchmarks.run.config": ("RunConfig",),
    "surveyor.core.dataset": ("Dataset",),
    "surveyor.core.errors": ("InfrastructureError", "SurveyorError", "UserError"),
    "surveyor.core.tasks": ("Task",),
    "surveyor.memory.episodes": ("Episode",),
    "surveyor.skills.store": ("SkillStore",),
    "surveyor.tools.spec": ("Arguments", "CallRequest", "Effects", "Tool", "ToolResult"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}
__all__ = [
    "Arguments",
    "CallRequest",
    "Dataset",
    "Effects",
    "Episode",
    "InfrastructureError",
    "Planner",
    "PlannerInput",
    "Run",
    "RunConfig",
    "RunReport",
    "SkillStore",
    "SurveyorError",
    "Task",
    "Tool",
    "ToolResult",
    "Turn",
    "UserError",
    "compare",
    "load_dataset",
    "make_rooms",
    "run",
    "score",
    "serve",
]

if TYPE_CHECKING:
    from surveyor.agent.planner import Planner, PlannerInput, Turn
    from surveyor.api import Run, compare, load_dataset, make_rooms, run, score, serve
    from surveyor.benchmarks.report.record import RunReport
    from surveyor.benchmarks.run.config import RunConfig
    from surveyor.core.dataset import Dataset
    from surveyor.core.errors import InfrastructureError, SurveyorError, UserError
    from surveyor.core.tasks import Task
    from surveyor.memory.episodes import Episode
    from surveyor.skills.store import SkillStore
    from surveyor.tools.spec import Arguments, CallRequest, Effects, Tool, ToolResult


def __getattr__(name: str) -> Any:
    """A name is loaded when it is used, so that importing the package costs nothing."""
    if name not in _HOME:
        raise AttributeError(f"module 'surveyor' has no attribute {name!r}")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
