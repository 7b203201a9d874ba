"""Rollouts of the teacher under drawn workflows, as an ordinary run with ordinary logs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from surveyor.agent.limits import Limits
from surveyor.agent.planner import Planner
from surveyor.agent.program.planner import ProgramPlanner
from surveyor.benchmarks.run.config import RunConfig
from surveyor.benchmarks.run.progress import Subscriber
from surveyor.benchmarks.run.provenance import record
from surveyor.benchmarks.run.schedule import scheduled, select
from surveyor.benchmarks.runner import EpisodeContext, RunContext, SessionSummary, run_dataset
from surveyor.benchmarks.scoring import metric_of, score_apart
from surveyor.core.dataset import Dataset
from surveyor.core.tasks import Task
from surveyor.memory.events import SkillCandidate, SkillsRetrieved
from surveyor.memory.manifest import DatasetIdentity
from surveyor.memory.runs import RunFolder
from surveyor.tools.builtin import default_tools
from surveyor.tools.experts import ExpertClient
from surveyor.tools.registry import Registry
from surveyor.tools.spec import Tool
from surveyor.tools.workspace import Workspace
from surveyor.training.compact.drawing import skill_for
from surveyor.training.evolution.inprocess_experts import experts_in_process


async def play_run(
    folder: Path,
    dataset_path: Path,
    work: Path,
    config: RunConfig,
    planner: Planner | None = None,
    subscribers: Sequence[Subscriber] = (),
    tools: Sequence[Tool[Any]] = (),
) -> tuple[RunFolder, SessionSummary]:
    """Play ``config``'s tasks with reference experts in this process, and score what was answered.

    ``config.skills`` is empty or names drawn workflows (`surveyor.training.compact.drawing`).
    ``planner`` is the `program` teacher unless given, ``tools`` are offered beside ours. ``work``
    keeps blobs and cached answers and may be shared by runs. The same call again resumes.
    """
    dataset = Dataset.open(dataset_path)
    tasks = select(dataset.tasks(), config)
    preset = str(config.expert_options.get("preset", "perfect"))
    seed = int(str(config.expert_options.get("seed", 0)))
    async with experts_in_process([dataset_path], work, preset=preset, seed=seed) as client:
        manifest = record(
            folder.name,
            config,
            DatasetIdentity(name=dataset.manifest.name, content_hash=dataset.manifest.content_hash),
            skills=config.skills,
            experts=(),
        )
        run = RunFolder.create(folder, manifest, (scheduled(task) for task in tasks))
        bench = RunContext(
            planner or ProgramPlanner(),
            Registry([*default_tools(), *tools]),
            _Settings(client, config.skills),
            Limits(),
        )
        summary = await run_dataset(run, tasks, bench, config, subscribers)
    score_apart(run, dataset_path, metric_of(dataset_path, config.types))
    return run, summary


class _Settings:
    """A fresh workspace, and the drawn skill where workflows are drawn."""

    def __init__(self, client: ExpertClient, drawn: str) -> None:
        self._client = client
        self._drawn = drawn

    def __call__(self, task: Task) -> EpisodeContext:
        workspace = Workspace(task, self._client)
        skill = skill_for(self._drawn, task.id) if self._drawn else None
        if skill is None:
            return EpisodeContext(workspace, workspace.frame_handles)
        taken = SkillCandidate(skill=skill.name, version=skill.version, score=1.0, used=True)
        event = SkillsRetrieved(snapshot=self._drawn, candidates=(taken,))
        return EpisodeContext(workspace, workspace.frame_handles, (skill,), event)
