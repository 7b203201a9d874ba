"""Scene memory of a run: what is recalled while it goes on, and what is filed as episodes end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surveyor.agent.recall_tool import recall_tool
from surveyor.benchmarks.run.progress import Subscriber
from surveyor.core.dataset import Dataset
from surveyor.core.tasks import Task
from surveyor.memory.events import EpisodeStatus
from surveyor.memory.runs import RunFolder
from surveyor.memory.scenes.store import SceneMemory
from surveyor.skills.memory_hook import remember
from surveyor.skills.scene_profile import ProfileMaker
from surveyor.tools.spec import Tool


@dataclass(frozen=True, slots=True)
class RunMemory:
    """A memory that a run reads and adds to."""

    memory: SceneMemory
    card: ProfileMaker

    def tool(self) -> Tool[Any]:
        """`recall`, for planners that read."""
        return recall_tool(self.memory)

    def filing(self, folder: RunFolder) -> Subscriber:
        """Files every settled episode of this run."""
        return _EpisodeFiling(self, folder)


class _EpisodeFiling:
    def __init__(self, kept: RunMemory, folder: RunFolder) -> None:
        self._kept = kept
        self._folder = folder

    def started(self, progress: object) -> None:
        """Nothing has happened yet."""

    def ended(self, task: Task, epoch: int, ended: object, progress: object) -> None:
        """File the episode, unless it is incomplete: an outage says nothing of a scene."""
        episode = self._folder.episode(task.id, epoch)
        if episode is None or episode.status is EpisodeStatus.INCOMPLETE:
            return
        key = f"{self._folder.path.name}/{task.id}/{epoch}"
        remember(self._kept.memory, key, task, episode, self._kept.card(task))

    def finished(self, progress: object) -> None:
        """Everything was filed when it happened."""


@contextmanager
def open_memory(path: str, dataset: Dataset) -> Iterator[RunMemory | None]:
    """The memory in the file ``path``, made when it is new; none where no file is named."""
    if not path:
        yield None
        return
    with SceneMemory(Path(path)) as memory:
        yield RunMemory(memory, ProfileMaker(dataset.blobs.get))
