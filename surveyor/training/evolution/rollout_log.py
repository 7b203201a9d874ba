"""Rollouts on disk: ordinary run folders, one for each stage, way and dataset.

A rollout is never kept in a form of its own. What was played is read from episode logs, what is
still to play follows from schedules and logs, and `surveyor score`, the report and the viewer read
these folders like any other run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from surveyor.benchmarks.run.config import RunConfig
from surveyor.benchmarks.run.provenance import record
from surveyor.benchmarks.run.schedule import scheduled
from surveyor.core.errors import UserError
from surveyor.core.producer import Producer
from surveyor.memory.events import (
    EpisodeStatus,
)
from surveyor.memory.manifest import DatasetIdentity, RunRecord
from surveyor.memory.runs import RunFolder
from surveyor.skills.workflow import Workflow
from surveyor.training.evolution.player import RolloutRequest
from surveyor.training.evolution.versions import fingerprint

Key = tuple[str, str, str]
"""Task id, workflow key, and version of the skill that words it (empty: none was shown)."""


@dataclass(slots=True)
class RolloutLog:
    """The run folders under ``root`` that were made by one behaviour.

    ``config`` is what they have in common; each one's ``planner_options`` also name its workflow.
    """

    root: Path
    config: RunConfig
    behaviour: Mapping[str, str]
    datasets: Mapping[str, DatasetIdentity]
    producers: tuple[Producer, ...] = ()
    _folders: dict[Key, RunFolder] = field(default_factory=dict)
    _made: RunRecord | None = None

    def __post_init__(self) -> None:
        # Hidden: half made by whoever was killed, so perhaps torn.
        for path in sorted(self.root.glob("[!.]*/run.json")):
            folder = RunFolder.open(path.parent)
            if folder.record.manifest.behaviour == self.behaviour:
                self._own(folder)

    @property
    def fingerprint(self) -> str:
        """One name for the behaviour."""
        return fingerprint(self.behaviour)

    def folder(self, request: RolloutRequest, skill: str) -> RunFolder:
        """Where the rollout lies or will lie."""
        return self._folders[(*request.key, skill)]

    def settled(self, request: RolloutRequest, skill: str) -> bool:
        """Whether its episode has an end, as told by the log."""
        folder = self._folders.get((*request.key, skill))
        status = folder.status(request.case.id, 0) if folder else None
        return status not in (None, EpisodeStatus.INCOMPLETE)

    def schedule(
        self, stage: str, requests: Iterable[RolloutRequest], skills: Mapping[str, str]
    ) -> None:
        """Make run folders for what has none yet; ``skills`` are versions by workflow key."""
        groups: dict[tuple[str, str], list[RolloutRequest]] = defaultdict(list)
        for request in requests:
            way = request.workflow.key
            if (*request.key, skills.get(way, "")) not in self._folders:
                groups[way, request.case.task.dataset].append(request)
        for (way, dataset), mine in sorted(groups.items()):
            self._own(self._make(stage, dataset, mine, skills.get(way, "")))

    def _make(
        self, stage: str, dataset: str, requests: Sequence[RolloutRequest], skill: str
    ) -> RunFolder:
        if dataset not in self.datasets:
            raise UserError(f"the dataset {dataset!r} of task {requests[0].case.id} was not given")
        workflow = requests[0].workflow
        options = {**self.config.planner_options, "workflow": workflow.model_dump(mode="json")}
        config = self.config.changed(dataset=dataset, planner_options=options)
        path = self._free(f"{stage}-{workflow.key}-{dataset}")
        manifest = self._template.manifest.model_copy(
            update={"dataset": self.datasets[dataset], "skills": skill}
        )
        made = self._template.model_copy(
            update={
                "id": path.name,
                "config": config.model_dump(mode="json"),
                "manifest": manifest,
            }
        )
        return RunFolder.create(path, made, (scheduled(request.case.task) for request in requests))

    @property
    def _template(self) -> RunRecord:
        """What all records say; made once, because it asks for every installed package."""
        if self._made is None:
            nothing = DatasetIdentity(name="")
            made = record("", self.config, nothing, experts=self.producers)
            manifest = made.manifest.model_copy(update={"behaviour": dict(self.behaviour)})
            self._made = made.model_copy(update={"manifest": manifest})
        return self._made

    def _free(self, name: str) -> Path:
        """A name that no folder has: an earlier behaviour may have made one of the same stage."""
        path, number = self.root / name, 1
        while path.exists():
            number += 1
            path = self.root / f"{name}-{number}"
        return path

    def _own(self, folder: RunFolder) -> None:
        workflow = workflow_key(folder)
        skill = folder.record.manifest.skills
        for task in folder.schedule:
            self._folders.setdefault((task.id, workflow, skill), folder)


def workflow_key(folder: RunFolder) -> str:
    """Key of the workflow that a rollout folder was played with; `UserError` where it isn't one."""
    options = folder.record.config.get("planner_options")
    workflow = options.get("workflow") if isinstance(options, dict) else None
    if not isinstance(workflow, dict):
        raise UserError(f"{folder.path} says no workflow; it is not a folder of rollouts")
    return Workflow.model_validate(workflow).key
