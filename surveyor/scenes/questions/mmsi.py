"""MMSI-style positional relations between cameras and objects over two views.

Camera-camera, camera-object and object-object; those with regions are in `mmsi_regions`. Options
are words; letters are given when a dataset is made.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import permutations

import numpy as np

from surveyor.core.geometry import Float, Pose
from surveyor.core.tasks import AnswerKind
from surveyor.scenes.official.directions import EDGE_GUARD, QUADRANTS, NamedSectors, turn_angle
from surveyor.scenes.questions.askable import AskableScene
from surveyor.scenes.questions.draft import Draft

CAMERA_CAMERA = (
    "The first image was taken before the second. Seen from where the first image was taken, and "
    "facing as its camera did, in which direction had the camera moved when the second was taken?"
)
CAMERA_OBJECT = (
    "You are at the place where the first image was taken, facing as its camera did. The {name} "
    "can be seen in the second image. In which direction from you is it?"
)
OBJECT_OBJECT = (
    "Suppose that the {b} lies to the north of the {a}, seen from above. In which direction from "
    "the {a} is the {c}?"
)
# Turned by 45 degrees, so that no sector runs through zero.
COMPASS = NamedSectors(
    tuple(math.radians(a) for a in (0, 90, 180, 270)), ("north", "west", "south", "east")
)
EIGHTH = math.radians(45)
MIN_STEP = 0.6


def camera_camera(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """Where the camera went between two frames, in quadrants of the first."""
    for first, second in frame_pairs(scene, rng):
        target = _pose(scene, second).position
        if np.linalg.norm((target - _pose(scene, first).position)[:2]) < MIN_STEP:
            continue
        draft = _quadrant(scene, first, second, target, "mmsi_camera_camera", CAMERA_CAMERA, ())
        if draft is not None:
            yield draft


def camera_object(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """Where a unique object is that only the second of two frames shows."""
    for first, second in frame_pairs(scene, rng):
        for name, index in scene.unique.items():
            instance = scene.truth.objects[index].instance_id
            shown = scene.shares[second, index] > 0.003 and instance in scene.views[second]
            if not shown or instance in scene.views[first]:
                continue
            centre = np.array(scene.box(index).center)
            if np.linalg.norm((centre - _pose(scene, first).position)[:2]) < MIN_STEP:
                continue
            question = CAMERA_OBJECT.format(name=name)
            draft = _quadrant(
                scene, first, second, centre, "mmsi_camera_object", question, (index,)
            )
            if draft is not None:
                yield draft
                break


def object_object(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """Compass directions among three unique objects, north being given by two of them."""
    triples = list(permutations(scene.unique, 3))
    for k in rng.permutation(len(triples))[:200]:
        indices = tuple(scene.unique[name] for name in triples[k])
        a, b, c = (np.array(scene.box(index).center) for index in indices)
        near = min(np.linalg.norm((b - a)[:2]), np.linalg.norm((c - a)[:2]))
        angle = turn_angle(a, b, c)
        sector = (angle + EIGHTH) % (2 * math.pi)
        margin = COMPASS.margin(sector)
        if near < MIN_STEP or margin < EDGE_GUARD:
            continue
        correct = COMPASS.name(sector)
        names = triples[k]
        yield Draft(
            question_type="mmsi_object_object",
            question=OBJECT_OBJECT.format(a=names[0], b=names[1], c=names[2]),
            correct=correct,
            wrong=tuple(name for name in COMPASS.names if name != correct),
            kind=AnswerKind.CHOICE,
            margin=margin,
            objects=indices,
            program="compass(a, b, c)",
            operands=scene.operands(
                {n: [i] for n, i in zip(names, indices, strict=True)}, value=angle
            ),
        )


def _quadrant(
    scene: AskableScene,
    first: int,
    second: int,
    target: Float,
    question_type: str,
    question: str,
    objects: tuple[int, ...],
) -> Draft | None:
    pose = _pose(scene, first)
    angle = turn_angle(pose.position, pose.position + pose.forward, target)
    margin = QUADRANTS.margin(angle)
    if margin < EDGE_GUARD:
        return None
    correct = QUADRANTS.name(angle)
    return Draft(
        question_type=question_type,
        question=question,
        correct=correct,
        wrong=tuple(name for name in QUADRANTS.names if name != correct),
        kind=AnswerKind.CHOICE,
        margin=margin,
        objects=objects,
        program="direction_from_camera(first, target)",
        operands=scene.operands({"target": list(objects)} if objects else {}, value=angle),
        shown=(first, second),
        evidence=(first, second),
    )


def frame_pairs(scene: AskableScene, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Up to 300 ordered pairs of a scene's frames, in random order."""
    pairs = list(permutations(range(len(scene.views)), 2))
    return [pairs[k] for k in rng.permutation(len(pairs))[:300]]


def _pose(scene: AskableScene, k: int) -> Pose:
    return Pose(np.array(scene.truth.cameras[k].T_world_camera))
