"""Playing training tasks: the real loop, the `program` planner, real tool calls."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files

from surveyor.agent.limits import Limits
from surveyor.agent.loop import run_episode
from surveyor.agent.program.planner import ProgramPlanner
from surveyor.agent.recall_tool import recall_tool
from surveyor.benchmarks.usage import spend
from surveyor.core.errors import InfrastructureError
from surveyor.memory.episodes import Episode, fold
from surveyor.memory.events import EpisodeStatus, Event
from surveyor.memory.scene_memory import SceneMemory
from surveyor.skills.distil.causes import attribute
from surveyor.skills.distil.rollouts import Cause, Trial
from surveyor.skills.memory_hook import remember
from surveyor.skills.provenance import digest
from surveyor.skills.workflow import Workflow
from surveyor.tools.builtin import offered_tools
from surveyor.tools.experts import ExpertClient
from surveyor.tools.registry import Registry
from surveyor.tools.workspace import Workspace
from surveyor.training.evolution.cases import Case
from surveyor.training.evolution.rollout_store import Try
from surveyor.training.evolution.scoring import Judge

PLAYERS = (
    "agent",
    "surveyor.agent.program",
    "tools",
    "surveyor.tools.geometry",
    "surveyor.tools.measuring",
    "surveyor.tools.perception",
    "surveyor.services.reference",
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
        self._registries = {
            frames: Registry([*offered_tools(frames=frames), *reading]) for frames in (True, False)
        }
        self._lanes = asyncio.Semaphore(concurrency)
        self._world = digest(
            ["program", *(tool.name for tool in reading), source_hash(), *sorted(producers)]
        )[:16]

    @property
    def world(self) -> str:
        return self._world

    async def play(self, tries: Sequence[Try]) -> Sequence[Trial]:
        """Trials in order; an episode that is incomplete becomes an incomplete trial."""
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
            incomplete=episode.status is EpisodeStatus.INCOMPLETE,
            cause=Cause.OUTAGE,
        )
        if trial.incomplete:
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
        registry = self._registries[bool(case.task.frames)]
        await run_episode(case.task, planner, registry, workspace, log, Limits())
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
