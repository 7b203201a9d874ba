"""The detectors behind one small protocol: token scores, phrase scores, fixed classes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from surveyor.services.contract import ErrorCode
from surveyor.services.errors import ExpertError
from surveyor.services.images import Pixels
from surveyor.services.neural.preprocessing import Planes
from surveyor.services.neural.runtime import Runtime, array, pretrained, quiet

_SEPARATOR = "."
_OVERLAP = 0.5
"""IoU from which two boxes of one phrase are one thing, for networks that answer densely."""


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What a network proposes for one image: (n,) indices of asked phrases, (n,) scores in 0..1
    and (n, 4) boxes (cx, cy, w, h) as shares of the image."""

    phrases: NDArray[np.int64]
    scores: NDArray[np.float64]
    boxes: NDArray[np.float64]


class DetectNet(Protocol):
    """A network that finds phrases in images."""

    def plan(self, phrases: Sequence[str]) -> Hashable:
        """What is asked of the network; equal plans may share a batch. `ExpertError` names a
        phrase that it cannot look for."""
        ...

    def prepare(self, pixels: Pixels) -> Planes:
        """(3, h, w) input of one image."""
        ...

    def bare(self, images: Sequence[Planes], plan: Any) -> Callable[[], object]:
        """The network alone, its input on the device."""
        ...

    def find(
        self, images: Sequence[Planes], plan: Any, sizes: Sequence[tuple[int, int]]
    ) -> list[Candidates]:
        """Candidates for each image; ``sizes`` are (width, height) of the images sent."""
        ...


def detect_net(route: str, folder: Path, runtime: Runtime) -> DetectNet:
    """The network of a route."""
    makers: dict[str, Callable[[Path, Runtime], DetectNet]] = {
        "owlv2": Owl,
        "omdet": OmDet,
        "rtdetr": FixedClasses,
        "dfine": FixedClasses,
    }
    return makers.get(route, TokenScores)(folder, runtime)


@dataclass(frozen=True, slots=True)
class PhrasePrompt:
    """Phrases that fit into one text: its tokens, and for each phrase its index among the asked
    ones and where its tokens begin and end."""

    tokens: tuple[int, ...]
    spans: tuple[tuple[int, int, int], ...]


class TokenScores:
    """GroundingDINO (Liu et al., arXiv 2303.05499) and MM-GroundingDINO (arXiv 2401.02361).

    The model scores the tokens of the text, not phrases. Upstream joins the tokens above a
    threshold into new phrases, which can be mixtures of two asked ones; here the tokens of each
    asked phrase are known, so every query is read as the asked phrase whose tokens it answers to
    best. Phrases that do not fit into one text are asked in several.
    """

    def __init__(self, folder: Path, runtime: Runtime) -> None:
        from transformers import AutoModelForZeroShotObjectDetection, AutoProcessor

        quiet()
        processor = AutoProcessor.from_pretrained(folder)
        self.image_processor, self.tokenizer = processor.image_processor, processor.tokenizer
        cpu = {} if runtime.device.type == "cuda" else {"disable_custom_kernels": True}
        self.model = pretrained(AutoModelForZeroShotObjectDetection, folder, **cpu)
        self.model = self.model.to(runtime.device)
        self._runtime = runtime
        self._most_tokens = int(self.model.config.max_text_len)

    def prepare(self, pixels: Pixels) -> Planes:
        return _prepared(self.image_processor, pixels)

    def plan(self, phrases: Sequence[str]) -> tuple[PhrasePrompt, ...]:
        """Texts of the form ``[CLS] a chair . table . [SEP]``, as the model was trained with."""
        stop = self._tokens(_SEPARATOR)
        room = self._most_tokens - 2
        full: list[list[tuple[int, list[int]]]] = [[]]
        used = 0
        for index, phrase in enumerate(phrases):
            tokens = self._tokens(phrase.replace(_SEPARATOR, " ").strip().lower())
            if not tokens or len(tokens) + len(stop) > room:
                what = "has no words" if not tokens else f"is longer than {room} tokens"
                raise _refused(phrase, what)
            if used + len(tokens) + len(stop) > room:
                full.append([])
                used = 0
            full[-1].append((index, tokens))
            used += len(tokens) + len(stop)
        first, last = self.tokenizer.cls_token_id, self.tokenizer.sep_token_id
        return tuple(_joined(some, first, stop, last) for some in full)

    def bare(
        self, images: Sequence[Planes], plan: tuple[PhrasePrompt, ...]
    ) -> Callable[[], object]:
        pixels = self._runtime.tensor(np.stack(images))
        texts = [self._ids(prompt, len(images)) for prompt in plan]
        return lambda: [self.model(pixel_values=pixels, input_ids=ids) for ids in texts]

    def find(
        self,
        images: Sequence[Planes],
        plan: tuple[PhrasePrompt, ...],
        sizes: Sequence[tuple[int, int]],
    ) -> list[Candidates]:
        import torch

        pixels = self._runtime.tensor(np.stack(images))
        found: list[list[Candidates]] = [[] for _ in images]
        with self._runtime.inference():
            for prompt in plan:
                ids = self._ids(prompt, len(images))
                out = self.model(
                    pixel_values=pixels, input_ids=ids, attention_mask=torch.ones_like(ids)
                )
                scores, boxes = array(out.logits.float().sigmoid()), array(out.pred_boxes)
                for index, mine in enumerate(found):
                    mine.append(read(prompt, scores[index], boxes[index]))
        return [_together(parts) for parts in found]

    def _ids(self, prompt: PhrasePrompt, number: int) -> Any:
        import torch

        return torch.tensor([prompt.tokens] * number, device=self._runtime.device)

    def _tokens(self, text: str) -> list[int]:
        ids: Any = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return [int(one) for one in ids]


def read(
    prompt: PhrasePrompt, probabilities: NDArray[np.float32], boxes: NDArray[np.float32]
) -> Candidates:
    """Every query (Q, tokens) as the phrase with the highest mean over its tokens (so that *red
    chair* and *blue chair* differ); the score is its highest token, as in the model's own box
    threshold."""
    parts = [probabilities[:, start:end] for _, start, end in prompt.spans]
    best = np.stack([part.mean(axis=1) for part in parts], axis=1).argmax(axis=1)
    score = np.stack([part.max(axis=1) for part in parts], axis=1)[np.arange(len(best)), best]
    asked = np.array([index for index, _, _ in prompt.spans], np.int64)
    return Candidates(asked[best], score.astype(np.float64), boxes.astype(np.float64))


class Owl:
    """OWLv2 (Minderer et al., arXiv 2306.09683): a score for every phrase at every patch.

    It sees the image padded to a square below and to the right; boxes are brought back. It
    answers densely, so of boxes of one phrase that overlap by half the best is kept.
    """

    def __init__(self, folder: Path, runtime: Runtime) -> None:
        from transformers import AutoProcessor, Owlv2ForObjectDetection

        quiet()
        processor = AutoProcessor.from_pretrained(folder)
        self.image_processor, self.tokenizer = processor.image_processor, processor.tokenizer
        self.model = pretrained(Owlv2ForObjectDetection, folder).to(runtime.device)
        self._runtime = runtime
        self._length = int(self.model.config.text_config.max_position_embeddings)

    def prepare(self, pixels: Pixels) -> Planes:
        return _prepared(self.image_processor, pixels)

    def plan(self, phrases: Sequence[str]) -> tuple[tuple[int, ...], ...]:
        """The tokens of ``a photo of a PHRASE`` for each, as the model was trained with."""
        return tuple(
            _spelled(self.tokenizer, f"a photo of a {_worded(one)}", one, self._length)
            for one in phrases
        )

    def bare(
        self, images: Sequence[Planes], plan: tuple[tuple[int, ...], ...]
    ) -> Callable[[], object]:
        asked = self._asked(images, plan)
        return lambda: self.model(**asked)

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
        ids, mask = _padded(plan * len(images), self._length, self.tokenizer, self._runtime)
        pixels = self._runtime.tensor(np.stack(images))
        return {"pixel_values": pixels, "input_ids": ids, "attention_mask": mask}


class OmDet:
    """OmDet-Turbo (Zhao et al., arXiv 2403.06892): phrases as classes, and a task in words."""

    def __init__(self, folder: Path, runtime: Runtime) -> None:
        from transformers import AutoProcessor, OmDetTurboForObjectDetection

        quiet()
        processor = AutoProcessor.from_pretrained(folder)
        self.image_processor, self.tokenizer = processor.image_processor, processor.tokenizer
        cpu = {} if runtime.device.type == "cuda" else {"disable_custom_kernels": True}
        self.model = pretrained(OmDetTurboForObjectDetection, folder, **cpu).to(runtime.device)
        self._runtime = runtime
        self._length = int(self.model.config.text_config.max_position_embeddings)

    def prepare(self, pixels: Pixels) -> Planes:
        return _prepared(self.image_processor, pixels)

    def plan(self, phrases: Sequence[str]) -> tuple[tuple[int, ...], ...]:
        """The tokens of each phrase, and last those of the task, cut where it grows too long."""
        words = [_worded(one) for one in phrases]
        tokens = [
            _spelled(self.tokenizer, word, one, self._length)
            for word, one in zip(words, phrases, strict=True)
        ]
        task = self.tokenizer(f"Detect {', '.join(words)}.")["input_ids"]
        if len(task) > self._length:
            task = [*task[: self._length - 1], task[-1]]
        return (*tokens, tuple(int(one) for one in task))

    def bare(
        self, images: Sequence[Planes], plan: tuple[tuple[int, ...], ...]
    ) -> Callable[[], object]:
        asked = self._asked(images, plan)
        return lambda: self.model(**asked)

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
        classes = _padded(plan[:-1] * number, self._length, self.tokenizer, self._runtime)
        tasks = _padded(plan[-1:] * number, self._length, self.tokenizer, self._runtime)
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
        self.classes = {_worded(name): int(index) for index, name in labels}

    def prepare(self, pixels: Pixels) -> Planes:
        return _prepared(self.image_processor, pixels)

    def plan(self, phrases: Sequence[str]) -> tuple[int, ...]:
        """The model's class of each phrase."""
        known = [self.classes.get(_worded(phrase)) for phrase in phrases]
        for phrase, index in zip(phrases, known, strict=True):
            if index is None:
                listed = ", ".join(sorted(self.classes)[:100])
                raise _refused(phrase, f"is none of this detector's classes: {listed}")
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


def _prepared(processor: Any, pixels: Pixels) -> Planes:
    ready = processor(images=[np.array(pixels)], return_tensors="np")
    return np.asarray(ready["pixel_values"][0], np.float32)


def _worded(phrase: str) -> str:
    """A phrase as models were trained with it; `ExpertError` where no word is left."""
    words = " ".join(phrase.replace(_SEPARATOR, " ").replace("_", " ").lower().split())
    if not words:
        raise _refused(phrase, "has no words")
    return words


def _spelled(tokenizer: Any, text: str, phrase: str, most: int) -> tuple[int, ...]:
    tokens = tuple(int(one) for one in tokenizer(text)["input_ids"])
    if len(tokens) > most:
        raise _refused(phrase, f"is longer than {most} tokens")
    return tokens


def _padded(
    texts: tuple[tuple[int, ...], ...], length: int, tokenizer: Any, runtime: Runtime
) -> tuple[Any, Any]:
    """(n, length) ids and mask on the device."""
    import torch

    fill = tokenizer.pad_token_id or 0
    ids = [[*text, *[fill] * (length - len(text))] for text in texts]
    mask = [[1] * len(text) + [0] * (length - len(text)) for text in texts]
    return (torch.tensor(ids, device=runtime.device), torch.tensor(mask, device=runtime.device))


def _refused(phrase: str, what: str) -> ExpertError:
    return ExpertError(ErrorCode.BAD_INPUT, f"the phrase {phrase[:60]!r} {what}", field="phrases")


def _best_of(scores: NDArray[np.float32], boxes: NDArray[np.float32]) -> Candidates:
    """Every query (Q, phrases) as its best phrase."""
    best = scores.argmax(axis=1) if len(scores) else np.zeros(0, np.int64)
    top = scores[np.arange(len(best)), best]
    return Candidates(best.astype(np.int64), top.astype(np.float64), boxes.astype(np.float64))


def _together(parts: Sequence[Candidates]) -> Candidates:
    return Candidates(
        np.concatenate([part.phrases for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.boxes for part in parts]),
    )


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


def _joined(
    phrases: list[tuple[int, list[int]]], first: int, stop: list[int], last: int
) -> PhrasePrompt:
    tokens, spans = [first], []
    for index, phrase in phrases:
        spans.append((index, len(tokens), len(tokens) + len(phrase)))
        tokens += phrase + stop
    return PhrasePrompt((*tokens, last), tuple(spans))
