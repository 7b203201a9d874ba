"""Neural `segment`: SAM 3 (Carion et al., arXiv 2511.16719) through transformers."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveyor.core.masks import encode_rle, mask_box
from surveyor.services.contract import (
    ErrorCode,
    Mask,
    Segment,
    SegmentAnswer,
    SegmentMode,
    SegmentRequest,
)
from surveyor.services.errors import ExpertError
from surveyor.services.expert import ArtifactWriter, Images
from surveyor.services.images import LoadedImage
from surveyor.services.neural.base import NeuralExpert, probe_image
from surveyor.services.neural.preprocessing import Planes, resized
from surveyor.services.neural.runtime import pretrained, quiet
from surveyor.services.neural.sam3 import Cut, concept_masks, embed, instance_masks

_MOST_TOKENS = 32
_VISUAL = "visual"  # the text that stands for "like these boxes" in training


@dataclass(frozen=True, slots=True, eq=False)
class SegmentInput:
    """``tokens`` of the text (concept mode); boxes and points in 0..1 of the image."""

    image: LoadedImage
    request: SegmentRequest
    tokens: tuple[tuple[int, ...], tuple[int, ...]]
    boxes: NDArray[np.float64]
    points: NDArray[np.float64]

    @property
    def key(self) -> None:
        """All images are seen at one size, so all requests may share a batch."""
        return


class NeuralSegment(NeuralExpert):
    """Two modes with two meanings of a box: *concept* finds everything like the text or the
    exemplar boxes, *instance* cuts out the one thing at each box or point.

    Both modes decode from the same backbone, by far the most expensive part; its output is kept
    for the last images (option ``embeddings``, each about 20 MB at full size), so a second
    question about an image costs only a decoder.
    """

    name = "segment"
    max_batch = 8

    def open(self) -> None:
        from transformers import AutoTokenizer, Sam3Model, Sam3TrackerModel

        quiet()
        path, device = self.weights.path, self.runtime.device
        self._tokenizer = AutoTokenizer.from_pretrained(path)
        self._concept = pretrained(Sam3Model, path).to(device)
        self._instance = pretrained(Sam3TrackerModel, path)
        # Checkpoints hold one backbone for both.
        self._instance.vision_encoder.backbone = self._concept.vision_encoder.backbone
        self._instance.to(device)
        size = self._concept.config.vision_config.backbone_config.image_size
        self._size = int(size if isinstance(size, int) else size[0])
        self._keep = self.number("embeddings", 8, 0, 1024)
        self._embeddings: OrderedDict[str, Any] = OrderedDict()

    def limits(self) -> dict[str, float]:
        return {"embeddings": self._keep, "text_tokens": _MOST_TOKENS}

    def probe(self) -> SegmentRequest:
        return SegmentRequest(image=probe_image(), mode=SegmentMode.CONCEPT, text="chair")

    def preprocess(self, request: SegmentRequest, images: Images) -> SegmentInput:
        image = images(request.image)
        concept = request.mode is SegmentMode.CONCEPT
        if concept and request.points:
            message = "concept mode takes a text and exemplar boxes; use instance mode for points"
            raise ExpertError(ErrorCode.BAD_INPUT, message, field="points")
        size = np.array([image.width, image.height], np.float64)
        boxes = (np.array(request.boxes, np.float64).reshape(-1, 2, 2) + 0.5) / size
        points = (np.array(request.points, np.float64).reshape(-1, 2) + 0.5) / size
        for index, (low, high) in enumerate(boxes.clip(0, 1)):
            if (high <= low).any():
                message = f"the box {request.boxes[index]} has no area inside the image"
                raise ExpertError(ErrorCode.BAD_INPUT, message, field=f"boxes.{index}")
        for index, point in enumerate(points):
            if (point < 0).any() or (point > 1).any():
                message = f"the point {request.points[index]} is outside the image"
                raise ExpertError(ErrorCode.BAD_INPUT, message, field=f"points.{index}")
        tokens = self._tokens(request.text or _VISUAL) if concept else ((), ())
        _ = image.pixels
        return SegmentInput(image, request, tokens, boxes.clip(0, 1), points)

    def bare(self, batch: Sequence[SegmentInput]) -> Callable[[], object]:
        """Concept mode, from pixels to raw masks."""
        import torch

        device = self.runtime.device
        pixels = self.runtime.tensor(np.stack([self._planes(asked.image) for asked in batch]))
        ids, mask = (
            torch.tensor([asked.tokens[part] for asked in batch], device=device) for part in (0, 1)
        )
        return lambda: self._concept(pixel_values=pixels, input_ids=ids, attention_mask=mask)

    def forward_batch(self, batch: Sequence[SegmentInput]) -> Sequence[list[Cut]]:
        with self.runtime.inference():
            seen = self._seen([asked.image for asked in batch])
            return [self._cut(asked, seen[asked.image.sha256]) for asked in batch]

    def postprocess(
        self, request: SegmentRequest, item: SegmentInput, raw: list[Cut], artifacts: ArtifactWriter
    ) -> SegmentAnswer:
        segments = []
        for cut in raw:
            box = mask_box(cut.mask)
            if box is None:
                continue
            size, counts = encode_rle(cut.mask)
            mask = Mask(size=size, counts=counts)
            segments.append(Segment(mask=mask, box=box, score=cut.score, prompt=cut.prompt))
        return SegmentAnswer(producer=self.producer, segments=tuple(segments))

    def _cut(self, asked: SegmentInput, hidden: Any) -> list[Cut]:
        size = asked.image.height, asked.image.width
        least = asked.request.threshold
        if asked.request.mode is SegmentMode.CONCEPT:
            return concept_masks(self._concept, hidden, asked.tokens, asked.boxes, size, least)
        return instance_masks(self._instance, hidden, asked.boxes, asked.points, size, least)

    def _seen(self, images: Sequence[LoadedImage]) -> dict[str, Any]:
        """Backbone output of each image, from memory or computed together."""
        wanted = {image.sha256: image for image in images}
        known = {sha: self._embeddings[sha] for sha in wanted if sha in self._embeddings}
        new = [sha for sha in wanted if sha not in known]
        if new:
            pixels = np.stack([self._planes(wanted[sha]) for sha in new])
            hidden = embed(self._concept, self.runtime.tensor(pixels))
            known |= {sha: hidden[index : index + 1].clone() for index, sha in enumerate(new)}
        for sha, hidden in known.items():
            self._embeddings[sha] = hidden
            self._embeddings.move_to_end(sha)
        while len(self._embeddings) > self._keep:
            self._embeddings.popitem(last=False)
        return known

    def _planes(self, image: LoadedImage) -> Planes:
        """(3, S, S) in -1..1, squeezed to a square as in training."""
        square = resized(image.pixels, self._size, self._size)
        return square.transpose(2, 0, 1).astype(np.float32) / 127.5 - 1

    def _tokens(self, text: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Token ids and attention of the text, padded to the model's length."""
        ready = self._tokenizer(text, padding="max_length", max_length=_MOST_TOKENS)
        ids = ready["input_ids"]
        if len(ids) > _MOST_TOKENS:
            message = f"the text {text[:60]!r} is longer than {_MOST_TOKENS} tokens; name a thing"
            raise ExpertError(ErrorCode.BAD_INPUT, message, field="text")
        return tuple(ids), tuple(ready["attention_mask"])
