"""The player of real episodes: the same loop as any run, logged in the same way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from surveyor.agent.limits import Limits
from surveyor.agent.loop import Toolbox, run_episode
from surveyor.agent.planner import Planner
from surveyor.core.errors import InfrastructureError, UserError
from surveyor.memory.events import EpisodeStatus, ToolOutcome
from surveyor.memory.log import EpisodeLog
from surveyor.memory.runs import RunFolder
from surveyor.skills.distil.causes import GOOD_ENOUGH
from surveyor.skills.distil.findings import Finding
from surveyor.skills.distil.rollouts import Rollout
from surveyor.skills.distil.trajectories import trajectory_text
from surveyor.skills.documents import SkillDocument
from surveyor.skills.entries import RetrievedSkill
from surveyor.skills.workflow import Workflow
from surveyor.tools.workspace import Workspace
from surveyor.training.evolution.cases import Case
from surveyor.training.evolution.player import RolloutRequest
from surveyor.training.evolution.replay import prediction, replay
from surveyor.training.evolution.rollout_log import RolloutLog
from surveyor.training.evolution.scoring import Scored

GIVE_UP_AFTER = 16
"""Incomplete episodes in a row after which the experts or the model count as gone."""

SHOWN = 3
"""Trajectories that a distiller is shown of the worst episodes, and as many of the best."""

Progress = Callable[[str, int, int], None]
"""Told (stage, done, total) while a stage is played."""


class Style(Protocol):
    """How a workflow is brought to a planner: executed, or read as a skill."""

    def skill(self, workflow: Workflow) -> RetrievedSkill | None:
        """What is shown for the workflow; ``None``: nothing."""
        ...

    def planner(self, workflow: Workflow) -> Planner: ...

    def teach(self, documents: Mapping[str, SkillDocument]) -> None:
        """Take the wording of workflows, by their keys."""
        ...


class Scores(Protocol):
    """Who scores predictions, in a process of its own."""

    async def score(
        self, task_id: str, prediction: str | None, outcomes: Sequence[ToolOutcome] = ()
    ) -> Scored: ...


@dataclass(slots=True)
class LoggedPlayer:
    """Plays what the log doesn't hold, and reads everything from it.

    ``workspace`` makes a fresh one for each episode.
    """

    log: RolloutLog
    style: Style
    registry: Toolbox
    workspace: Callable[[Case], Workspace]
    scores: Scores
    limits: Limits = field(default_factory=Limits)
    concurrency: int = 4
    progress: Progress | None = None
    _known: dict[tuple[str, str, str], Rollout] = field(default_factory=dict)
    _home: dict[str, RunFolder] = field(default_factory=dict)
    _failing: int = 0

    @property
    def behaviour(self) -> str:
        """Name of all that an episode depends on."""
        return self.log.fingerprint

    def teach(self, documents: Mapping[str, SkillDocument]) -> None:
        """See `Style`."""
        self.style.teach(documents)

    async def play(self, stage: str, requests: Sequence[RolloutRequest]) -> Sequence[Rollout]:
        """Rollouts in the order of the requests.

        Raises `InfrastructureError` when many in a row come back incomplete: the same call resumes.
        """
        skills = {r.workflow.key: self._version(r.workflow) for r in requests}
        self.log.schedule(stage, requests, skills)
        missing = [r for r in requests if not self.log.settled(r, skills[r.workflow.key])]
        await self._play_all(stage, missing)
        return [await self._read(r, skills[r.workflow.key]) for r in requests]

    def trajectories(self, finding: Finding) -> tuple[str, ...]:
        """What was done in the worst and the best of a finding's episodes."""
        mine = [r for r in self._known.values() if r.key in set(finding.episodes)]
        mine.sort(key=lambda r: (r.score, r.key))
        chosen = {r.key: r for r in (*mine[:SHOWN], *mine[-SHOWN:])}
        texts = []
        for rollout in chosen.values():
            folder = self._home[rollout.key]
            episode = folder.episode(rollout.task_id, 0)
            if episode is not None:
                verdict = (
                    "went well" if rollout.score >= GOOD_ENOUGH else f"failed: {rollout.cause}"
                )
                texts.append(trajectory_text(episode, verdict))
        return tuple(texts)

    async def _play_all(self, stage: str, requests: Sequence[RolloutRequest]) -> None:
        queue, done = iter(requests), 0

        async def lane() -> None:
            nonlocal done
            for request in queue:
                await self._episode(request)
                done += 1
                if self.progress is not None:
                    self.progress(stage, done, len(requests))

        lanes = [asyncio.create_task(lane()) for _ in range(min(self.concurrency, len(requests)))]
        try:
            await asyncio.gather(*lanes)
        finally:  # one failed for good: the others must not go on behind the caller's back
            for task in lanes:
                task.cancel()
            await asyncio.gather(*lanes, return_exceptions=True)

    async def _episode(self, request: RolloutRequest) -> None:
        case, skill = request.case, self.style.skill(request.workflow)
        folder = self.log.folder(request, skill.version if skill else "")
        earlier = folder.episode(case.id, 0)
        try:
            with EpisodeLog(folder.episode_path(case.id, 0)) as log:
                ended = await run_episode(
                    case.task,
                    self.style.planner(request.workflow),
                    self.registry,
                    self.workspace(case),
                    log,
                    self.limits,
                    (skill,) if skill else (),
                    attempt=earlier.attempts if earlier else 0,
                )
        except InfrastructureError as error:  # not the episode's: its log cannot be written
            raise UserError(f"{error}; make room, then run the same command to resume") from error
        incomplete = ended.status is EpisodeStatus.INCOMPLETE
        self._failing = self._failing + 1 if incomplete else 0
        if self._failing >= GIVE_UP_AFTER:
            raise InfrastructureError(
                f"{GIVE_UP_AFTER} rollouts in a row stayed incomplete ({ended.reason}); "
                "run the same command again to go on"
            )

    async def _read(self, request: RolloutRequest, skill: str) -> Rollout:
        key = (*request.key, skill)
        if key not in self._known:
            rollout = await self._replayed(request, self.log.folder(request, skill))
            if rollout.incomplete:
                return rollout
            self._known[key] = rollout
            self._home[rollout.key] = self.log.folder(request, skill)
        return self._known[key]

    async def _replayed(self, request: RolloutRequest, folder: RunFolder) -> Rollout:
        episode = folder.episode(request.case.id, 0)
        if episode is None:
            raise InfrastructureError(f"{folder.path} has lost the log of {request.case.id}")
        scored = None
        if episode.done:
            said = prediction(episode)
            scored = await self.scores.score(request.case.id, said, episode.outcomes)
        return replay(request.case, request.workflow, episode, scored)

    def _version(self, workflow: Workflow) -> str:
        skill = self.style.skill(workflow)
        return skill.version if skill else ""
