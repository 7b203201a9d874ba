"""Rows of a run, one episode at a time, so that memory does not grow with the number of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from surveyor.agent.chat.capabilities import Capabilities, Coordinates
from surveyor.agent.chat.coordinates import Places
from surveyor.agent.planner import PlannerInput
from surveyor.agent.program.tool import PROGRAM, program_tool
from surveyor.benchmarks.tool_use import Use, tool_use
from surveyor.core.blobs import BlobStore
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.core.tasks import Task
from surveyor.memory.episodes import Episode
from surveyor.memory.events import Answer, EpisodeStatus, SkillsRetrieved
from surveyor.memory.runs import RunFolder
from surveyor.skills.entries import RetrievedSkill
from surveyor.tools.builtin import default_tools
from surveyor.tools.spec import Tool
from surveyor.training.rows.accounts import Layout, account_messages
from surveyor.training.rows.records import Chat, Row
from surveyor.training.rows.sent import said, was_recorded
from surveyor.training.rows.teacher import tell

SkillTexts = Callable[[Task, SkillsRetrieved], tuple[RetrievedSkill, ...]]
"""The skills that an episode was given, in full; `UserError` when they cannot be found."""


@dataclass(frozen=True, slots=True)
class RunSource:
    """A run and what its rows need besides.

    ``capabilities`` are of the model that the rows are for: where its images stand, which dialect
    it speaks. Chat episodes come as they were sent, whatever the capabilities say. In another
    ``layout`` than the conversation, episodes of programs that it has words for are told alone.
    """

    folder: RunFolder
    dataset: Dataset
    skills: SkillTexts
    capabilities: Capabilities
    reasoning: bool = True
    layout: Layout = Layout.CONVERSATION

    def rows(self) -> Iterator[Row]:
        """A row for every answered episode that the layout can tell, in the schedule's order.

        Raises `UserError` when the dataset is not the run's, or a chat episode's messages were not
        recorded.
        """
        scores = self.scores
        tasks = self._tasks()
        for scheduled, epoch in self.folder.scheduled():
            episode = self.folder.episode(scheduled.id, epoch)
            if episode is None or episode.status is not EpisodeStatus.ANSWERED:
                continue
            row = self._row(tasks[scheduled.id], episode, scores.get((scheduled.id, epoch)))
            if row is not None:
                yield row

    @property
    def scores(self) -> dict[tuple[str, int], float]:
        """Scores by task and epoch; empty when the run was never scored."""
        return {(score.task_id, score.epoch): score.value for score in self.folder.results()}

    def one(self, task: Task, epoch: int, score: float) -> Row | None:
        """The row of one episode, if it was answered."""
        episode = self.folder.episode(task.id, epoch)
        if episode is None or episode.status is not EpisodeStatus.ANSWERED:
            return None
        return self._row(task, episode, score)

    def _tasks(self) -> dict[str, Task]:
        identity = self.folder.record.manifest.dataset
        if identity.content_hash != self.dataset.manifest.content_hash:
            raise UserError(
                f"{self.folder.path} was made on another dataset ({identity.name}); give the one "
                "that it was made on"
            )
        return {task.id: task for task in self.dataset.tasks()}

    def _row(self, task: Task, episode: Episode, score: float | None) -> Row | None:
        skills = self._skills(task, episode)
        if self.layout is Layout.CONVERSATION:
            messages, tools, exact = self._messages(task, episode, skills)
        else:
            account = account_messages(episode, self.layout)
            if account is None:
                return None
            messages, tools, exact = account, (), False
        uses = Counter(tool_use(episode).uses.values())
        answer = next(e for e in reversed(episode.events) if isinstance(e, Answer))
        told = next((skill.workflow for skill in skills if skill.workflow), None)
        return Row(
            task_id=task.id,
            epoch=episode.started.epoch,
            dataset=task.dataset,
            scene_id=task.scene_id,
            split=task.split,
            question_type=task.question_type,
            planner=episode.started.planner,
            score=score,
            guess=not uses[Use.EFFECTIVE] or (not exact and not answer.sources),
            effective=uses[Use.EFFECTIVE],
            redundant=uses[Use.REDUNDANT],
            failed=uses[Use.FAILED],
            cost=sum(outcome.cost for outcome in episode.outcomes),
            skills=tuple(skill.name for skill in skills),
            workflow=told.key if told else "",
            frames=tuple(frame.image.sha256 for frame in task.frames),
            exact=exact,
            messages=messages,
            tools=tools,
        )

    def _messages(
        self, task: Task, episode: Episode, skills: tuple[RetrievedSkill, ...]
    ) -> tuple[tuple[Chat, ...], tuple[Chat, ...], bool]:
        """Messages, tools, and whether they are what was sent."""
        if episode.model_calls:
            if not was_recorded(episode):
                raise UserError(
                    f"the messages of {task.id} were not recorded; run {self.folder.path} again "
                    "to train on it"
                )
            messages, tools = said(BlobStore(self.folder.path / "blobs"), episode)
            return messages, tools, True
        programs = any(call.name == PROGRAM for call in episode.calls)
        schemas = _schemas(programs, self.capabilities.coordinates)
        handles = tuple(f"frame_{frame.index}" for frame in task.frames)
        brief = PlannerInput(schemas, handles, skills)
        told = tell(task, brief, episode, self.capabilities, reasoning=self.reasoning)
        return told, schemas, False

    def _skills(self, task: Task, episode: Episode) -> tuple[RetrievedSkill, ...]:
        return self.skills(task, episode.skills) if episode.skills is not None else ()


@cache
def _schemas(programs: bool, coordinates: Coordinates) -> tuple[Chat, ...]:
    """The tools as a model is told them. Made once: describing them costs ten times what reading
    an episode does."""
    tools: tuple[Tool[Any], ...] = (*default_tools(), *((program_tool(),) if programs else ()))
    return Places((tool.schema for tool in tools), Capabilities(coordinates=coordinates)).told
