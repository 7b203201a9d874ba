"""VSI-Bench's appearance order: which of four categories comes into view first, second, ...

The benchmark's pixel threshold is not published. Ours is 400 pixels of a 640 x 480 image; a set of
categories is asked only where a threshold of 64 pixels gives the same order with the same gaps,
so that the answer does not hang on where a viewer draws the line.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import numpy as np

from surveyor.core.tasks import AnswerKind
from surveyor.scenes.questions.askable import MIN_SHARE, AskableScene
from surveyor.scenes.questions.draft import Draft

APPEARANCE = (
    "What will be the first-time appearance order of the following categories in the video: "
    "{listed}?"
)
GLIMPSE_SHARE = 64 / (640 * 480)
MIN_GAP = 1.0
N_CATEGORIES = 4
N_WRONG = 3
TRIES = 200


def appearance_order(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """Sets of four categories that appear more than a second apart."""
    if not scene.times:
        return
    strict = _first_times(scene, MIN_SHARE)
    loose = _first_times(scene, GLIMPSE_SHARE)
    names = sorted(strict.keys() & loose.keys())
    if len(names) < N_CATEGORIES:
        return
    seen: set[frozenset[str]] = set()
    for _ in range(TRIES):
        chosen = [names[k] for k in rng.permutation(len(names))[:N_CATEGORIES]]
        gap = min(_gap(chosen, strict), _gap(chosen, loose))
        order = sorted(chosen, key=strict.__getitem__)
        same = order == sorted(chosen, key=loose.__getitem__)
        if gap <= MIN_GAP or not same or frozenset(chosen) in seen:
            continue
        seen.add(frozenset(chosen))
        yield _draft(scene, rng, chosen, order, strict, gap)


def _draft(
    scene: AskableScene,
    rng: np.random.Generator,
    chosen: list[str],
    order: list[str],
    times: dict[str, float],
    gap: float,
) -> Draft:
    others = [p for p in permutations(order) if list(p) != order]
    wrong = [", ".join(others[k]) for k in rng.permutation(len(others))[:N_WRONG]]
    frames = [_frame_at(scene, times[name]) for name in order]
    indices = {name: scene.categories[name] for name in order}
    return Draft(
        question_type="obj_appearance_order",
        question=APPEARANCE.format(listed=", ".join(chosen)),
        correct=", ".join(order),
        wrong=tuple(wrong),
        kind=AnswerKind.CHOICE,
        margin=gap,
        objects=tuple(i for ids in indices.values() for i in ids),
        program=f"order_by(first_seen, {order!r})",
        operands=scene.operands(indices, times={name: times[name] for name in order}),
        evidence=tuple(sorted(set(frames))),
    )


def _first_times(scene: AskableScene, share: float) -> dict[str, float]:
    """Seconds at which each category first covers ``share`` of an image, one instance enough."""
    rows = scene.shares
    found = {}
    for name, indices in scene.categories.items():
        seen = np.flatnonzero((rows[:, indices] >= share).any(axis=1))
        if seen.size:
            found[name] = scene.times[int(seen[0])]
    return found


def _gap(names: list[str], times: dict[str, float]) -> float:
    return float(np.diff(np.sort([times[name] for name in names])).min())


def _frame_at(scene: AskableScene, time: float) -> int:
    return scene.times.index(time)
