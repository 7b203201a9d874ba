"""Questions with their answers, as record layouts of other benchmarks want them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import JsonValue

from surveyor.core.dataset import Dataset
from surveyor.core.tasks import Task
from surveyor.scenes.datasets.truth import scene_truth, targets
from surveyor.scenes.records import SceneObject, SceneTruth
from surveyor.scenes.targets import Target

Record = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Asked:
    """A task, its answer and the truth of its scene."""

    task: Task
    target: Target
    truth: SceneTruth

    @property
    def objects(self) -> list[SceneObject]:
        """Objects that the proof names, in its order."""
        operands = self.target.proof.get("operands")
        named = operands.get("objects") if isinstance(operands, dict) else None
        by_id = {item.instance_id: item for item in self.truth.objects}
        if not isinstance(named, dict):
            return []
        return [by_id[k] for ids in named.values() for k in ids]  # type: ignore[union-attr, index]


def asked(path: Path, *question_types: str) -> Iterator[Asked]:
    """Everything a dataset asks, of the types named (all by default)."""
    truths: dict[str, SceneTruth] = {}
    for task, target in zip(Dataset.open(path).tasks(), targets(path), strict=True):
        if question_types and task.question_type not in question_types:
            continue
        if task.scene_id not in truths:
            truths[task.scene_id] = scene_truth(path, task.scene_id)
        yield Asked(task, target, truths[task.scene_id])
