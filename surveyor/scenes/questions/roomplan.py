"""RoomPlan's instructions, each with every admissible target: anchors at things and on planes.

A thing that is alone of its category is asked for by the category. Of several, one is asked for by
a description that fits it alone (`surveyor.scenes.questions.referring`, resolved by computation);
where there is none the category is asked for once and every instance of it is admissible. Planes
are the walls and the floor of rooms whose outline is known.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

import numpy as np
from pydantic import JsonValue

from surveyor.core.anchor_actions import AnchorAction
from surveyor.core.geometry import Float, OrientedBox, Vec3
from surveyor.core.tasks import AnswerKind
from surveyor.scenes.questions.askable import AskableScene
from surveyor.scenes.questions.draft import Draft
from surveyor.scenes.questions.implicit import PLACE, anchor_at
from surveyor.scenes.questions.referring import described

THING, PLANE = "anchor:thing", "anchor:plane"
"""Question types; what stands before the colon is the metric."""
_REPLY = (
    "Reply with only the final JSON action, with the keys action, scene, center, normal and extent."
)
DESCRIBED = "Find {text} and place a virtual anchor at the center of that object. " + _REPLY
ON_PLANE = (
    "Find a {label} plane whose normal is approximately ({normal}) with size about {a:.1f} x "
    "{b:.1f} meters, and place a virtual anchor at its center. " + _REPLY
)


def things(scene: AskableScene) -> Iterator[Draft]:
    """One instruction for each thing that can be told apart, one for each category that cannot."""
    alone = described(scene)
    for name, indices in scene.categories.items():
        told = {index: alone[index] for index in indices if index in alone}
        if len(indices) == 1:
            yield _draft(scene, THING, PLACE.format(name=name), indices, name)
            continue
        for index, text in told.items():
            yield _draft(scene, THING, DESCRIBED.format(text=text), (index,), name)
        if len(told) < len(indices):
            yield _draft(scene, THING, PLACE.format(name=name), indices, name)


def _draft(
    scene: AskableScene, kind: str, question: str, indices: tuple[int, ...], name: str
) -> Draft:
    actions = [anchor_at(scene, index) for index in indices]
    listed: list[JsonValue] = list(actions)
    return Draft(
        question_type=kind,
        question=question,
        correct=json.dumps(actions[0]),
        kind=AnswerKind.ACTION,
        objects=indices,
        operands=scene.operands({name: indices}),
        payload={"admissible": listed, "object_name": name},
    )


def planes(scene: AskableScene) -> Iterator[Draft]:
    """The floor and the walls of rooms of known outline and height; planes that their normal and
    size (to 10 cm) do not tell apart are admissible for one instruction."""
    told: dict[str, list[AnchorAction]] = {}
    for label, plane in _planes(scene):
        normal = ", ".join(f"{v + 0.0:.2f}" for v in np.round(plane.normal, 2))
        a, b = plane.extent
        text = ON_PLANE.format(label=label, normal=normal, a=a, b=b)
        told.setdefault(text, []).append(plane)
    for text, found in told.items():
        listed: list[JsonValue] = [one.record() for one in found]
        yield Draft(
            question_type=PLANE,
            question=text,
            correct=found[0].text(),
            kind=AnswerKind.ACTION,
            evidence=(),
            payload={"admissible": listed, "object_name": "plane"},
        )


def _planes(scene: AskableScene) -> Iterator[tuple[str, AnchorAction]]:
    truth = scene.truth
    for outline in truth.rooms:
        corners = np.array(outline, np.float64)
        low, high = corners.min(axis=0), corners.max(axis=0)
        middle = [float(v) for v in (low + high) / 2]
        sides = [float(v) for v in high - low]
        if _fills(corners, low, high):
            action = AnchorAction(truth.scene_id, (*middle, 0.0), (0.0, 0.0, 1.0), tuple(sides))
            yield "floor", action
        if truth.height is None:
            continue
        for start, end in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            along = end - start
            length = float(np.linalg.norm(along))
            # Outlines run counter-clockwise, so the room lies to the left of each wall.
            normal = (float(-along[1]) / length, float(along[0]) / length, 0.0)
            centre = ((start + end) / 2).tolist()
            yield (
                "wall",
                AnchorAction(
                    truth.scene_id,
                    (centre[0], centre[1], truth.height / 2),
                    normal,
                    (length, truth.height),
                ),
            )


def _fills(corners: Float, low: Float, high: Float) -> bool:
    """Whether an outline is the rectangle around it: only then has its floor two edges."""
    x, y = corners.T
    area = abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2
    return area > 0.999 * float(np.prod(high - low))


def towards(box: OrientedBox, middle: Sequence[float]) -> Vec3:
    """The outward normal of the upright face of a box that looks most towards a point (x, y): the
    side from which it is used. Up, where the point is at its centre or no face is upright."""
    away = np.array([middle[0] - box.center[0], middle[1] - box.center[1], 0.0])
    sides = [sign * np.array(axis) for axis in box.axes for sign in (1, -1) if abs(axis[2]) < 0.5]
    if not sides or np.linalg.norm(away) < 1e-6:
        return (0.0, 0.0, 1.0)
    best = max(sides, key=lambda side: float(side @ away))
    x, y, z = (float(v) for v in best)
    return x, y, z
