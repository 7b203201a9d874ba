"""Finished runs as evidence, so that what was paid for once is not paid for again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from surveyor.core.errors import UserError
from surveyor.memory.episodes import Episode
from surveyor.memory.runs import RunFolder
from surveyor.skills.distil.rollouts import Rollout
from surveyor.skills.workflow import WORKFLOWS, Workflow
from surveyor.training.evolution.cases import Case
from surveyor.training.evolution.folding import fold_workflow
from surveyor.training.evolution.players import Scores
from surveyor.training.evolution.replay import prediction, replay


async def rollouts_of(
    folders: Sequence[RunFolder], cases: Sequence[Case], scores: Scores
) -> tuple[Rollout, ...]:
    """Every finished episode of these runs on these cases, scored again from its log.

    Raises `UserError` when a run is of none of the cases, so of another dataset.
    """
    by_id: Mapping[str, Case] = {case.id: case for case in cases}
    found = []
    for folder in folders:
        mine = [(task.id, epoch) for task, epoch in folder.scheduled() if task.id in by_id]
        if not mine:
            raise UserError(f"{folder.path} asked none of the given datasets' questions")
        for task_id, epoch in mine:
            episode = folder.episode(task_id, epoch)
            way = workflow_of(folder, episode) if episode and episode.done else None
            if episode is not None and way is not None:
                scored = await scores.score(task_id, prediction(episode), episode.outcomes)
                found.append(replay(by_id[task_id], way, episode, scored))
    return tuple(found)


def workflow_of(folder: RunFolder, episode: Episode) -> Workflow | None:
    """The workflow that a run was told to use, else the one that its calls amount to."""
    config = folder.record.config
    options = config.get("planner_options")
    told = options.get("workflow") if isinstance(options, dict) else None
    if config.get("planner") == "program" and not config.get("skills"):
        if isinstance(told, dict):
            return Workflow.model_validate(told)
        return WORKFLOWS.get(str(told or "plain"))
    return fold_workflow(episode)
