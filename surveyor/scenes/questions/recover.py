"""Answers worked out again from boxes, by the operands of a question's proof.

With the boxes of `surveyor.scenes.capture.visibility` this is what exact perception of the frames
would answer: questions on which it disagrees with the truth are not asked, because the frames do
not show enough.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from pydantic import JsonValue

from surveyor.core.geometry import OrientedBox
from surveyor.scenes.capture.visibility import SeenBoxes
from surveyor.scenes.official.directions import QUADRANTS, SIDES, turn_angle
from surveyor.scenes.official.measures import BoxDistances
from surveyor.scenes.questions.draft import Draft

TOLERANCE = 0.05

Operands = Mapping[str, JsonValue]


class Perceived:
    """What was seen of a scene, with the distances between its boxes worked out once."""

    def __init__(self, seen: SeenBoxes) -> None:
        self.boxes = seen.boxes
        self.area = seen.area
        self._rows = {instance_id: row for row, instance_id in enumerate(seen.boxes)}
        self._distances = BoxDistances(list(seen.boxes.values()))

    def distance(self, a: int, b: int) -> float:
        """Official distance between two seen objects, metres."""
        return self._distances.between(self._rows[a], self._rows[b])


def recoverable(draft: Draft, seen: Perceived | None) -> bool:
    """Whether exact perception gives the true answer: numbers within 5 %, choices equal."""
    if seen is None:
        return True
    if draft.question_type not in RECOMPUTED:
        return all(instance_id in seen.boxes for instance_id in _mentioned(draft.operands))
    return agrees(draft.correct, recompute(draft.question_type, draft.operands, seen))


def agrees(truth: str, found: str | None) -> bool:
    """Whether two answers are the same choice, or numbers within 5 % of the true one."""
    if found is None or truth == found:
        return truth == found
    try:
        return abs(float(found) - float(truth)) <= TOLERANCE * abs(float(truth)) + 1e-9
    except ValueError:
        return False


def recompute(question_type: str, operands: Operands, seen: Perceived) -> str | None:
    """The published form of the answer; ``None`` when an operand was not seen at all.

    ``operands`` are a proof's: ``objects`` maps each name, in the order asked, to instance ids.
    Raises `KeyError` for a question type whose answer does not follow from boxes.
    """
    return RECOMPUTED[question_type](operands, seen)


def _counted(operands: Operands, seen: Perceived) -> str | None:
    (ids,) = _objects(operands).values()
    return str(sum(k in seen.boxes for k in ids))


def _room(operands: Operands, seen: Perceived) -> str | None:
    return f"{seen.area:.1f}"


def _longest(operands: Operands, seen: Perceived) -> str | None:
    boxes = _uniques(operands, seen)
    return None if boxes is None else str(round(100 * max(boxes[0].size)))


def _distance(operands: Operands, seen: Perceived) -> str | None:
    first, second = (ids[0] for ids in _objects(operands).values())
    if first not in seen.boxes or second not in seen.boxes:
        return None
    return f"{seen.distance(first, second):.1f}"


def _nearest(operands: Operands, seen: Perceived) -> str | None:
    (_, start), *others = _objects(operands).items()
    if start[0] not in seen.boxes:
        return None
    metres = {
        name: min(seen.distance(start[0], k) for k in ids if k in seen.boxes)
        for name, ids in others
        if any(k in seen.boxes for k in ids)
    }
    return min(metres, key=metres.__getitem__) if len(metres) == len(others) else None


def _side(operands: Operands, seen: Perceived) -> str | None:
    angle = _angle(operands, seen)
    return None if angle is None else SIDES.name(angle)


def _quadrant(operands: Operands, seen: Perceived) -> str | None:
    angle = _angle(operands, seen)
    return None if angle is None else QUADRANTS.name(angle)


def _angle(operands: Operands, seen: Perceived) -> float | None:
    boxes = _uniques(operands, seen)
    if boxes is None:
        return None
    standing, facing, asked = (np.array(box.center) for box in boxes)
    return turn_angle(standing, facing, asked)


def _uniques(operands: Operands, seen: Perceived) -> list[OrientedBox] | None:
    ids = [ids[0] for ids in _objects(operands).values()]
    return [seen.boxes[k] for k in ids] if all(k in seen.boxes for k in ids) else None


def _objects(operands: Operands) -> Mapping[str, Sequence[int]]:
    return operands["objects"]  # type: ignore[return-value]


def _mentioned(operands: Operands) -> list[int]:
    return [k for ids in _objects(operands).values() for k in ids] if "objects" in operands else []


RECOMPUTED = {
    "object_counting": _counted,
    "object_abs_distance": _distance,
    "object_size_estimation": _longest,
    "room_size_estimation": _room,
    "object_rel_distance": _nearest,
    "object_rel_direction_easy": _side,
    "object_rel_direction_medium": _side,
    "object_rel_direction_hard": _quadrant,
}
