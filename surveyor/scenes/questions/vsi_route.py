"""VSI-Bench's route planning, made automatically: fill in the turns of a walk past objects.

The benchmark's routes were written by hand. Ours are walks between unique objects whose straight
legs stay in free space; a turn is the change of heading between legs, asked only where it is far
from the borders between left, right and back, and where walking between the objects' centres
gives the same turns.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise, product

import numpy as np

from surveyor.core.geometry import Float
from surveyor.core.tasks import AnswerKind
from surveyor.scenes.questions.askable import AskableScene
from surveyor.scenes.questions.draft import Draft
from surveyor.scenes.rooms.free_space import FreeSpace

ROUTE = (
    "You are a robot beginning at the {start} facing the {facing}. You want to navigate to the "
    "{dest}. You will perform the following actions (Note: for each [please fill in], choose "
    "either 'turn back,' 'turn left,' or 'turn right.'): {actions} You have reached the final "
    "destination."
)
TURNS = ("Turn Back", "Turn Left", "Turn Right")
DOUBTFUL = ((math.radians(35), math.radians(55)), (math.radians(125), math.radians(145)))
STRAIGHT, AROUND = math.radians(45), math.radians(135)
MIN_LEG = 0.6
MAX_TURNS = 3
MAX_OPTIONS = 4
TRIES = 300


def route_planning(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """Walks past two to four unique objects with one to three turns to fill in."""
    if not scene.truth.rooms or len(scene.unique) < 3:
        return
    stops = _stops(scene)
    legs = _legs(scene, stops)
    seen: set[tuple[str, ...]] = set()
    for _ in range(TRIES if legs else 0):
        path = _walk(legs, rng)
        turns = _turns([stops[name] for name in path])
        if path in seen or turns is None or turns != _turns(_centres(scene, path)):
            continue
        seen.add(path)
        yield _draft(scene, path, turns, rng)


def _stops(scene: AskableScene) -> dict[str, Float]:
    """Where to stand at each unique object that can be stood at."""
    space = scene.free_space
    found = {name: space.stand_point(scene.box(index)) for name, index in scene.unique.items()}
    return {name: point for name, point in found.items() if point is not None}


def _legs(scene: AskableScene, stops: dict[str, Float]) -> dict[str, list[str]]:
    """Which stops can be reached from each in a straight, free line of at least 0.6 m."""
    space: FreeSpace = scene.free_space
    legs = {
        a: [
            b
            for b in stops
            if np.linalg.norm(stops[a] - stops[b]) >= MIN_LEG and space.walkable(stops[a], stops[b])
        ]
        for a in stops
    }
    return {name: ends for name, ends in legs.items() if ends}


def _walk(legs: dict[str, list[str]], rng: np.random.Generator) -> tuple[str, ...]:
    path = [list(legs)[rng.integers(len(legs))]]
    for _ in range(1 + int(rng.integers(1, MAX_TURNS + 1))):
        # A leg may be free one way only: sampled from its other end, it grazes a thing.
        ends = [name for name in legs.get(path[-1], ()) if name not in path]
        if not ends:
            break
        path.append(ends[rng.integers(len(ends))])
    return tuple(path)


def _heading_changes(points: list[Float]) -> list[float]:
    """Signed change of heading at each inner point, radians, left positive."""
    legs = [b - a for a, b in pairwise(points)]
    headings = [math.atan2(leg[1], leg[0]) for leg in legs]
    return [math.remainder(after - before, 2 * math.pi) for before, after in pairwise(headings)]


def _turns(points: list[Float]) -> tuple[str, ...] | None:
    """The turn at each inner point; ``None`` when there is none or any is doubtful."""
    changes = _heading_changes(points)
    sizes = [abs(change) for change in changes]
    doubtful = any(low <= size <= high for size in sizes for low, high in DOUBTFUL)
    if not changes or doubtful or min(sizes) < STRAIGHT:
        return None
    return tuple(
        TURNS[0] if abs(change) > AROUND else TURNS[1] if change > 0 else TURNS[2]
        for change in changes
    )


def _centres(scene: AskableScene, path: tuple[str, ...]) -> list[Float]:
    return [np.array(scene.box(scene.unique[name]).center[:2]) for name in path]


def _draft(
    scene: AskableScene, path: tuple[str, ...], turns: tuple[str, ...], rng: np.random.Generator
) -> Draft:
    start, facing, *rest = path
    actions = [f"Go forward until the {facing}"]
    for name in rest:
        actions += ["[please fill in]", f"Go forward until the {name}"]
    numbered = " ".join(f"{k}. {action}" for k, action in enumerate(actions, start=1)) + "."
    others = [combo for combo in product(TURNS, repeat=len(turns)) if combo != turns]
    picked = rng.permutation(len(others))[: MAX_OPTIONS - 1]
    indices = {name: [scene.unique[name]] for name in path}
    return Draft(
        question_type="route_planning",
        question=ROUTE.format(start=start, facing=facing, dest=path[-1], actions=numbered),
        correct=", ".join(turns),
        wrong=tuple(", ".join(others[k]) for k in picked),
        kind=AnswerKind.CHOICE,
        margin=_margin(_centres(scene, path)),
        objects=tuple(scene.unique[name] for name in path),
        program=f"turns(route({list(path)!r}))",
        operands=scene.operands(indices, turns=list(turns)),
    )


def _margin(points: list[Float]) -> float:
    """Radians by which the least certain turn may change and stay the same turn."""
    sizes = [abs(change) for change in _heading_changes(points)]
    return min(min(abs(size - STRAIGHT), abs(size - AROUND)) for size in sizes)
