"""One recorded run over every kind of question, played by an impersonated model in every dialect
of the chat planner."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from surveyor.benchmarks.run.config import RunConfig
from surveyor.compose.demo import make_rooms
from surveyor.compose.run import Job
from surveyor.compose.session import finish, reference_experts
from surveyor.core.dataset import Dataset
from surveyor.memory.events import EpisodeStatus
from surveyor.memory.runs import RunFolder
from surveyor.scenes.datasets.embedded import RoomsSettings
from surveyor.scenes.questions.asking import GENERATORS
from tests.claims.agent.fake_model import Manner, chat_config, impersonator
from tests.claims.claim import Claim
from tests.support.mock_endpoint import RehearsalServer

ROOMS = range(8950, 8954)
SETTINGS = RoomsSettings(types=tuple(GENERATORS), per_type=3, balance=False)
PRESET = "imperfect-detector"


@dataclass(frozen=True, slots=True)
class _Ends:
    """How a run ended: scores and answers by task, and how many tasks got an answer."""

    scores: dict[str, float]
    answers: dict[str, str | None]
    answered: int

    @classmethod
    def of(cls, run: RunFolder) -> _Ends:
        episodes = {task.id: run.episode(task.id, epoch) for task, epoch in run.scheduled()}
        return cls(
            {score.task_id: score.value for score in run.results()},
            {task: episode.answer if episode else None for task, episode in episodes.items()},
            sum(e is not None and e.status is EpisodeStatus.ANSWERED for e in episodes.values()),
        )


def dialects(folder: Path) -> Iterator[Claim]:
    """Scores and answers of the chat planner against those of the `program` planner whose turns it
    speaks, for every question type that the rooms dataset has."""
    dataset, cache = folder / "dataset", folder / "cache"
    make_rooms(dataset, ROOMS, SETTINGS)
    tasks = {task.id: task for task in Dataset.open(dataset).tasks()}
    with reference_experts(dataset, PRESET, folder / "experts") as endpoints:
        base = RunConfig(dataset=str(dataset), expert_options={"preset": PRESET})
        finish(Job(dataset, folder / "program", base, endpoints, cache))
        program = RunFolder.open(folder / "program")
        recorded = [
            (tasks[task.id], episode)
            for task, epoch in program.scheduled()
            if (episode := program.episode(task.id, epoch)) is not None
        ]
        wanted = _Ends.of(program)
        types = {task.question_type for task in tasks.values()}
        name = "question types that the dialects are tried on"
        yield Claim.at_least(name, len(types), len(GENERATORS), f"{len(tasks)} questions")
        for manner in Manner:
            with RehearsalServer(impersonator(recorded, manner), keep=False) as server:
                config = _chatting(base, server.url, manner)
                run = folder / manner.name.lower()
                finish(Job(dataset, run, config, endpoints, cache))
            yield from _compared(manner, wanted, _Ends.of(RunFolder.open(run)))


def _compared(manner: Manner, wanted: _Ends, found: _Ends) -> Iterator[Claim]:
    scores = sum(found.scores.get(task) != value for task, value in wanted.scores.items())
    answers = sum(found.answers.get(task) != text for task, text in wanted.answers.items())
    note = f"{len(wanted.scores)} questions over HTTP, {found.answered} answered"
    yield Claim.at_most(f"chat, {manner.value}: scores that differ", scores, 0, note)
    yield Claim.at_most(f"chat, {manner.value}: answers that differ", answers, 0)


def _chatting(base: RunConfig, url: str, manner: Manner) -> RunConfig:
    options = chat_config(url, manner).model_dump(mode="json", exclude_none=True)
    return base.changed(
        planner="chat", planner_options=options, limits={"turns": 200, "tool_calls": 1000}
    )
