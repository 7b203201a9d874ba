"""What needs no eyes, by question type: chance, and always giving the commonest right answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Final

from surveyor.memory.runs import RunFolder

_MOST_LOGS: Final = 4000
"""Logs that a page is worth opening for two marks; beyond, the first ones of each type stand for
the rest."""

Lines = tuple[float, float]


def lines(folder: RunFolder) -> Mapping[str, Lines]:
    """Chance and the commonest right answer, 0..100, of the types in which every question that was
    asked has options."""
    right = {score.task_id: str(score.fields.get("correct", "")) for score in folder.results()}
    options: dict[str, list[int]] = {}
    answers: dict[str, Counter[str]] = {}
    for task in folder.schedule[:_MOST_LOGS]:
        episode = folder.episode(task.id, 0)
        if episode is None or not right.get(task.id):
            continue
        options.setdefault(task.question_type, []).append(len(episode.started.options))
        answers.setdefault(task.question_type, Counter())[right[task.id]] += 1
    return {
        name: (
            100 * sum(1 / count for count in counts) / len(counts),
            100 * answers[name].most_common(1)[0][1] / len(counts),
        )
        for name, counts in options.items()
        if all(count > 1 for count in counts)
    }
