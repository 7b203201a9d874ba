"""A question before it is given its letters and its place in a dataset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from pydantic import JsonValue

from surveyor.core.blobs import BlobStore
from surveyor.core.cameras import Frame
from surveyor.core.tasks import AnswerKind, Task
from surveyor.scenes.capture.annotate import Annotation, draw_marks
from surveyor.scenes.targets import Target

LETTERS = "ABCDEFGH"
CHOICES = "{choices}"


@dataclass(frozen=True, slots=True)
class Draft:
    """One candidate question about one scene.

    ``correct`` is the answer's text; ``wrong`` the other choices of a multiple-choice question.
    Where ``question`` holds ``{choices}`` the options are listed there in their printed order.
    ``objects`` index the truth's objects that the answer rests on. ``margin`` is in the unit of
    the quantity decided upon (metres, radians, centimetres, seconds or objects). ``shown`` are the
    frames that go with the question (all when ``None``), with ``marks`` drawn into them.
    """

    question_type: str
    question: str
    correct: str
    wrong: tuple[str, ...] = ()
    kind: AnswerKind = AnswerKind.NUMBER
    unit: str | None = None
    margin: float | None = None
    objects: tuple[int, ...] = ()
    program: str = ""
    operands: Mapping[str, JsonValue] = field(default_factory=dict)
    difficulty: str | None = None
    evidence: tuple[int, ...] | None = None
    shown: tuple[int, ...] | None = None
    marks: tuple[Annotation, ...] = ()
    payload: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GeneratedQuestion:
    """A finished question: what is asked, and apart from it what is true."""

    task: Task
    target: Target


class LetterBalance:
    """Places the correct choice at the letter used least so far, per type and number of options."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng
        self._used: dict[tuple[str, int], list[int]] = {}

    def place(self, draft: Draft) -> tuple[tuple[str, ...], str]:
        """The choices in printed order, and the letter of the correct one."""
        n = len(draft.wrong) + 1
        used = self._used.setdefault((draft.question_type, n), [0] * n)
        least = [k for k in range(n) if used[k] == min(used)]
        place = int(self._rng.choice(least))
        used[place] += 1
        ordered = [draft.wrong[k] for k in self._rng.permutation(n - 1)]
        ordered.insert(place, draft.correct)
        return tuple(ordered), LETTERS[place]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where finished questions belong."""

    dataset: str
    scene_id: str
    split: str
    frames: tuple[Frame, ...] = ()
    blobs: BlobStore | None = None
    pair: str | None = None


def _frames(draft: Draft, place: Placement) -> tuple[Frame, ...]:
    """The frames of a question, with its marks drawn in where pixels are at hand."""
    if draft.shown is None:
        return place.frames
    frames = tuple(place.frames[k] for k in draft.shown if k < len(place.frames))
    if place.blobs is None or not draft.marks:
        return frames
    return tuple(
        draw_marks(place.blobs, frame, [m for m in draft.marks if m.frame == frame.index])
        for frame in frames
    )


def finish(
    draft: Draft, number: int, place: Placement, evidence: Sequence[int], letters: LetterBalance
) -> GeneratedQuestion:
    """Give a draft its identity, its letters and its proof."""
    question, answer = draft.question, draft.correct
    options: tuple[str, ...] = ()
    if draft.kind is AnswerKind.CHOICE:
        choices, answer = letters.place(draft)
        question = question.replace(CHOICES, ", ".join(choices))
        options = tuple(f"{letter}. {text}" for letter, text in zip(LETTERS, choices, strict=False))
    task_id = f"{place.scene_id}.{draft.question_type}.{number}"
    task = Task(
        id=task_id,
        dataset=place.dataset,
        scene_id=place.scene_id,
        split=place.split,
        question_type=draft.question_type,
        question=question,
        options=options,
        answer_kind=draft.kind,
        unit=draft.unit,
        frames=_frames(draft, place),
    )
    target = Target(
        task_id=task_id,
        question_type=draft.question_type,
        answer=answer,
        options=options,
        margin=draft.margin,
        evidence_frames=tuple(evidence),
        proof={"program": draft.program, "operands": dict(draft.operands)},
        difficulty=draft.difficulty,
        pair=place.pair,
        payload=dict(draft.payload),
    )
    return GeneratedQuestion(task, target)
