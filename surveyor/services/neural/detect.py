"""Neural `detect`: GroundingDINO (Liu et al., arXiv 2303.05499) through transformers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveyor.services.contract import Box, DetectAnswer, Detection, DetectRequest, ErrorCode
from surveyor.services.errors import ExpertError
from surveyor.services.expert import ArtifactWriter, Images
from surveyor.services.neural.base import NeuralExpert, probe_image
from surveyor.services.neural.runtime import array, pretrained, quiet

_SEPARATOR = "."


@dataclass(frozen=True, slots=True)
class PhrasePrompt:
    """Phrases that fit into one text: its tokens, and for each phrase its index among the asked
    ones and where its tokens begin and end."""

    tokens: tuple[int, ...]
    spans: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True, eq=False)
class _DetectInput:
    pixels: NDArray[np.float32]
    size: tuple[int, int]
    prompts: tuple[PhrasePrompt, ...]

    @property
    def key(self) -> tuple[object, ...]:
        return self.pixels.shape, self.prompts


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What one prompt found: (Q, tokens) probabilities and (Q, 4) boxes (cx, cy, w, h) in 0..1."""

    prompt: PhrasePrompt
    probabilities: NDArray[np.float32]
    boxes: NDArray[np.float32]


class NeuralDetect(NeuralExpert):
    """Every query is read as the asked phrase whose tokens it answers to best.

    The model scores the tokens of the text, not phrases. Upstream joins the tokens above a
    threshold into new phrases, which can be mixtures of two asked ones; here the tokens of each
    asked phrase are known, so an answer is always one of the asked phrases. Phrases that do not
    fit into one text are asked in several.
    """

    name = "detect"

    def open(self) -> None:
        from transformers import AutoProcessor, GroundingDinoForObjectDetection

        quiet()
        processor = AutoProcessor.from_pretrained(self.weights.path)
        self._image_processor = processor.image_processor
        self._tokenizer = processor.tokenizer
        cpu = {} if self.runtime.device.type == "cuda" else {"disable_custom_kernels": True}
        model = pretrained(GroundingDinoForObjectDetection, self.weights.path, **cpu)
        self._model = model.to(self.runtime.device)
        self._most_tokens = int(self._model.config.max_text_len)

    def probe(self) -> DetectRequest:
        return DetectRequest(image=probe_image(), phrases=("chair", "table"))

    def preprocess(self, request: DetectRequest, images: Images) -> _DetectInput:
        prompts = self._prompts(request.phrases)
        image = images(request.image)
        ready = self._image_processor(images=[np.array(image.pixels)], return_tensors="np")
        pixels = np.asarray(ready["pixel_values"][0], np.float32)
        return _DetectInput(pixels, (image.width, image.height), prompts)

    def bare(self, batch: Sequence[_DetectInput]) -> Callable[[], object]:
        import torch

        pixels = self.runtime.tensor(np.stack([asked.pixels for asked in batch]))
        texts = [
            torch.tensor([prompt.tokens] * len(batch), device=self.runtime.device)
            for prompt in batch[0].prompts
        ]
        return lambda: [self._model(pixel_values=pixels, input_ids=ids) for ids in texts]

    def forward_batch(self, batch: Sequence[_DetectInput]) -> Sequence[list[Found]]:
        import torch

        pixels = self.runtime.tensor(np.stack([asked.pixels for asked in batch]))
        found: list[list[Found]] = [[] for _ in batch]
        with self.runtime.inference():
            for prompt in batch[0].prompts:
                ids = torch.tensor([prompt.tokens] * len(batch), device=self.runtime.device)
                out = self._model(
                    pixel_values=pixels, input_ids=ids, attention_mask=torch.ones_like(ids)
                )
                scores, boxes = array(out.logits.float().sigmoid()), array(out.pred_boxes)
                for index, mine in enumerate(found):
                    mine.append(Found(prompt, scores[index], boxes[index]))
        return found

    def postprocess(
        self,
        request: DetectRequest,
        item: _DetectInput,
        raw: list[Found],
        artifacts: ArtifactWriter,
    ) -> DetectAnswer:
        detections = [
            Detection(phrase=request.phrases[phrase], box=box, score=score)
            for one in raw
            for phrase, box, score in read(one, item.size, request.threshold)
        ]
        detections.sort(key=lambda detection: -detection.score)
        return DetectAnswer(producer=self.producer, detections=tuple(detections))

    def _prompts(self, phrases: Sequence[str]) -> tuple[PhrasePrompt, ...]:
        """Texts of the form ``[CLS] a chair . table . [SEP]``, as the model was trained with."""
        stop = self._tokens(_SEPARATOR)
        room = self._most_tokens - 2
        full: list[list[tuple[int, list[int]]]] = [[]]
        used = 0
        for index, phrase in enumerate(phrases):
            tokens = self._tokens(phrase.replace(_SEPARATOR, " ").strip().lower())
            if not tokens or len(tokens) + len(stop) > room:
                what = "has no words" if not tokens else f"is longer than {room} tokens"
                raise ExpertError(
                    ErrorCode.BAD_INPUT, f"the phrase {phrase[:60]!r} {what}", field="phrases"
                )
            if used + len(tokens) + len(stop) > room:
                full.append([])
                used = 0
            full[-1].append((index, tokens))
            used += len(tokens) + len(stop)
        first, last = self._tokenizer.cls_token_id, self._tokenizer.sep_token_id
        return tuple(_joined(some, first, stop, last) for some in full)

    def _tokens(self, text: str) -> list[int]:
        ids: Any = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return [int(one) for one in ids]


def _joined(
    phrases: list[tuple[int, list[int]]], first: int, stop: list[int], last: int
) -> PhrasePrompt:
    tokens, spans = [first], []
    for index, phrase in phrases:
        spans.append((index, len(tokens), len(tokens) + len(phrase)))
        tokens += phrase + stop
    return PhrasePrompt((*tokens, last), tuple(spans))


def read(found: Found, size: tuple[int, int], threshold: float) -> list[tuple[int, Box, float]]:
    """``(phrase index, box, score)`` of the queries that reach the threshold.

    The phrase is the one with the highest mean over its tokens (so that *red chair* and *blue
    chair* differ), the score its highest token, as in the model's own box threshold.
    """
    parts = [found.probabilities[:, start:end] for _, start, end in found.prompt.spans]
    best = np.stack([part.mean(axis=1) for part in parts], axis=1).argmax(axis=1)
    score = np.stack([part.max(axis=1) for part in parts], axis=1)[np.arange(len(best)), best]
    boxes = pixel_boxes(found.boxes, size)
    kept = np.flatnonzero((score >= threshold) & np.isfinite(score) & _has_area(boxes))
    phrases = [index for index, _, _ in found.prompt.spans]
    return [
        (phrases[int(best[query])], _box(boxes[query]), min(float(score[query]), 1.0))
        for query in kept
    ]


def pixel_boxes(boxes: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float64]:
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
