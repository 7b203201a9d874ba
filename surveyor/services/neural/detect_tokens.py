"""Detectors that score the tokens of a text: GroundingDINO and its kin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from surveyor.services.images import Pixels
from surveyor.services.neural.detect_parts import SEPARATOR, Candidates, prepared, refused
from surveyor.services.neural.preprocessing import Planes
from surveyor.services.neural.runtime import Runtime, array, pretrained, quiet


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
        return prepared(self.image_processor, pixels)

    def plan(self, phrases: Sequence[str]) -> tuple[PhrasePrompt, ...]:
        """Texts of the form ``[CLS] a chair . table . [SEP]``, as the model was trained with."""
        stop = self._tokens(SEPARATOR)
        room = self._most_tokens - 2
        full: list[list[tuple[int, list[int]]]] = [[]]
        used = 0
        for index, phrase in enumerate(phrases):
            tokens = self._tokens(phrase.replace(SEPARATOR, " ").strip().lower())
            if not tokens or len(tokens) + len(stop) > room:
                what = "has no words" if not tokens else f"is longer than {room} tokens"
                raise refused(phrase, what)
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


def _together(parts: Sequence[Candidates]) -> Candidates:
    return Candidates(
        np.concatenate([part.phrases for part in parts]),
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.boxes for part in parts]),
    )


def _joined(
    phrases: list[tuple[int, list[int]]], first: int, stop: list[int], last: int
) -> PhrasePrompt:
    tokens, spans = [first], []
    for index, phrase in phrases:
        spans.append((index, len(tokens), len(tokens) + len(phrase)))
        tokens += phrase + stop
    return PhrasePrompt((*tokens, last), tuple(spans))
