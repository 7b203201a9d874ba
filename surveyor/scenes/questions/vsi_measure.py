"""VSI-Bench's measuring questions: count, distance, size, room size, nearest object.

Templates are the benchmark's own strings; answers follow `surveyor.scenes.official.measures`.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from surveyor.core.tasks import AnswerKind
from surveyor.scenes.official.measures import (
    GRID_STEP,
    MIN_ASKED_DISTANCE,
    exact_box_distance,
    longest_cm,
    unambiguous_nearest,
)
from surveyor.scenes.questions.askable import AskableScene
from surveyor.scenes.questions.draft import CHOICES, Draft

COUNT = "How many {category}(s) are in this room?"
DISTANCE = (
    "Measuring from the closest point of each object, what is the direct distance between the "
    "{first} and the {second} (in meters)?"
)
SIZE = (
    "What is the length of the longest dimension (length, width, or height) of the {category}, "
    "measured in centimeters?"
)
ROOM = (
    "What is the size of this room (in square meters)? \n"
    "If multiple rooms are shown, estimate the size of the combined space."
)
NEAREST = (
    "Measuring from the closest point of each object, which of these objects ({choices}) is the "
    "closest to the {category}?\n"
    "If there are multiple instances of an object category, measure to the closest."
)
NEAREST_CHOICES = 4
NEAREST_TRIES = 400


def _unique(category: str) -> str:
    return f"unique(filter(scene(), {category!r}))"


def counting(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """Categories with at least two instances; one instance is never asked."""
    many = [name for name, indices in scene.categories.items() if len(indices) > 1]
    for k in rng.permutation(len(many)):
        indices = scene.categories[many[k]]
        yield Draft(
            question_type="object_counting",
            question=COUNT.format(category=many[k]),
            correct=str(len(indices)),
            margin=1.0,
            objects=indices,
            program=f"count(filter(scene(), {many[k]!r}))",
            operands=scene.operands({many[k]: indices}, value=len(indices)),
        )


def abs_distance(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """Pairs of unique categories at least 0.2 m apart, answered to 0.1 m."""
    pairs = list(combinations(scene.unique, 2))
    for k in rng.permutation(len(pairs)):
        pair = pairs[k] if rng.random() < 0.5 else pairs[k][::-1]
        indices = tuple(scene.unique[name] for name in pair)
        metres = scene.distances.between(*indices)
        if metres < MIN_ASKED_DISTANCE or _grid_misleads(scene, indices, metres):
            continue
        yield Draft(
            question_type="object_abs_distance",
            question=DISTANCE.format(first=pair[0], second=pair[1]),
            correct=f"{metres:.1f}",
            unit="m",
            margin=0.05 - abs(metres - round(metres, 1)),
            objects=indices,
            program=f"distance({_unique(pair[0])}, {_unique(pair[1])})",
            operands=scene.operands({name: [scene.unique[name]] for name in pair}, value=metres),
        )


def _grid_misleads(scene: AskableScene, indices: tuple[int, ...], metres: float) -> bool:
    """Whether the official grid is more than 5 cm off the true distance (things under 5 cm thick).

    For scans without frames, as in the benchmark's metadata, the official number is the truth.
    """
    if scene.perceived is None:
        return False
    first, second = (scene.box(index) for index in indices)
    return abs(exact_box_distance(first, second) - metres) > GRID_STEP


def size(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """The longest edge of every unique category, whole centimetres."""
    names = list(scene.unique)
    for k in rng.permutation(len(names)):
        index = scene.unique[names[k]]
        box = scene.truth.objects[index].box
        exact = 100 * max(box.size)
        yield Draft(
            question_type="object_size_estimation",
            question=SIZE.format(category=names[k]),
            correct=str(longest_cm(box)),
            unit="cm",
            margin=0.5 - abs(exact - round(exact)),
            objects=(index,),
            program=f"longest_dimension({_unique(names[k])})",
            operands=scene.operands({names[k]: [index]}, value=exact),
        )


def room_size(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """The floor area, to 0.1 square metres. ``rng`` is unused: there is one such question."""
    area = scene.truth.room_area
    yield Draft(
        question_type="room_size_estimation",
        question=ROOM,
        correct=f"{area:.1f}",
        unit="m2",
        margin=0.05 - abs(area - round(area, 1)),
        program="floor_area(scene())",
        operands={"value": area},
        evidence=tuple(range(len(scene.truth.cameras))),
    )


def rel_distance(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """Which of four categories is nearest to a unique one; ambiguous sets are passed over."""
    names = list(scene.categories)
    primaries = list(scene.unique)
    if not primaries or len(names) <= NEAREST_CHOICES:
        return
    seen: set[tuple[str, ...]] = set()
    for _ in range(NEAREST_TRIES):
        primary = primaries[rng.integers(len(primaries))]
        others = [name for name in names if name != primary]
        picked = sorted(rng.choice(len(others), NEAREST_CHOICES, replace=False))
        chosen = tuple(others[k] for k in picked)
        if (primary, *chosen) in seen:
            continue
        seen.add((primary, *chosen))
        draft = _nearest_of(scene, primary, chosen)
        if draft is not None:
            yield draft


def _nearest_of(scene: AskableScene, primary: str, chosen: tuple[str, ...]) -> Draft | None:
    start = scene.unique[primary]
    metres = [scene.distances.closest(start, scene.categories[name]) for name in chosen]
    nearest = unambiguous_nearest(metres, scene.truth.room_area)
    if nearest is None:
        return None
    objects = {start}.union(*(scene.categories[name] for name in chosen))
    listed = ", ".join(repr(name) for name in chosen)
    return Draft(
        question_type="object_rel_distance",
        question=NEAREST.format(choices=CHOICES, category=primary),
        correct=chosen[nearest.index],
        wrong=tuple(name for k, name in enumerate(chosen) if k != nearest.index),
        kind=AnswerKind.CHOICE,
        margin=nearest.gap,
        objects=tuple(sorted(objects)),
        program=f"nearest({_unique(primary)}, [{listed}])",
        operands=scene.operands(
            {primary: [start]} | {name: scene.categories[name] for name in chosen},
            distances=dict(zip(chosen, metres, strict=True)),
        ),
    )
