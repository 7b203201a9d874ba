"""Scene memory of a run: what is recalled while it goes on, and what is filed as episodes end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.recall_tool import recall_tool
from benchmarks.run.progress import Subscriber
from memory.events import EpisodeStatus
from memory.runs import RunFolder
from memory.scene_memory import SceneMemory
from scenes.suite import Suite
from scenes.tasks import Task
from skills.card import CardMaker
from skills.remember import remember
from tools.spec import Tool


@dataclass(frozen=True, slots=True)
class RunMemory:
    """A memory that a run reads and adds to."""

    memory: SceneMemory
    card: CardMaker

    def tool(self) -> Tool[Any]:
        """`recall`, for planners that read."""
        return recall_tool(self.memory)

    def keeper(self, folder: RunFolder) -> Subscriber:
        """Files every settled episode of this run."""
        return _Keeper(self, folder)


class _Keeper:
    def __init__(self, kept: RunMemory, folder: RunFolder) -> None:
        self._kept = kept
        self._folder = folder

    def started(self, progress: object) -> None:
        """Nothing has happened yet."""

    def ended(self, task: Task, epoch: int, ended: object, progress: object) -> None:
        """File the episode, unless it is owed: an outage says nothing of a scene."""
        episode = self._folder.episode(task.id, epoch)
        if episode is None or episode.status is EpisodeStatus.OWED:
            return
        key = f"{self._folder.path.name}/{task.id}/{epoch}"
        remember(self._kept.memory, key, task, episode, self._kept.card(task))

    def finished(self, progress: object) -> None:
        """Everything was filed when it happened."""


@contextmanager
def open_memory(path: str, suite: Suite) -> Iterator[RunMemory | None]:
    """The memory in the file ``path``, made when it is new; none where no file is named."""
    if not path:
        yield None
        return
    with SceneMemory(Path(path)) as memory:
        yield RunMemory(memory, CardMaker(suite.blobs.get))
