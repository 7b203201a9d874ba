"""VSI-Bench's relative directions, easy, medium and hard, in the benchmark's own words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations

import numpy as np

from surveyor.core.tasks import AnswerKind
from surveyor.scenes.official.directions import (
    QUADRANTS,
    SIDES,
    Difficulty,
    NamedDirection,
    direction,
)
from surveyor.scenes.official.measures import DIRECTION_RANGE
from surveyor.scenes.questions.askable import AskableScene
from surveyor.scenes.questions.draft import Draft

EASY = (
    "If I am standing by the {p} and facing the {o}, is the {q} to the left or the right of the "
    "{o}?"
)
MEDIUM = (
    "If I am standing by the {p} and facing the {o}, is the {q} to my left, right, or back?\n"
    "An object is to my back if I would have to turn at least 135 degrees in order to face it."
)
HARD = (
    "If I am standing by the {p} and facing the {o}, is the {q} to my front-left, front-right, "
    "back-left, or back-right?\n"
    "The directions refer to the quadrants of a Cartesian plane (if I am standing at the origin "
    "and facing along the positive y-axis)."
)
TEMPLATES = {Difficulty.EASY: EASY, Difficulty.MEDIUM: MEDIUM, Difficulty.HARD: HARD}
CHOICES = {
    Difficulty.EASY: ("left", "right"),
    Difficulty.MEDIUM: SIDES.names,
    Difficulty.HARD: QUADRANTS.names,
}
Generator = Callable[[AskableScene, np.random.Generator], Iterator[Draft]]


def rel_direction(difficulty: Difficulty) -> Generator:
    """The generator of one difficulty."""
    return partial(_drafts, difficulty)


def _drafts(
    difficulty: Difficulty, scene: AskableScene, rng: np.random.Generator
) -> Iterator[Draft]:
    """Triples of unique categories with pairwise distances of 0.3 to 5 m.

    Of the six orders of a triple the three rotations of one random order are tried.
    """
    triples = list(combinations(scene.unique, 3))
    for k in rng.permutation(len(triples)):
        if not _in_range(scene, triples[k]):
            continue
        p, o, q = (triples[k][i] for i in rng.permutation(3))
        for order in ((p, o, q), (o, q, p), (q, p, o)):
            draft = _draft(scene, order, difficulty)
            if draft is not None:
                yield draft


def _in_range(scene: AskableScene, names: tuple[str, ...]) -> bool:
    low, high = DIRECTION_RANGE
    indices = [scene.unique[name] for name in names]
    return all(low <= scene.distances.between(a, b) <= high for a, b in combinations(indices, 2))


def _draft(
    scene: AskableScene, names: tuple[str, str, str], difficulty: Difficulty
) -> Draft | None:
    indices = tuple(scene.unique[name] for name in names)
    standing, facing, asked = (scene.truth.objects[index].box for index in indices)
    found = direction(standing, facing, asked, difficulty)
    return None if found is None else _worded(scene, names, indices, difficulty, found)


def _worded(
    scene: AskableScene,
    names: tuple[str, str, str],
    indices: tuple[int, ...],
    difficulty: Difficulty,
    found: NamedDirection,
) -> Draft:
    p, o, q = names
    parts = ", ".join(f"unique(filter(scene(), {name!r}))" for name in names)
    return Draft(
        question_type=f"object_rel_direction_{difficulty.value}",
        question=TEMPLATES[difficulty].format(p=p, o=o, q=q),
        correct=found.name,
        wrong=tuple(name for name in CHOICES[difficulty] if name != found.name),
        kind=AnswerKind.CHOICE,
        margin=found.margin,
        objects=indices,
        program=f"direction({parts}, {difficulty.value!r})",
        operands=scene.operands(
            {name: [i] for name, i in zip(names, indices, strict=True)}, value=found.angle
        ),
        difficulty=difficulty.value,
    )
