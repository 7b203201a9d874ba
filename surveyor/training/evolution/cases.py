"""Cases: training tasks with their scene profiles, and which rooms teach and which judge."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.core.tasks import Task
from surveyor.skills.scene_profile import ProfileMaker, SceneProfile

_ROOM = re.compile(r"^room_\d+")


@dataclass(frozen=True, slots=True)
class Case:
    """A task, its profile, and the room that it is about (a room may be filmed in several ways)."""

    task: Task
    profile: SceneProfile
    room: str

    @property
    def id(self) -> str:
        """The task's id."""
        return self.task.id


def room_of(scene_id: str) -> str:
    """The place behind a scene: embedded rooms say it in the beginning of their name."""
    match = _ROOM.match(scene_id)
    return match.group() if match else scene_id


def load_cases(datasets: Iterable[Path], *, split: str | None = "train") -> tuple[Case, ...]:
    """Every task of these datasets with its profile.

    Raises `UserError` when a dataset is of another split: skills are never learned from test
    scenes.
    """
    cases: list[Case] = []
    for path in datasets:
        dataset = Dataset.open(path)
        make = ProfileMaker(dataset.blobs.get)
        for task in dataset.tasks():
            if split is not None and task.split != split:
                raise UserError(
                    f"{path} is a {task.split} dataset; "
                    f"skills are learned from {split} datasets only"
                )
            cases.append(Case(task, make(task), room_of(task.scene_id)))
    if len({c.id for c in cases}) != len(cases):
        raise UserError("two datasets share task ids; give each dataset its own name")
    return tuple(cases)


def in_rooms(cases: Iterable[Case], rooms: Iterable[str]) -> tuple[Case, ...]:
    """The cases of these rooms."""
    wanted = set(rooms)
    return tuple(case for case in cases if case.room in wanted)


def shuffled_rooms(cases: Iterable[Case], seed: int) -> tuple[str, ...]:
    """Every room once, in an order that the seed alone decides."""
    return tuple(sorted({c.room for c in cases}, key=lambda room: _draw(seed, room)))


def blocks(rooms: Sequence[str], shares: Sequence[float]) -> tuple[tuple[str, ...], ...]:
    """The rooms cut in turn by these shares, which add up to one."""
    whole, ends, total = sum(shares), [0], 0.0
    for share in shares:
        total += share
        ends.append(round(len(rooms) * total / whole))
    return tuple(tuple(rooms[a:b]) for a, b in pairwise(ends))


def _draw(seed: int, room: str) -> str:
    return hashlib.sha256(f"{seed}|{room}".encode()).hexdigest()
