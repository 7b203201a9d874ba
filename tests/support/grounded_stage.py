"""A room with referring expressions, and the environment of reinforcement learning around it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from surveyor.core.dataset import Dataset
from surveyor.core.tasks import Task
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from surveyor.tools.builtin import default_tools
from surveyor.tools.registry import Registry
from surveyor.training.evolution.inprocess_experts import experts_in_process
from surveyor.training.grpo.environment import RolloutStage


def grounded_room(path: Path) -> Dataset:
    """A dataset of split train: one small room, six descriptions of one object each."""
    settings = RoomsSettings(
        n_frames=6, size=(80, 60), types=("scanrefer",), per_type=6, balance=False, light_rays=1
    )
    make_rooms_dataset(path, [31], settings=settings, split="train")
    return Dataset.open(path)


@asynccontextmanager
async def grounded_stage(dataset: Dataset, work: Path) -> AsyncIterator[RolloutStage]:
    """The stage of a training on it, with exact experts in this process."""
    tasks = {task.id: task for task in dataset.tasks()}
    async with experts_in_process([dataset.path], work, preset="perfect") as client:
        yield RolloutStage(tasks, Registry(default_tools()), lambda: client)


def described_name(task: Task) -> str:
    """What the description is of: *the lamp that is closest to the door* is of a lamp."""
    found = re.search(r"description: the ([a-z ]+?)(?: that| whose| on a|$)", task.question)
    assert found is not None, task.question
    return found[1]
