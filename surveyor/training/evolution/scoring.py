"""Scoring predictions of training tasks, in a process of its own.

The process that plays episodes never holds an answer, not even in training. `Scorer` talks to a
child over pipes: one JSON line ``[task_id, prediction, outcomes]`` in, one line ``[score, ratio,
boxes]`` out. ``outcomes`` are the results that an answer by handle rests on, ``ratio`` is
prediction over truth for numeric answers and ``boxes`` the reward of the boxes that are named
(`surveyor.training.rewards.boxes`); both are null otherwise.

The child is ``python -m surveyor.training.evolution.scoring DATASET...``; each dataset is
scored by its own metric.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from surveyor.benchmarks.evidence_answers import EpisodeEvidence, placed
from surveyor.benchmarks.scan_points import Scan, Scans
from surveyor.benchmarks.scorecard import ScheduledRow, judge
from surveyor.benchmarks.scorers.base import Metric
from surveyor.benchmarks.scorers.per_type import own_metric
from surveyor.benchmarks.scorers.registry import metric_named
from surveyor.benchmarks.scoring import metric_of, scheduled_row
from surveyor.core.dataset import Dataset
from surveyor.core.errors import InfrastructureError, SurveyorError
from surveyor.core.tasks import Task
from surveyor.core.workers import python_module
from surveyor.memory.episodes import Episode
from surveyor.memory.events import ToolOutcome, ToolStatus
from surveyor.scenes.datasets.truth import targets
from surveyor.training.rewards.boxes import corners_reward

_HANDLE = re.compile(r"\b[a-z]+_\d+\b")


@dataclass(frozen=True, slots=True)
class Scored:
    """A score in 0..1, how many times too large a numeric answer was, and the reward in 0..1 of the
    boxes that an answer names; ``None`` where the task has no boxes."""

    score: float
    ratio: float | None = None
    boxes: float | None = None


class Scorer:
    """Scores predictions of these datasets' tasks; use as an async context manager."""

    def __init__(self, datasets: Iterable[Path]) -> None:
        self._command = python_module("surveyor.training.evolution.scoring", *map(str, datasets))
        self._child: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        pipe = asyncio.subprocess.PIPE
        self._child = await asyncio.create_subprocess_exec(
            *self._command, stdin=pipe, stdout=pipe, stderr=pipe
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._child is not None and self._child.stdin is not None:
            self._child.stdin.close()
            await self._child.communicate()

    async def judge(self, episode: Episode) -> Scored:
        """Score an episode's answer; handles stand for what its own results say of them."""
        return await self.score(episode.started.task_id, episode.answer, episode.outcomes)

    async def score(
        self, task_id: str, prediction: str | None, outcomes: Sequence[ToolOutcome] = ()
    ) -> Scored:
        """Score one prediction, whose handles ``outcomes`` explain; raises `InfrastructureError`
        when the child has died."""
        child = self._child
        if child is None or child.stdin is None or child.stdout is None:
            raise InfrastructureError("the scorer was not started")
        async with self._turn:
            told = [task_id, prediction, _explaining(prediction, outcomes)]
            child.stdin.write(json.dumps(told).encode() + b"\n")
            line = await child.stdout.readline()
            if not line:
                why = (await child.stderr.read()).decode() if child.stderr else ""
                raise InfrastructureError(f"scoring ended early: {why.strip()[-400:]}")
        return Scored(*json.loads(line))


def _explaining(prediction: str | None, outcomes: Sequence[ToolOutcome]) -> list[object]:
    """The results that say what an answer's handles are: none for an answer that names none."""
    if prediction is None or not _HANDLE.search(prediction):
        return []
    made = (one for one in outcomes if one.status is ToolStatus.OK and one.handles)
    return [one.model_dump(mode="json") for one in made]


def main(arguments: Sequence[str]) -> int:
    """The child: answer until standard input ends."""
    try:
        rows = {name: row for path in arguments for name, row in _rows(Path(path)).items()}
    except SurveyorError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for line in sys.stdin:
        task_id, prediction, told = json.loads(line)
        outcomes = [ToolOutcome.model_validate(one) for one in told]
        sys.stdout.write(json.dumps(_judged(rows[task_id], prediction, outcomes)) + "\n")
        sys.stdout.flush()
    return 0


@dataclass(frozen=True, slots=True)
class _Asked:
    """A task with what judges it."""

    task: Task
    metric: Metric
    row: ScheduledRow
    scans: Scans


def _judged(
    asked: _Asked, prediction: str | None, outcomes: Sequence[ToolOutcome]
) -> tuple[float, float | None, float | None]:
    """Score, ratio and boxes, as `Scored` has them."""
    metric, row = asked.metric, asked.row
    evidence = EpisodeEvidence.of(outcomes)
    own = own_metric(asked.task.question_type) if metric.name == "rooms" else None
    said = placed(
        own or metric, prediction, lambda: evidence, lambda: asked.scans[asked.task.scene_id]
    )
    (judged,) = judge(metric, [row], {row.id: said.prediction})
    every = placed(metric_named("multi3drefer"), prediction, lambda: evidence, _no_scan)
    return (
        judged.values[metric.score_fields[0]],
        _ratio(prediction, row.target.get("ground_truth")),
        corners_reward(every.prediction, row.target),
    )


def _no_scan() -> Scan:
    return Scan()


def _rows(path: Path) -> dict[str, _Asked]:
    """Every task with its metric and target, by task id."""
    metric, scans = metric_named(metric_of(path)), Scans(path)
    answers = {target.task_id: target for target in targets(path)}
    return {
        task.id: _Asked(
            task, metric, scheduled_row(task.id, task, answers[task.id], metric, scans), scans
        )
        for task in Dataset.open(path).tasks()
    }


def _ratio(prediction: object, truth: object) -> float | None:
    try:
        said, true = float(str(prediction)), float(str(truth))
    except ValueError:
        return None
    return said / true if true > 0 else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
