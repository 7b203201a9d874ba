"""Seeing what is not there: classes that are taken for each other, and false alarms."""

from __future__ import annotations

import numpy as np

from surveyor.scenes.records import SceneObject, SceneTruth
from surveyor.services.contract import Detection
from surveyor.services.reference.presets import DetectErrors
from surveyor.services.reference.restoration_discount import MeasuredImage
from surveyor.services.reference.seeding import generator
from surveyor.services.reference.visible import best_phrase
from surveyor.services.reference.world import ImageView

# Things that look alike; a confused object is taken for another one of its group.
_ALIKE = (
    ("sofa", "chair", "armchair", "ottoman", "bench"),
    ("cabinet", "nightstand", "dresser", "wardrobe", "bookshelf", "refrigerator"),
    ("monitor", "tv", "picture", "mirror", "window", "whiteboard"),
    ("table", "desk", "counter"),
    ("lamp", "plant", "vase"),
    ("bed", "mattress", "sofa"),
    ("pillow", "cushion", "bag", "backpack"),
    ("trash can", "bucket", "box", "basket", "stool"),
)


def mistaken_for(thing: SceneObject, truth: SceneTruth, *whose: object) -> SceneObject:
    """The object under another class: always the same one for the same object."""
    other = [name for group in _ALIKE if thing.category in group for name in group] or sorted(
        {one.category for one in truth.objects}
    )
    others = [name for name in other if name != thing.category] or ["object"]
    name = others[int(generator(*whose, "mistaken").integers(len(others)))]
    return thing.model_copy(update={"category": name, "aliases": ()})


def false_alarms(
    view: ImageView, sight: MeasuredImage, phrases: tuple[str, ...], errors: DetectErrors, seed: int
) -> list[Detection]:
    """Boxes where nothing of the kind is; the same ones whatever was asked for."""
    rate = errors.false_alarms * (1 + errors.false_bad * (1 - sight.quality.overall))
    if sight.derived:
        rate *= errors.false_restored
    rng = generator(view.key.scene_id, view.key.index, "false alarms", seed)
    names = sorted({one.category for one in view.truth.objects} | set(sum(_ALIKE, ())))
    # Drawn for the worst case and thinned, so that a better image only takes some of them away.
    worst = errors.false_alarms * (1 + errors.false_bad) * errors.false_restored
    found = []
    for _ in range(int(rng.poisson(worst))):
        kept = rng.random() < rate / worst
        name = names[int(rng.integers(len(names)))]
        centre = rng.random(2) * [view.width, view.height]
        half = np.exp(rng.normal(np.log(0.08), 0.5, 2)) * [view.width, view.height]
        score = float(np.clip(rng.normal(0.42, 0.1), 0.05, 0.9))
        fake = view.truth.objects[0].model_copy(update={"category": name, "aliases": ()})
        phrase = best_phrase(fake, phrases)
        if kept and phrase is not None:
            low = np.maximum(centre - half, -0.5)
            high = np.minimum(centre + half, [view.width - 0.5, view.height - 0.5])
            box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
            found.append(Detection(phrase=phrase, box=box, score=score))
    return found
