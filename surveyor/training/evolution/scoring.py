"""Scoring predictions of training tasks, in a process of its own.

The process that plays episodes never holds an answer, not even in training. `Scorer` talks to a
child over pipes: one JSON line ``[task_id, prediction]`` in, one line ``[score, ratio]`` out,
where ``ratio`` is prediction over truth for numeric answers and null otherwise.

The child is ``python -m surveyor.training.evolution.scoring DATASET...``; each dataset is
scored by its own metric.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from surveyor.benchmarks.scan_points import Scans
from surveyor.benchmarks.scorecard import ScheduledRow, judge
from surveyor.benchmarks.scorers.base import Metric
from surveyor.benchmarks.scorers.per_type import metric_name_of
from surveyor.benchmarks.scorers.registry import metric_named
from surveyor.benchmarks.scoring import scheduled_row
from surveyor.core.dataset import Dataset, read_manifest
from surveyor.core.errors import InfrastructureError, SurveyorError
from surveyor.core.workers import python_module
from surveyor.scenes.datasets.truth import targets


@dataclass(frozen=True, slots=True)
class Scored:
    """A score in 0..1, and how many times too large a numeric answer was."""

    score: float
    ratio: float | None = None


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

    async def score(self, task_id: str, prediction: str | None) -> Scored:
        """Score one prediction; raises `InfrastructureError` when the child has died."""
        child = self._child
        if child is None or child.stdin is None or child.stdout is None:
            raise InfrastructureError("the scorer was not started")
        async with self._turn:
            child.stdin.write(json.dumps([task_id, prediction]).encode() + b"\n")
            line = await child.stdout.readline()
            if not line:
                why = (await child.stderr.read()).decode() if child.stderr else ""
                raise InfrastructureError(f"scoring ended early: {why.strip()[-400:]}")
        score, ratio = json.loads(line)
        return Scored(score, ratio)


def main(arguments: Sequence[str]) -> int:
    """The child: answer until standard input ends."""
    try:
        rows = {name: row for path in arguments for name, row in _rows(Path(path)).items()}
    except SurveyorError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for line in sys.stdin:
        task_id, prediction = json.loads(line)
        metric, row = rows[task_id]
        (judged,) = judge(metric, [row], {row.id: prediction})
        score = judged.values[metric.score_fields[0]]
        answer = [score, _ratio(prediction, row.target.get("ground_truth"))]
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    return 0


def _rows(path: Path) -> dict[str, tuple[Metric, ScheduledRow]]:
    """Every task's metric and target, by task id."""
    manifest = read_manifest(path)
    name = manifest.settings.get("metric") or metric_name_of(tuple(manifest.questions))
    metric, scans = metric_named(str(name)), Scans(path)
    answers = {target.task_id: target for target in targets(path)}
    return {
        task.id: (metric, scheduled_row(task.id, task, answers[task.id], metric, scans))
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
