"""The ten VSI-Bench question types, sampled as the benchmark samples."""

from __future__ import annotations

from collections.abc import Mapping

from surveyor.scenes.official.directions import Difficulty
from surveyor.scenes.questions.vsi_appearance import appearance_order
from surveyor.scenes.questions.vsi_direction import Generator, rel_direction
from surveyor.scenes.questions.vsi_measure import (
    abs_distance,
    counting,
    rel_distance,
    room_size,
    size,
)
from surveyor.scenes.questions.vsi_route import route_planning

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
MEASURED_TYPES = tuple(GENERATORS)[:8]
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
# A category nearly fixes a size, so few size questions survive balancing: all are drafted.
SCARCE = frozenset({"object_size_estimation"})
