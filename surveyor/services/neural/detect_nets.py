"""The detectors by route, and those that score phrases or know fixed classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveyor.services.images import Pixels
from surveyor.services.neural.detect_parts import (
    Candidates,
    DetectNet,
    prepared,
    refused,
    worded,
)
from surveyor.services.neural.detect_tokens import TokenScores
from surveyor.services.neural.preprocessing import Planes
from surveyor.services.neural.runtime import Runtime, array, pretrained, quiet

_OVERLAP = 0.5
"""IoU from which two boxes of one phrase are one thing, for networks that answer densely."""


def detect_net(route: str, folder: Path, runtime: Runtime) -> DetectNet:
    """The network of a route."""
    makers: dict[str, Callable[[Path, Runtime], DetectNet]] = {
        "owlv2": Owl,
        "omdet": OmDet,
        "rtdetr": FixedClasses,
        "dfine": FixedClasses,
    }
    return makers.get(route, TokenScores)(folder, runtime)


class _PhraseNet:
    """What OWLv2 and OmDet-Turbo share: the processor's halves, and phrases as padded tokens."""

    def __init__(self, folder: Path, runtime: Runtime, family: Any, **options: Any) -> None:
        from transformers import AutoProcessor

        quiet()
        processor = AutoProcessor.from_pretrained(folder)
        self.image_processor, self.tokenizer = processor.image_processor, processor.tokenizer
        self.model = pretrained(family, folder, **options).to(runtime.device)
        self._runtime = runtime
        self._length = int(self.model.config.text_config.max_position_embeddings)

    def prepare(self, pixels: Pixels) -> Planes:
        return prepared(self.image_processor, pixels)

    def bare(
        self, images: Sequence[Planes], plan: tuple[tuple[int, ...], ...]
    ) -> Callable[[], object]:
        asked = self._asked(images, plan)
        return lambda: self.model(**asked)

    def _asked(self, images: Sequence[Planes], plan: tuple[tuple[int, ...], ...]) -> dict[str, Any]:
        raise NotImplementedError

    def _tokens(self, texts: tuple[tuple[int, ...], ...]) -> tuple[Any, Any]:
        """(n, length) ids and mask on the device."""
        import torch

        fill, device = self.tokenizer.pad_token_id or 0, self._runtime.device
        short = [self._length - len(text) for text in texts]
        ids = [[*text, *[fill] * left] for text, left in zip(texts, short, strict=True)]
        mask = [[1] * len(text) + [0] * left for text, left in zip(texts, short, strict=True)]
        return torch.tensor(ids, device=device), torch.tensor(mask, device=device)


class Owl(_PhraseNet):
    """OWLv2 (Minderer et al., arXiv 2306.09683): a score for every phrase at every patch.

    It sees the image padded to a square below and to the right; boxes are brought back. It
    answers densely, so of boxes of one phrase that overlap by half the best is kept.
    """

    def __init__(self, folder: Path, runtime: Runtime) -> None:
        from transformers import Owlv2ForObjectDetection

        super().__init__(folder, runtime, Owlv2ForObjectDetection)

    def plan(self, phrases: Sequence[str]) -> tuple[tuple[int, ...], ...]:
        """The tokens of ``a photo of a PHRASE`` for each, as the model was trained with."""
        return tuple(
            _spelled(self.tokenizer, f"a photo of a {worded(one)}", one, self._length)
            for one in phrases
        )

    def find(
        self,
        images: Sequence[Planes],
        plan: tuple[tuple[int, ...], ...],
        sizes: Sequence[tuple[int, int]],
    ) -> list[Candidates]:
        with self._runtime.inference():
            out = self.model(**self._asked(images, plan))
        scores, boxes = array(out.logits.float().sigmoid()), array(out.pred_boxes)
        found = []
        for score, box, (width, height) in zip(scores, boxes, sizes, strict=True):
            side = max(width, height)
            best = score.argmax(axis=1)
            scaled = box.astype(np.float64) * np.tile([side / width, side / height], 2)
            top = score[np.arange(len(best)), best].astype(np.float64)
            found.append(_thinned(Candidates(best.astype(np.int64), top, scaled)))
        return found

    def _asked(self, images: Sequence[Planes], plan: tuple[tuple[int, ...], ...]) -> dict[str, Any]:
        ids, mask = self._tokens(plan * len(images))
        pixels = self._runtime.tensor(np.stack(images))
        return {"pixel_values": pixels, "input_ids": ids, "attention_mask": mask}


class OmDet(_PhraseNet):
    """OmDet-Turbo (Zhao et al., arXiv 2403.06892): phrases as classes, and a task in words."""

    def __init__(self, folder: Path, runtime: Runtime) -> None:
        from transformers import OmDetTurboForObjectDetection

        cpu = {} if runtime.device.type == "cuda" else {"disable_custom_kernels": True}
        super().__init__(folder, runtime, OmDetTurboForObjectDetection, **cpu)

    def plan(self, phrases: Sequence[str]) -> tuple[tuple[int, ...], ...]:
        """The tokens of each phrase, and last those of the task, cut where it grows too long."""
        words = [worded(one) for one in phrases]
        tokens = [
            _spelled(self.tokenizer, word, one, self._length)
            for word, one in zip(words, phrases, strict=True)
        ]
        task = self.tokenizer(f"Detect {', '.join(words)}.")["input_ids"]
        if len(task) > self._length:
            task = [*task[: self._length - 1], task[-1]]
        return (*tokens, tuple(int(one) for one in task))

    def find(
        self,
        images: Sequence[Planes],
        plan: tuple[tuple[int, ...], ...],
        sizes: Sequence[tuple[int, int]],
    ) -> list[Candidates]:
        with self._runtime.inference():
            out = self.model(**self._asked(images, plan))
        scores = array(out.decoder_class_logits.float().sigmoid())[:, :, : len(plan) - 1]
        boxes = array(out.decoder_coord_logits)
        return [_thinned(_best_of(s, b)) for s, b in zip(scores, boxes, strict=True)]

    def _asked(self, images: Sequence[Planes], plan: tuple[tuple[int, ...], ...]) -> dict[str, Any]:
        import torch

        number = len(images)
        classes = self._tokens(plan[:-1] * number)
        tasks = self._tokens(plan[-1:] * number)
        structure = torch.tensor([len(plan) - 1] * number, device=self._runtime.device)
        return {
            "pixel_values": self._runtime.tensor(np.stack(images)),
            "classes_input_ids": classes[0],
            "classes_attention_mask": classes[1],
            "tasks_input_ids": tasks[0],
            "tasks_attention_mask": tasks[1],
            "classes_structure": structure,
        }


class FixedClasses:
    """RT-DETR (arXiv 2304.08069, and its second version) and D-FINE (arXiv 2410.13842): only what
    they were trained on. Other phrases are refused by name: an empty answer would say that there is
    none."""

    def __init__(self, folder: Path, runtime: Runtime) -> None:
        from transformers import AutoImageProcessor, AutoModelForObjectDetection

        quiet()
        self.image_processor = AutoImageProcessor.from_pretrained(folder)
        self.model = pretrained(AutoModelForObjectDetection, folder).to(runtime.device)
        self._runtime = runtime
        labels = self.model.config.id2label.items()
        self.classes = {worded(name): int(index) for index, name in labels}

    def prepare(self, pixels: Pixels) -> Planes:
        return prepared(self.image_processor, pixels)

    def plan(self, phrases: Sequence[str]) -> tuple[int, ...]:
        """The model's class of each phrase."""
        known = [self.classes.get(worded(phrase)) for phrase in phrases]
        for phrase, index in zip(phrases, known, strict=True):
            if index is None:
                listed = ", ".join(sorted(self.classes)[:100])
                raise refused(phrase, f"is none of this detector's classes: {listed}")
        return tuple(index for index in known if index is not None)

    def bare(self, images: Sequence[Planes], plan: tuple[int, ...]) -> Callable[[], object]:
        pixels = self._runtime.tensor(np.stack(images))
        return lambda: self.model(pixel_values=pixels)

    def find(
        self,
        images: Sequence[Planes],
        plan: tuple[int, ...],
        sizes: Sequence[tuple[int, int]],
    ) -> list[Candidates]:
        with self._runtime.inference():
            out = self.model(pixel_values=self._runtime.tensor(np.stack(images)))
        scores, boxes = array(out.logits.float().sigmoid()), array(out.pred_boxes)
        found = []
        for score, box in zip(scores, boxes, strict=True):
            # A query stands for its best class of all: what is a sofa first is no chair.
            mine = np.isin(score.argmax(axis=1), plan)
            found.append(_best_of(score[mine][:, list(plan)], box[mine]))
        return found


def _spelled(tokenizer: Any, text: str, phrase: str, most: int) -> tuple[int, ...]:
    tokens = tuple(int(one) for one in tokenizer(text)["input_ids"])
    if len(tokens) > most:
        raise refused(phrase, f"is longer than {most} tokens")
    return tokens


def _best_of(scores: NDArray[np.float32], boxes: NDArray[np.float32]) -> Candidates:
    """Every query (Q, phrases) as its best phrase."""
    best = scores.argmax(axis=1) if len(scores) else np.zeros(0, np.int64)
    top = scores[np.arange(len(best)), best]
    return Candidates(best.astype(np.int64), top.astype(np.float64), boxes.astype(np.float64))


def _thinned(found: Candidates) -> Candidates:
    """Without the weaker of two boxes of one phrase that overlap by half."""
    half = found.boxes[:, 2:] / 2
    low, high = found.boxes[:, :2] - half, found.boxes[:, :2] + half
    areas = np.prod(found.boxes[:, 2:], axis=1)
    kept: list[int] = []
    for index in np.argsort(-found.scores, kind="stable"):
        rivals = [k for k in kept if found.phrases[k] == found.phrases[index]]
        shared = np.prod(
            (np.minimum(high[index], high[rivals]) - np.maximum(low[index], low[rivals])).clip(0),
            axis=1,
        )
        if not (shared > _OVERLAP * (areas[index] + areas[rivals] - shared)).any():
            kept.append(int(index))
    return Candidates(found.phrases[kept], found.scores[kept], found.boxes[kept])
