"""An object table with the errors of a preset: what would have been found, lifted and measured.

The table is what looking from everywhere would give, so an object counts as seen in typical
evidence (the constant of the recall model), and its box is as wrong as its depth and its outline.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from surveyor.scenes.records import SceneObject, SceneTruth
from surveyor.services.reference.confusion import mistaken_for
from surveyor.services.reference.presets import DetectErrors, Preset
from surveyor.services.reference.seeding import generator, probability

_RANGE = 2.0  # metres from which things are typically measured
_LEAST = 0.3  # of a side, that an error leaves of it


def estimated_table(truth: SceneTruth, preset: Preset, seed: int) -> SceneTruth:
    """The scene as an expert of this preset would tabulate it; the truth itself when perfect."""
    exact = Preset(preset.name, restore=preset.restore)
    if preset == exact:
        return truth
    scale = _scale(truth.scene_id, preset, seed)
    found = (_estimated(thing, truth, preset, scale, seed) for thing in truth.objects)
    outline = generator(truth.scene_id, "floor", seed).normal() * preset.detect.jitter
    area = truth.room_area * scale**2 * math.exp(outline)
    rooms = tuple(tuple((scale * x, scale * y) for x, y in room) for room in truth.rooms)
    return truth.model_copy(
        update={
            "objects": tuple(thing for thing in found if thing is not None),
            "room_area": area,
            "rooms": rooms,
        }
    )


def _scale(scene: str, preset: Preset, seed: int) -> float:
    """The scene's own error of scale, the same as that of its depths."""
    return math.exp(generator(scene, "depth scale", seed).normal() * preset.depth.scene)


def _estimated(
    thing: SceneObject, truth: SceneTruth, preset: Preset, scale: float, seed: int
) -> SceneObject | None:
    whose = (truth.scene_id, "scene", thing.instance_id, seed)
    rng = generator(*whose)
    recall = _recall(thing, truth.scene_id, preset.detect, seed)
    if rng.random() >= recall:
        return None
    confusion = preset.detect.confusion + preset.detect.confusion_hard * (1 - recall)
    named = mistaken_for(thing, truth, *whose) if rng.random() < confusion else thing
    box, side = thing.box, np.array(thing.box.size)
    jitter = preset.detect.jitter
    # A box has two edges across each side: their mean moves its centre, their difference its size.
    moved = np.array(box.axes).T @ (rng.normal(0, jitter / math.sqrt(2), 3) * side)
    ranged = rng.normal(0, preset.depth.frame * _RANGE, 3)
    center = scale * np.array(box.center) + moved + ranged
    size = scale * side * np.maximum(1 + rng.normal(0, jitter * math.sqrt(2), 3), _LEAST)
    wrong = box.model_copy(update={"center": _triple(center), "size": _triple(size)})
    return named.model_copy(update={"box": wrong, "front": _front(thing, preset, rng)})


def _recall(thing: SceneObject, scene: str, errors: DetectErrors, seed: int) -> float:
    """Probability of being found at all, in typical evidence."""
    if errors.recall is None:
        return 1 - errors.miss
    difficulty = generator(scene, "difficulty", thing.instance_id, seed).normal()
    return probability(errors.recall.base - errors.recall.object * difficulty) * (1 - errors.miss)


def _front(
    thing: SceneObject, preset: Preset, rng: np.random.Generator
) -> tuple[float, float, float] | None:
    turn = rng.normal() * preset.orient.azimuth
    if thing.symmetry > 1 and rng.random() < preset.orient.flip:
        turn += math.pi
    if thing.front is None:
        return None
    x, y, z = thing.front
    c, s = math.cos(turn), math.sin(turn)
    return (c * x - s * y, s * x + c * y, z)


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    x, y, z = values.tolist()
    return (x, y, z)
