"""Scoring predictions of training tasks, in a process of its own.

The process that plays episodes never holds an answer, not even in training. `Judge` talks to a
child over pipes: one JSON line ``[task_id, prediction]`` in, one line ``[score, ratio]`` out,
where ``ratio`` is prediction over truth for numeric answers and null otherwise.

The child is ``python -m surveyor.training.evolution.scoring METRIC PROFILE DATASET...``.
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

from surveyor.core.errors import InfrastructureError, SurveyorError
from surveyor.core.workers import python_module


@dataclass(frozen=True, slots=True)
class Mark:
    """A score in 0..1, and how many times too large a numeric answer was."""

    score: float
    ratio: float | None = None


class Judge:
    """Scores predictions of these datasets' tasks; use as an async context manager."""

    def __init__(
        self, datasets: Iterable[Path], metric: str = "vsi", profile: str = "official"
    ) -> None:
        self._command = python_module(
            "surveyor.training.evolution.scoring", metric, profile, *map(str, datasets)
        )
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

    async def mark(self, task_id: str, prediction: str | None) -> Mark:
        """Score one prediction; raises `InfrastructureError` when the child has died."""
        child = self._child
        if child is None or child.stdin is None or child.stdout is None:
            raise InfrastructureError("the judge was not started")
        async with self._turn:
            child.stdin.write(json.dumps([task_id, prediction]).encode() + b"\n")
            line = await child.stdout.readline()
            if not line:
                why = (await child.stderr.read()).decode() if child.stderr else ""
                raise InfrastructureError(f"scoring ended early: {why.strip()[-400:]}")
        score, ratio = json.loads(line)
        return Mark(score, ratio)


def main(arguments: Sequence[str]) -> int:
    """The child: answer until standard input ends."""
    from surveyor.benchmarks.scorers.registry import metric_named
    from surveyor.benchmarks.scoring import target_fields
    from surveyor.scenes.datasets.truth import targets

    name, profile, *datasets = arguments
    try:
        metric = metric_named(name)
        rows = {
            target.task_id: target_fields(target)
            for dataset in datasets
            for target in targets(Path(dataset))
        }
    except SurveyorError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for line in sys.stdin:
        task_id, prediction = json.loads(line)
        row = rows[task_id]
        score = metric.score({**row, metric.prediction_field: prediction}, profile)
        value = score.values[metric.score_fields[0]]
        sys.stdout.write(json.dumps([value, _ratio(prediction, row["ground_truth"])]) + "\n")
        sys.stdout.flush()
    return 0


def _ratio(prediction: object, truth: object) -> float | None:
    try:
        said, true = float(str(prediction)), float(str(truth))
    except ValueError:
        return None
    return said / true if true > 0 else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
