"""Episodes that are played to be learnt from at once: the real loop, judged, and not kept."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from surveyor.agent.limits import Limits
from surveyor.agent.loop import run_episode
from surveyor.agent.planner import Planner
from surveyor.core.errors import InfrastructureError
from surveyor.core.tasks import Task
from surveyor.memory.episodes import Episode, fold
from surveyor.memory.log import EpisodeLog, read_events
from surveyor.tools.builtin import default_tools
from surveyor.tools.experts import ExpertClient
from surveyor.tools.registry import Registry
from surveyor.tools.workspace import Workspace
from surveyor.training.compact.drawing import skill_for
from surveyor.training.evolution.scoring import Scorer
from surveyor.training.rewards.parts import Rewarded


@dataclass(frozen=True, slots=True)
class Episodes:
    """Plays tasks with a client's experts and judges them by a scorer in a process of its own.

    ``drawn`` names drawn workflows whose skills are given, or is empty. Raises
    `InfrastructureError` when an episode did not end: a reward of nothing would teach something.
    """

    client: ExpertClient
    scorer: Scorer
    drawn: str = ""
    limits: Limits = field(default_factory=lambda: Limits(turns=24))
    at_once: int = 4
    registry: Registry = field(default_factory=lambda: Registry(default_tools()))

    async def __call__(self, planner: Planner, tasks: Sequence[Task]) -> list[Rewarded]:
        """The tasks' judged episodes, in order."""
        lanes = asyncio.Semaphore(self.at_once)
        with TemporaryDirectory(prefix="surveyor-episodes-") as name:

            async def one(number: int, task: Task) -> Rewarded:
                async with lanes:
                    return await self._one(Path(name) / f"{number}.jsonl", planner, task)

            return list(await asyncio.gather(*(one(k, task) for k, task in enumerate(tasks))))

    async def _one(self, path: Path, planner: Planner, task: Task) -> Rewarded:
        skill = skill_for(self.drawn, task.id) if self.drawn else None
        skills = (skill,) if skill else ()
        workspace = Workspace(task, self.client)
        with EpisodeLog(path) as log:
            await run_episode(task, planner, self.registry, workspace, log, self.limits, skills)
        episode = fold(read_events(path))
        if episode is None or not episode.done:
            why = episode.reason if episode else "it never began"
            raise InfrastructureError(f"an episode of {task.id} did not end: {why}")
        told = await self.scorer.judge(episode)
        workflow = skill.workflow if skill else None
        return Rewarded(episode, told.score, workflow, grounded=True, boxes=told.boxes)


def utility(judged: Rewarded, price: float) -> float:
    """What an episode is worth: ``score - price · seconds`` in priced expert seconds."""
    return judged.score - price * seconds_of(judged.episode)


def seconds_of(episode: Episode) -> float:
    """Priced expert seconds; what a cache answered is priced too."""
    return sum(outcome.cost for outcome in episode.outcomes)
