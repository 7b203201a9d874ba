"""Neural `detect`: open-vocabulary detectors, and those of fixed classes, through transformers."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveyor.services.contract import Box, DetectAnswer, Detection, DetectRequest
from surveyor.services.expert import ArtifactWriter, Images
from surveyor.services.neural.base import NeuralExpert, probe_image
from surveyor.services.neural.detect_nets import FixedClasses, detect_net
from surveyor.services.neural.detect_parts import Candidates, DetectNet
from surveyor.services.neural.preprocessing import Planes


@dataclass(frozen=True, slots=True, eq=False)
class _DetectInput:
    pixels: Planes
    size: tuple[int, int]
    plan: Hashable

    @property
    def key(self) -> tuple[object, ...]:
        return self.pixels.shape, self.plan


class NeuralDetect(NeuralExpert):
    """Routes ``base`` and ``tiny`` (GroundingDINO), ``mm`` (MM-GroundingDINO), ``owlv2``,
    ``omdet``, and ``rtdetr`` and ``dfine``, which know their own classes only and refuse others
    by name.

    An answer is always one of the asked phrases. Scores of different routes are not comparable: a
    threshold is the model's own.
    """

    name = "detect"
    net: DetectNet

    def open(self) -> None:
        self.net = detect_net(self.route, self.weights.path, self.runtime)

    def probe(self) -> DetectRequest:
        known = tuple(self.net.classes)[:2] if isinstance(self.net, FixedClasses) else ()
        return DetectRequest(image=probe_image(), phrases=known or ("chair", "table"))

    def preprocess(self, request: DetectRequest, images: Images) -> _DetectInput:
        plan = self.net.plan(request.phrases)
        image = images(request.image)
        return _DetectInput(self.net.prepare(image.pixels), (image.width, image.height), plan)

    def bare(self, batch: Sequence[_DetectInput]) -> Callable[[], object]:
        return self.net.bare([asked.pixels for asked in batch], batch[0].plan)

    def forward_batch(self, batch: Sequence[_DetectInput]) -> Sequence[Candidates]:
        sizes = [asked.size for asked in batch]
        return self.net.find([asked.pixels for asked in batch], batch[0].plan, sizes)

    def postprocess(
        self,
        request: DetectRequest,
        item: _DetectInput,
        raw: Candidates,
        artifacts: ArtifactWriter,
    ) -> DetectAnswer:
        detections = [
            Detection(phrase=request.phrases[phrase], box=box, score=score)
            for phrase, box, score in accepted(raw, item.size, request.threshold)
        ]
        detections.sort(key=lambda detection: -detection.score)
        return DetectAnswer(producer=self.producer, detections=tuple(detections))


def accepted(
    found: Candidates, size: tuple[int, int], threshold: float
) -> list[tuple[int, Box, float]]:
    """``(phrase index, box, score)`` of the candidates that reach the threshold."""
    boxes = pixel_boxes(found.boxes, size)
    good = (found.scores >= threshold) & np.isfinite(found.scores) & _has_area(boxes)
    return [
        (int(found.phrases[k]), _box(boxes[k]), min(float(found.scores[k]), 1.0))
        for k in np.flatnonzero(good)
    ]


def pixel_boxes(boxes: NDArray[np.float64], size: tuple[int, int]) -> NDArray[np.float64]:
    """(N, 4) relative centre boxes to pixel corners within the image, pixel centres at integers."""
    width, height = size
    centre, half = boxes[:, :2].astype(np.float64), boxes[:, 2:].astype(np.float64) / 2
    corners = np.concatenate([centre - half, centre + half], axis=1).clip(0, 1)
    scaled: NDArray[np.float64] = corners * [width, height, width, height] - 0.5
    return scaled


def _has_area(boxes: NDArray[np.float64]) -> NDArray[np.bool_]:
    large: NDArray[np.bool_] = (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    return large


def _box(values: NDArray[np.float64]) -> Box:
    x1, y1, x2, y2 = (float(value) for value in values)
    return (x1, y1, x2, y2)
