"""Episodes of one task held against each other: preference pairs, and groups for GRPO."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from surveyor.training.rows.filters import Filters
from surveyor.training.rows.records import Row
from surveyor.training.rows.source import RunSource


@dataclass(frozen=True, slots=True)
class PreferencePair:
    """A better and a worse episode of one task, whose first ``shared`` messages are the same."""

    chosen: Row
    rejected: Row

    @property
    def shared(self) -> int:
        """How many messages both begin with."""
        same = 0
        for one, other in zip(self.chosen.messages, self.rejected.messages, strict=False):
            if one != other:
                break
            same += 1
        return same


@dataclass(frozen=True, slots=True)
class PromptGroup:
    """A task's opening, and what its tries scored."""

    row: Row
    scores: list[float]


def preference_pairs(
    sources: Sequence[RunSource], filters: Filters, margin: float = 0.2
) -> Iterator[PreferencePair]:
    """The best and the worst episode of every task whose scores are ``margin`` apart.

    Only episodes with the same opening are paired: under another skill another way is right. The
    filters judge the better one.
    """
    for rows in _tasks(sources):
        by_opening: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            by_opening[repr(row.messages[:2])].append(row)
        for same in by_opening.values():
            ordered = sorted(same, key=lambda row: (row.score or 0.0, -row.cost))
            worst, best = ordered[0], ordered[-1]
            far = (best.score or 0.0) - (worst.score or 0.0) >= margin
            if far and filters.takes(best):
                yield PreferencePair(best, worst)


def prompt_groups(sources: Sequence[RunSource], filters: Filters) -> Iterator[PromptGroup]:
    """Every task once, with the scores of all its tries."""
    for rows in _tasks(sources):
        kept = [row for row in rows if filters.takes(row)]
        if kept:
            yield PromptGroup(kept[0], [row.score or 0.0 for row in kept])


def _tasks(sources: Sequence[RunSource]) -> Iterator[list[Row]]:
    """The scored rows of each task, task by task: only one task's rows are in memory."""
    index: dict[str, list[tuple[RunSource, int, float]]] = defaultdict(list)
    tasks = {}
    for source in sources:
        known = {task.id: task for task in source.dataset.tasks()}
        for (task_id, epoch), score in source.scores.items():
            index[task_id].append((source, epoch, score))
            tasks[task_id] = known[task_id]
    for task_id, tries in index.items():
        rows = [source.one(tasks[task_id], epoch, score) for source, epoch, score in tries]
        yield [row for row in rows if row is not None]
