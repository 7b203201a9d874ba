"""The skills that a run is given: none, the builtin ones, or a pinned snapshot."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surveyor.agent.skill_tool import load_skill_tool
from surveyor.benchmarks.run.config import RunConfig
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.core.tasks import Task
from surveyor.memory.events import SkillsRetrieved
from surveyor.skills.builtin import add_builtin
from surveyor.skills.embed import make_embedder
from surveyor.skills.entries import RetrievedSkill
from surveyor.skills.provenance import Status
from surveyor.skills.ranking import RetrievalSettings
from surveyor.skills.retrieve import Retriever
from surveyor.skills.scene_profile import ProfileMaker
from surveyor.skills.snapshot import Snapshot, open_snapshot, take_snapshot
from surveyor.skills.store import SkillStore
from surveyor.tools.spec import Tool

BUILTIN, _OLD_NAME = "builtin", "seeds"
NAMED_SKILLS = ("", "none", BUILTIN, _OLD_NAME)
"""What stands for skills besides the folder of a snapshot."""


@dataclass(frozen=True, slots=True)
class RunSkills:
    """Retrieves for every task from one pinned snapshot."""

    id: str
    _retriever: Retriever
    _card: ProfileMaker
    _uses: Mapping[str, str]

    def tool(self) -> Tool[Any]:
        """`load_skill` over this snapshot, for planners that read."""
        return load_skill_tool(lambda name: self._retriever.load(name).text, self._uses)

    def skills_for(self, task: Task) -> tuple[tuple[RetrievedSkill, ...], SkillsRetrieved]:
        """The skills for one task, and the event that says how they were chosen."""
        found = self._retriever.retrieve(self._card(task), task.question)
        return found.skills, found.event


@contextmanager
def open_skills(
    config: RunConfig, dataset: Dataset, tasks: Sequence[Task], cache: Path
) -> Iterator[RunSkills | None]:
    """None for ``none``; else the skills of ``builtin`` (once called ``seeds``) or of a snapshot's
    folder, searched with the embedder and on the device that the configuration names.

    Raises `UserError` when there is no such snapshot, or when its evidence touches these scenes.
    """
    name = config.skills
    if name in ("", "none"):
        yield None
        return
    if name == _OLD_NAME:
        print(f"note: the skills {_OLD_NAME!r} are called {BUILTIN!r} now", file=sys.stderr)
    snapshot = _builtin(cache) if name in (BUILTIN, _OLD_NAME) else _snapshot(Path(name))
    try:
        snapshot.refuse_overlap(tasks)
        active = snapshot.store.skills(Status.ACTIVE)
        uses = {skill.document.name: skill.document.description for skill in active}
        embedder, taken = make_embedder(config.embedder), RetrievalSettings(top_k=config.top_k)
        retriever = snapshot.retriever(embedder, taken, device=config.index)
        yield RunSkills(snapshot.id, retriever, ProfileMaker(dataset.blobs.get), uses)
    finally:
        snapshot.store.close()


def _builtin(cache: Path) -> Snapshot:
    with SkillStore(cache / BUILTIN / "skills.sqlite") as store:
        add_builtin(store)
        return take_snapshot(store, cache / BUILTIN / "snapshots")


def _snapshot(path: Path) -> Snapshot:
    if not path.is_dir():
        raise UserError(f"there is no snapshot {path}; choose none, builtin or a snapshot's folder")
    return open_snapshot(path)
