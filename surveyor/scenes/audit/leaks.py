"""The blind audit: how well can a dataset's questions be answered without looking?

A generator whose questions a text-only learner answers above chance tests memory of its habits,
not sight. Printed with every generated set; `surveyor.scenes.audit.balance` acts on it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import chisquare

from surveyor.core.tasks import AnswerKind
from surveyor.scenes.audit.blind_readers import BlindItem, BlindTest
from surveyor.scenes.questions.draft import LETTERS, GeneratedQuestion

MIN_AUDITED = 20
FOLDINGS = 5
"""Ways of cross-validating that are averaged: a single one is off by some points on 200 items."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """Blind scores of one question type, all in 0..1.

    ``chance`` is guessing among the options, or for numbers the best constant answer;
    ``frequency`` always gives the commonest training answer; ``forest`` reads the question.
    ``letters_p`` is the p-value that right letters are spread evenly (1 for numbers).
    """

    question_type: str
    n: int
    chance: float
    frequency: float
    forest: float
    letters_p: float

    @property
    def leak(self) -> float:
        """How far the better blind reader beats chance."""
        return max(self.frequency, self.forest) - self.chance


def blind_items(questions: Iterable[GeneratedQuestion]) -> dict[str, list[BlindItem]]:
    """Questions by type as a blind reader gets them; free-form answers are left out."""
    found: dict[str, list[BlindItem]] = defaultdict(list)
    for question in questions:
        task, target = question.task, question.target
        if task.answer_kind is AnswerKind.CHOICE:
            options = tuple(option.split(". ", 1)[1] for option in task.options)
            answer = float(LETTERS.index(target.answer))
        elif task.answer_kind is AnswerKind.NUMBER:
            options, answer = (), float(target.answer)
        else:
            continue
        item = BlindItem(task.scene_id, task.question, options, answer)
        found[task.question_type].append(item)
    return dict(found)


def audit(questions: Iterable[GeneratedQuestion], seed: int = 0) -> list[AuditRow]:
    """Blind scores per question type with at least twenty questions, in alphabetical order."""
    items = blind_items(questions)
    return [
        audit_type(name, items[name], seed)
        for name in sorted(items)
        if len(items[name]) >= MIN_AUDITED
    ]


def audit_type(question_type: str, items: Sequence[BlindItem], seed: int = 0) -> AuditRow:
    """Blind scores of one type."""
    test = BlindTest(items)
    everything = np.arange(len(items))
    first = FOLDINGS * seed
    frequency, forest = test.mean_scores(everything, range(first, first + FOLDINGS))
    return AuditRow(
        question_type=question_type,
        n=len(items),
        chance=float(test.chance(everything, frequency).mean()),
        frequency=float(frequency.mean()),
        forest=float(forest.mean()),
        letters_p=letters_p(items),
    )


def letters_p(items: Sequence[BlindItem]) -> float:
    """Chi-squared p-value that each of a question's letters is right equally often."""
    widths = [len(item.options) for item in items]
    if not any(widths):
        return 1.0
    expected = [sum(1 / w for w in widths if k < w) for k in range(max(widths))]
    observed = np.bincount([int(item.answer) for item in items], minlength=len(expected))
    return float(chisquare(observed, expected).pvalue)
