"""The ten VSI-Bench question types, sampled as the benchmark samples."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

import numpy as np

from scenes.official_direction import Difficulty
from scenes.questions.askable import AskableScene
from scenes.questions.draft import Draft, LetterBalance, Placement, Question, finish
from scenes.questions.vsi_appearance import appearance_order
from scenes.questions.vsi_direction import Generator, rel_direction
from scenes.questions.vsi_measure import abs_distance, counting, rel_distance, room_size, size
from scenes.questions.vsi_route import route_planning
from scenes.records import Frame, SceneTruth

GENERATORS: Mapping[str, Generator] = {
    "object_counting": counting,
    "object_abs_distance": abs_distance,
    "object_size_estimation": size,
    "room_size_estimation": room_size,
    "object_rel_distance": rel_distance,
    "object_rel_direction_easy": rel_direction(Difficulty.EASY),
    "object_rel_direction_medium": rel_direction(Difficulty.MEDIUM),
    "object_rel_direction_hard": rel_direction(Difficulty.HARD),
    "obj_appearance_order": appearance_order,
    "route_planning": route_planning,
}
OFFICIAL_COUNTS: Mapping[str, int] = {
    "object_counting": 565,
    "object_abs_distance": 834,
    "object_size_estimation": 953,
    "room_size_estimation": 288,
    "object_rel_distance": 710,
    "object_rel_direction_easy": 217,
    "object_rel_direction_medium": 378,
    "object_rel_direction_hard": 373,
    "obj_appearance_order": 618,
    "route_planning": 194,
}
PER_SCENE = 6


def scene_rng(seed: int, scene_id: str, purpose: str) -> np.random.Generator:
    """A generator that depends on nothing but its arguments, whatever is made before."""
    return np.random.default_rng([seed, zlib.crc32(f"{scene_id}/{purpose}".encode())])


def drafts(
    scene: AskableScene, seed: int, per_type: Mapping[str, int | None] | None = None
) -> Iterator[Draft]:
    """Up to `PER_SCENE` questions of each type (``per_type`` overrides; ``None`` means all)."""
    limits = per_type or {}
    for name, generate in GENERATORS.items():
        rng = scene_rng(seed, scene.truth.scene_id, name)
        yield from islice(generate(scene, rng), limits.get(name, PER_SCENE))


def ask(
    scenes: Iterable[tuple[SceneTruth, tuple[Frame, ...]]],
    *,
    suite: str,
    split: str,
    seed: int,
    per_type: Mapping[str, int | None] | None = None,
) -> Iterator[Question]:
    """Questions of every scene in turn; correct letters stay balanced over the whole suite."""
    letters = LetterBalance(np.random.default_rng([seed, zlib.crc32(suite.encode())]))
    for truth, frames in scenes:
        scene = AskableScene(truth, [frame.time for frame in frames])
        place = Placement(suite, truth.scene_id, split, frames)
        number: dict[str, int] = {}
        for draft in drafts(scene, seed, per_type):
            number[draft.question_type] = number.get(draft.question_type, 0) + 1
            evidence = draft.evidence
            if evidence is None:
                evidence = scene.evidence(draft.objects)
            yield finish(draft, number[draft.question_type], place, evidence, letters)
