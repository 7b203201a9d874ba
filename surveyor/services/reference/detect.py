"""Reference `detect`: boxes of the visible objects that the phrases name, as a detector would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from surveyor.services.contract import Box, DetectAnswer, Detection, DetectRequest
from surveyor.services.expert import ArtifactWriter, Images
from surveyor.services.reference.base import ReferenceExpert
from surveyor.services.reference.confusion import false_alarms, mistaken_for
from surveyor.services.reference.restoration_discount import MeasuredImage
from surveyor.services.reference.seeding import chance, generator, probability
from surveyor.services.reference.visible import Visible, best_phrase, overlap, visible_objects
from surveyor.services.reference.world import ImageView

_SHARP = 0.5  # sharpness from which on an edge can be placed as well as ever


@dataclass(frozen=True, slots=True)
class _DetectItem:
    view: ImageView
    sight: MeasuredImage | None
    phrases: tuple[str, ...]


class ReferenceDetect(ReferenceExpert):
    """Misses, wrong classes, jitter and false alarms are drawn per (scene, frame, object), so
    repeat calls agree, and a better image of the same frame can only change what it improves."""

    name = "detect"

    def probe(self) -> DetectRequest:
        return DetectRequest(image=self.probe_image(), phrases=("chair",))

    def preprocess(self, request: DetectRequest, images: Images) -> _DetectItem:
        image = images(request.image)
        view = self.world.view(image, images)
        sight = None
        if self.preset.detect.recall is not None:
            sight = self.sight(view, image, images)
        return _DetectItem(view, sight, request.phrases)

    def forward_batch(self, batch: Sequence[_DetectItem]) -> Sequence[list[Detection]]:
        return [self._detect(asked) for asked in batch]

    def postprocess(
        self,
        request: DetectRequest,
        item: _DetectItem,
        raw: list[Detection],
        artifacts: ArtifactWriter,
    ) -> DetectAnswer:
        found = [detection for detection in raw if detection.score >= request.threshold]
        found.sort(key=lambda detection: -detection.score)
        kept = _suppressed(found, self.preset.detect.nms)
        return DetectAnswer(producer=self.producer, detections=tuple(kept))

    def _detect(self, asked: _DetectItem) -> list[Detection]:
        found = []
        for seen in visible_objects(asked.view, self.preset.detect.min_pixels):
            detection = self._attempt(asked, seen)
            if detection is not None:
                found.append(detection)
        if asked.sight is not None:
            found += false_alarms(
                asked.view, asked.sight, asked.phrases, self.preset.detect, self.settings.seed
            )
        return found

    def _attempt(self, asked: _DetectItem, seen: Visible) -> Detection | None:
        errors, view = self.preset.detect, asked.view
        thing = seen.object
        if errors.recall is None and errors.miss == errors.jitter == 0:
            phrase = best_phrase(thing, asked.phrases)
            return None if phrase is None else Detection(phrase=phrase, box=seen.box, score=1.0)
        recall = self._recall(asked, seen)
        whose = (view.key.scene_id, self.name, thing.instance_id, self.settings.seed)
        rng = generator(*whose, view.key.index)
        box = jittered(seen.box, errors.jitter * self._softness(asked, seen), rng, view)
        score = float(np.clip(0.35 + 0.6 * recall + rng.normal(0, 0.08), 0.05, 0.99))
        confused = rng.random() < errors.confusion + errors.confusion_hard * (1 - recall)
        joint = errors.recall.joint if errors.recall else 0.0
        if chance(whose, view.key.index, joint) >= recall:
            return None
        named = mistaken_for(thing, view.truth, *whose) if confused else thing
        phrase = best_phrase(named, asked.phrases)
        return None if phrase is None else Detection(phrase=phrase, box=box, score=score)

    def _softness(self, asked: _DetectItem, seen: Visible) -> float:
        """Factor of a box's jitter: 1 where the object is sharp, 2 where it is a smear."""
        if asked.sight is None:
            return 1.0
        sharpness = asked.sight.of(seen.object.instance_id).sharpness
        return 1 + float(np.clip(1 - sharpness / _SHARP, 0, 1))

    def _recall(self, asked: _DetectItem, seen: Visible) -> float:
        """Probability that this object is found in this image."""
        errors = self.preset.detect
        if errors.recall is None or asked.sight is None:
            return 1 - errors.miss
        scene, thing = asked.view.key.scene_id, seen.object.instance_id
        difficulty = generator(scene, "difficulty", thing, self.settings.seed).normal()
        logit = asked.sight.logit(thing, errors.recall) - errors.recall.object * difficulty
        return probability(logit) * (1 - errors.miss)


def jittered(box: Box, share: float, rng: np.random.Generator, view: ImageView) -> Box:
    """Each edge moved by a normal error of ``share`` of the side across it, kept in the image."""
    width, height = box[2] - box[0], box[3] - box[1]
    moved = np.array(box) + rng.normal(0, 1, 4) * share * [width, height, width, height]
    x1, y1, x2, y2 = moved
    x1, x2 = np.clip([min(x1, x2 - 1), max(x2, x1 + 1)], -0.5, view.width - 0.5)
    y1, y2 = np.clip([min(y1, y2 - 1), max(y2, y1 + 1)], -0.5, view.height - 0.5)
    return (float(x1), float(y1), float(x2), float(y2))


def _suppressed(found: list[Detection], most: float) -> list[Detection]:
    """Greedy non-maximum suppression among boxes of one phrase, best first."""
    if most >= 1:
        return found
    kept: list[Detection] = []
    for one in found:
        rivals = (other for other in kept if other.phrase == one.phrase)
        if all(overlap(one.box, rival.box) <= most for rival in rivals):
            kept.append(one)
    return kept
