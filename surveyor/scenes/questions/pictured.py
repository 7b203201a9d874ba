"""Questions about marked pictures: CV-Bench 3D depth and distance, BLINK depth and motion.

Boxes and points are drawn into the frames that go with the question.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations, permutations

import numpy as np

from surveyor.core.geometry import Pose
from surveyor.core.tasks import AnswerKind
from surveyor.scenes.capture.annotate import Annotation
from surveyor.scenes.capture.visibility import SeenIn
from surveyor.scenes.official.directions import turn_angle
from surveyor.scenes.questions.askable import MIN_SHARE, AskableScene
from surveyor.scenes.questions.draft import Draft

CLOSER = (
    "Which object is closer to the camera taking this photo, the {a} (highlighted by a red box) or "
    "the {b} (highlighted by a blue box)?"
)
NEARER = (
    "Estimate the real-world distances between objects in this image. Which object is closer to "
    "the {r} (highlighted by a red box), the {a} (highlighted by a blue box) or the {b} "
    "(highlighted by a green box)?"
)
POINT = "Which point is closer to the camera?"
MOVING = (
    "The images are frames from a video. The video is shooting a static scene. The camera is "
    "either moving clockwise (left) or counter-clockwise (right) around the object. The first "
    "image is from the beginning of the video and the second image is from the end. Is the camera "
    "moving left or right when shooting the video?"
)
MIN_GAP = 0.3
CLEAR_SHARE = 3 * MIN_SHARE
MIN_TURN, MAX_TURN = math.radians(20), math.radians(120)


def cv_depth(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """Two objects whose centres and visible parts agree on which is closer."""
    for k in rng.permutation(len(scene.views)):
        camera = _pose(scene, int(k))
        for a, b in _shuffled(rng, list(combinations(_clear(scene, int(k)), 2))):
            centres = camera.to_camera(np.array([scene.box(a).center, scene.box(b).center]))[:, 2]
            visible = [_view(scene, int(k), index).depth for index in (a, b)]
            gaps = float(centres[1] - centres[0]), visible[1] - visible[0]
            if min(map(abs, gaps)) < MIN_GAP or gaps[0] * gaps[1] < 0:
                continue
            names = _names(scene, (a, b))
            right = 0 if gaps[0] > 0 else 1
            yield Draft(
                question_type="cvbench3d_depth",
                question=CLOSER.format(a=names[0], b=names[1]),
                correct=names[right],
                wrong=(names[1 - right],),
                kind=AnswerKind.CHOICE,
                margin=min(map(abs, gaps)),
                objects=(a, b),
                program="closer_to_camera(red, blue)",
                operands=scene.operands({n: [i] for n, i in zip(names, (a, b), strict=True)}),
                shown=(int(k),),
                evidence=(int(k),),
                marks=_boxes(scene, int(k), (a, b), ("red", "blue")),
            )
            break


def cv_distance(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """Which of two objects is nearer to a third, by box distance and by centres alike."""
    for k in rng.permutation(len(scene.views)):
        for r, a, b in _shuffled(rng, list(permutations(_clear(scene, int(k)), 3)))[:60]:
            gap = scene.distances.between(r, b) - scene.distances.between(r, a)
            centres = _apart(scene, r, b) - _apart(scene, r, a)
            if min(abs(gap), abs(centres)) < MIN_GAP or gap * centres < 0:
                continue
            names = _names(scene, (r, a, b))
            right = 1 if gap > 0 else 2
            yield Draft(
                question_type="cvbench3d_distance",
                question=NEARER.format(r=names[0], a=names[1], b=names[2]),
                correct=names[right],
                wrong=(names[3 - right],),
                kind=AnswerKind.CHOICE,
                margin=min(abs(gap), abs(centres)),
                objects=(r, a, b),
                program="nearest(red, [blue, green])",
                operands=scene.operands({n: [i] for n, i in zip(names, (r, a, b), strict=True)}),
                shown=(int(k),),
                evidence=(int(k),),
                marks=_boxes(scene, int(k), (r, a, b), ("red", "blue", "green")),
            )
            break


def relative_depth(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """Two marked points at least 30 cm apart in depth."""
    for k in rng.permutation(len(scene.views)):
        for a, b in _shuffled(rng, list(permutations(_clear(scene, int(k)), 2))):
            views = [_view(scene, int(k), index) for index in (a, b)]
            gap = views[1].depth - views[0].depth
            if abs(gap) < MIN_GAP:
                continue
            marks = tuple(
                Annotation(int(k), (*view.pixel, *view.pixel), "red", label)
                for view, label in zip(views, "AB", strict=True)
            )
            yield Draft(
                question_type="blink_relative_depth",
                question=POINT,
                correct="A is closer" if gap > 0 else "B is closer",
                wrong=("B is closer" if gap > 0 else "A is closer",),
                kind=AnswerKind.CHOICE,
                margin=abs(gap),
                objects=(a, b),
                program="closer_to_camera(point A, point B)",
                operands=scene.operands({}, depths=[view.depth for view in views]),
                shown=(int(k),),
                evidence=(int(k),),
                marks=marks,
            )
            break


def multi_view(scene: AskableScene, rng: np.random.Generator) -> Iterator[Draft]:
    """Two views of one object, the camera having moved 20 to 120 degrees around it."""
    pairs = list(combinations(range(len(scene.views)), 2))
    for k in rng.permutation(len(pairs)):
        first, second = pairs[k]
        for index in sorted(set(_clear(scene, first)) & set(_clear(scene, second))):
            centre = np.array(scene.box(index).center)
            before, after = _pose(scene, first).position, _pose(scene, second).position
            if min(np.linalg.norm(before - centre), np.linalg.norm(after - centre)) < 0.5:
                continue
            turn = math.remainder(turn_angle(centre, before, after), 2 * math.pi)
            if not MIN_TURN <= abs(turn) <= MAX_TURN:
                continue
            # Clockwise from above is a falling angle, and carries a camera that looks in leftwards.
            way = "left" if turn < 0 else "right"
            yield Draft(
                question_type="blink_multi_view",
                question=MOVING,
                correct=way,
                wrong=("right" if way == "left" else "left",),
                kind=AnswerKind.CHOICE,
                margin=abs(turn),
                objects=(index,),
                program="camera_motion_around(object)",
                operands=scene.operands({"around": [index]}, value=turn),
                shown=(first, second),
                evidence=(first, second),
            )
            break


def _clear(scene: AskableScene, k: int) -> list[int]:
    """Askable objects that are large in frame ``k`` and alone of their category there."""
    intrinsics = scene.truth.cameras[k].intrinsics
    pixels = intrinsics.width * intrinsics.height
    here = [i for ids in scene.categories.values() for i in ids if _id(scene, i) in scene.views[k]]
    names = [scene.truth.objects[i].category for i in here]
    return [
        i
        for i, name in zip(here, names, strict=True)
        if names.count(name) == 1
        and CLEAR_SHARE * pixels <= _view(scene, k, i).pixels <= 0.4 * pixels
    ]


def _id(scene: AskableScene, index: int) -> int:
    return scene.truth.objects[index].instance_id


def _view(scene: AskableScene, k: int, index: int) -> SeenIn:
    return scene.views[k][_id(scene, index)]


def _pose(scene: AskableScene, k: int) -> Pose:
    return Pose(np.array(scene.truth.cameras[k].T_world_camera))


def _apart(scene: AskableScene, a: int, b: int) -> float:
    return float(np.linalg.norm(np.subtract(scene.box(a).center, scene.box(b).center)))


def _names(scene: AskableScene, indices: tuple[int, ...]) -> list[str]:
    return [scene.truth.objects[index].category for index in indices]


def _boxes(
    scene: AskableScene, k: int, indices: tuple[int, ...], colours: tuple[str, ...]
) -> tuple[Annotation, ...]:
    return tuple(
        Annotation(k, _view(scene, k, index).box, colour)
        for index, colour in zip(indices, colours, strict=True)
    )


def _shuffled(rng: np.random.Generator, tuples: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    return [tuples[k] for k in rng.permutation(len(tuples))]
