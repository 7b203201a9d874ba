"""Reference `detect`: boxes of the visible objects that the phrases name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from services.contract import Box, DetectAnswer, Detection, DetectRequest
from services.expert import Images, Outbox
from services.reference.base import ReferenceExpert
from services.reference.seeding import generator
from services.reference.visible import Visible, best_phrase, visible_objects
from services.reference.world import View


@dataclass(frozen=True, slots=True)
class _Asked:
    view: View
    request: DetectRequest


class ReferenceDetect(ReferenceExpert):
    """Misses and jitter are drawn per (scene, frame, object), so repeat calls agree."""

    name = "detect"

    def probe(self) -> DetectRequest:
        return DetectRequest(image=self.probe_image(), phrases=("chair",))

    def preprocess(self, request: DetectRequest, images: Images) -> _Asked:
        return _Asked(self.world.view(images(request.image), images), request)

    def forward_batch(self, batch: Sequence[_Asked]) -> Sequence[list[Detection]]:
        return [self._detect(asked.view, asked.request) for asked in batch]

    def postprocess(
        self, request: DetectRequest, item: _Asked, raw: list[Detection], outbox: Outbox
    ) -> DetectAnswer:
        found = [detection for detection in raw if detection.score >= request.threshold]
        found.sort(key=lambda detection: -detection.score)
        return DetectAnswer(producer=self.producer, detections=tuple(found))

    def _detect(self, view: View, request: DetectRequest) -> list[Detection]:
        found = []
        for seen in visible_objects(view, self.preset.detect.min_pixels):
            phrase = best_phrase(seen.object, request.phrases)
            if phrase is None:
                continue
            detection = self._attempt(view, seen, phrase)
            if detection is not None:
                found.append(detection)
        return found

    def _attempt(self, view: View, seen: Visible, phrase: str) -> Detection | None:
        errors = self.preset.detect
        if errors.miss == errors.jitter == 0:
            return Detection(phrase=phrase, box=seen.box, score=1.0)
        key = view.key
        thing = seen.object.instance_id
        rng = generator(key.scene_id, key.index, self.name, thing, self.settings.seed)
        missed = rng.random() < errors.miss
        box = _jittered(seen.box, errors.jitter, rng, view)
        score = float(rng.uniform(0.5, 1.0))
        return None if missed else Detection(phrase=phrase, box=box, score=score)


def _jittered(box: Box, share: float, rng: np.random.Generator, view: View) -> Box:
    """Each edge moved by a normal error of ``share`` of the side across it, kept in the image."""
    width, height = box[2] - box[0], box[3] - box[1]
    moved = np.array(box) + rng.normal(0, share, 4) * [width, height, width, height]
    x1, y1, x2, y2 = moved
    x1, x2 = np.clip([min(x1, x2 - 1), max(x2, x1 + 1)], -0.5, view.width - 0.5)
    y1, y2 = np.clip([min(y1, y2 - 1), max(y2, y1 + 1)], -0.5, view.height - 0.5)
    return (float(x1), float(y1), float(x2), float(y2))
