"""Playing training tasks: the real loop, the `program` planner, real tool calls."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files

from agent.limits import Limits
from agent.loop import run_episode
from agent.program.planner import ProgramPlanner
from agent.recall_tool import recall_tool
from benchmarks.spend import spend
from memory.episodes import Episode, fold
from memory.errors import InfrastructureError
from memory.events import EpisodeStatus, Event
from memory.scene_memory import SceneMemory
from skills.distil.causes import attribute
from skills.distil.trials import Cause, Trial
from skills.provenance import digest
from skills.remember import remember
from skills.workflow import Workflow
from tools.experts import ExpertClient
from tools.registry import Registry
from tools.toolbox import default_tools
from tools.workspace import Workspace
from training.evolve_cases import Case
from training.evolve_scoring import Judge
from training.evolve_trials import Try

PLAYERS = (
    "agent",
    "agent.program",
    "tools",
    "tools.geometry",
    "tools.measuring",
    "tools.perception",
    "services.reference",
)
"""Packages whose code decides what an episode does and what it costs."""


@dataclass(slots=True)
class _Events:
    """A log that lives as long as its episode."""

    events: list[Event] = field(default_factory=list)

    def append(self, event: Event) -> Event:
        self.events.append(event)
        return event


class ProgramPlay:
    """Plays with the `program` planner against whatever experts ``client`` reaches.

    ``memory``, where given, is filed with every settled episode and what it found; with
    ``recalls`` the planner uses it too, so that an episode depends on those before it.
    """

    def __init__(
        self,
        client: ExpertClient,
        judge: Judge,
        producers: Sequence[str],
        *,
        memory: SceneMemory | None = None,
        recalls: bool = False,
        concurrency: int = 4,
    ) -> None:
        self._client = client
        self._judge = judge
        self._memory = memory
        reading = [recall_tool(memory)] if recalls and memory is not None else []
        self._registry = Registry([*default_tools(), *reading])
        self._lanes = asyncio.Semaphore(concurrency)
        self._world = digest(
            ["program", *(tool.name for tool in reading), source_hash(), *sorted(producers)]
        )[:16]

    @property
    def world(self) -> str:
        return self._world

    async def play(self, tries: Sequence[Try]) -> Sequence[Trial]:
        """Trials in order; an episode that is owed becomes an owed trial."""
        lanes = [asyncio.create_task(self._one(case, workflow)) for case, workflow in tries]
        try:
            return await asyncio.gather(*lanes)
        finally:  # one failed for good: the others must not go on behind the caller's back
            for lane in lanes:
                lane.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)

    async def _one(self, case: Case, workflow: Workflow) -> Trial:
        async with self._lanes:
            episode = await self._episode(case, workflow)
        spent = spend(episode)
        trial = Trial(
            task_id=case.id,
            scene_id=case.task.scene_id,
            room=case.room,
            split=case.task.split,
            card=case.card,
            workflow=workflow,
            score=0.0,
            cost=spent.cost,
            calls=spent.calls,
            effective=spent.effective,
            owed=episode.status is EpisodeStatus.OWED,
            cause=Cause.OUTAGE,
        )
        if trial.owed:
            return trial
        answered = episode.answer if episode.status is EpisodeStatus.ANSWERED else None
        mark = await self._judge.mark(case.id, answered)
        if self._memory is not None:
            key = f"{self._world}/{trial.key}"
            remember(
                self._memory,
                key,
                case.task,
                episode,
                case.card,
                score=mark.score,
                workflow=workflow.key,
            )
        cause = attribute(
            episode,
            case.card,
            workflow,
            mark.score,
            ratio=mark.ratio,
            effective=spent.effective,
        )
        return trial.model_copy(update={"score": mark.score, "cause": cause})

    async def _episode(self, case: Case, workflow: Workflow) -> Episode:
        log = _Events()
        workspace = Workspace(case.task, self._client)
        planner = ProgramPlanner(workflow)
        await run_episode(case.task, planner, self._registry, workspace, log, Limits())
        episode = fold(log.events)
        if episode is None:
            raise InfrastructureError(f"the episode of {case.id} left no events")
        return episode


def source_hash(packages: Sequence[str] = PLAYERS) -> str:
    """Hash of the code that decides how an episode goes, so that trials of other code are not
    taken for trials of this one."""
    parts: list[str] = []
    for package in packages:
        root = files(package)
        names = sorted(f.name for f in root.iterdir() if f.name.endswith(".py"))
        parts.extend(f"{package}/{name} {(root / name).read_text()}" for name in names)
    return digest(parts)


async def producers_of(client: ExpertClient, experts: Sequence[str]) -> tuple[str, ...]:
    """Who answers: names, versions and weights of the experts, for naming the world of trials."""
    infos = [await client.info(name) for name in experts]
    return tuple(info.producer.model_dump_json() for info in infos)
