"""A language model that is told of views by a projector: one road for training and for answering.

The prompt is the checkpoint's own chat template around ``<image>`` and the question. Where the
image stands the projector's latents are inserted; nothing that was written is overwritten, and no
label lies on them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from surveyor.core.errors import UserError
from surveyor.core.geometry_tokens import ViewGeometry, vectors
from surveyor.training.extras import need
from surveyor.training.geometry.features import Backbone, backbone
from surveyor.training.geometry.projector import ProjectorShape, make_projector
from surveyor.training.models.families import load_checkpoint
from surveyor.training.models.rendering import render

IMAGE = "<|vision_start|><|image_pad|><|vision_end|>"
SHAPE, WEIGHTS = "geometry.json", "projector.pt"
_IGNORED = -100


@dataclass
class GeometryModel:
    """Language model, tokenizer, frozen features, and the projector that is trained."""

    language: Any
    tokenizer: Any
    features: Backbone
    projector: Any
    shape: ProjectorShape

    @classmethod
    def fresh(cls, checkpoint: Path, features: str, **sizes: int) -> GeometryModel:
        """A new projector on a Qwen3 checkpoint."""
        loaded = load_checkpoint(checkpoint, dtype="float32")
        if loaded.vision:
            raise UserError(
                f"{checkpoint} has eyes of its own; give a text checkpoint, as Qwen3-4B"
            )
        seen = backbone(features)
        hidden = int(loaded.model.config.hidden_size)
        shape = ProjectorShape(features=seen.width, hidden=hidden, **sizes)
        return cls(loaded.model, loaded.processor, seen, make_projector(shape), shape)

    @classmethod
    def load(cls, folder: Path) -> GeometryModel:
        """What `save` wrote; `UserError` for another folder."""
        torch = need("torch")
        try:
            told = json.loads((folder / SHAPE).read_text())
            weights = torch.load(folder / WEIGHTS, weights_only=True)
        except OSError:
            raise UserError(
                f"{folder} holds no projector; train one with `surveyor train geometry`"
            ) from None
        sizes = {k: v for k, v in told["shape"].items() if k not in ("features", "hidden")}
        model = cls.fresh(folder, told["features"], **sizes)
        model.projector.load_state_dict(weights)
        model.projector.eval()
        model.language.eval()
        return model

    def save(self, folder: Path) -> None:
        """Everything but the frozen features, which are named."""
        torch = need("torch")
        self.language.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        torch.save(self.projector.state_dict(), folder / WEIGHTS)
        told = {"features": self.features.name, "shape": self.shape.model_dump()}
        (folder / SHAPE).write_text(json.dumps(told, indent=1))

    def prompt(self, question: str) -> list[int]:
        """Ids of a question with a place for the views, up to where the model is to speak."""
        messages = [{"role": "user", "content": f"{IMAGE}\n{question}"}]
        return render(self.tokenizer, messages, (), generation=True).ids

    def spoken(self, answer: str) -> list[int]:
        """Ids of what the model says, with its end."""
        end = int(self.tokenizer.convert_tokens_to_ids("<|im_end|>"))
        return [*self.tokenizer.encode(answer, add_special_tokens=False), end]

    def seen(
        self,
        pictures: Sequence[Path],
        geometry: Sequence[ViewGeometry | None] | None,
        shown: Sequence[int] | None = None,
    ) -> Any:
        """Latents (1, L, hidden) of the views; only those at ``shown`` are looked at."""
        torch = need("torch")
        tokens = self.features.tokens(pictures)[None]
        values, known = vectors(geometry or [None] * len(pictures))
        mask = np.ones(len(pictures)) if shown is None else np.isin(range(len(pictures)), shown)

        def tensor(array: Any) -> Any:
            return torch.tensor(np.asarray(array, np.float32))[None]

        return self.projector(tokens, tensor(values), tensor(known), tensor(mask))

    def embedded(self, ids: Sequence[int], latents: Any) -> tuple[Any, list[int]]:
        """Embeddings (1, N + L - 1, hidden) of ids with latents (1, L, hidden) inserted where the
        image stands, and the ids with `_IGNORED` there, which is what labels are made from."""
        torch = need("torch")
        pad = int(self.tokenizer.convert_tokens_to_ids("<|image_pad|>"))
        at = list(ids).index(pad)
        words = self.language.get_input_embeddings()(torch.tensor([list(ids)]))
        whole = torch.cat([words[:, :at], latents, words[:, at + 1 :]], dim=1)
        return whole, [*ids[:at], *[_IGNORED] * latents.shape[1], *ids[at + 1 :]]

    def loss(self, question: str, answer: str, latents: Any) -> Any:
        """Mean cross-entropy of what the model is to say: nothing else has a label."""
        torch = need("torch")
        asked, said = self.prompt(question), self.spoken(answer)
        whole, told = self.embedded([*asked, *said], latents)
        labels = [_IGNORED] * (len(told) - len(said)) + told[len(told) - len(said) :]
        logits = self.language(inputs_embeds=whole, use_cache=False).logits[0, :-1]
        wanted = torch.tensor(labels[1:])
        return torch.nn.functional.cross_entropy(logits, wanted, ignore_index=_IGNORED)

    def answer(self, question: str, latents: Any, *, form: str = "", most: int = 200) -> str:
        """What the model says, greedily; with ``form``, a regular expression, the likeliest text
        that fits it, one token at a time."""
        torch = need("torch")
        end = int(self.tokenizer.convert_tokens_to_ids("<|im_end|>"))
        said: list[int] = []
        with torch.no_grad():
            whole, _ = self.embedded(self.prompt(question), latents)
            out = self.language(inputs_embeds=whole, use_cache=True)
            name = "cache" if "cache" in out else "past_key_values"
            for _ in range(most):
                chosen = self._next(out.logits[0, -1], said, form, end)
                if chosen == end:
                    break
                said.append(chosen)
                following = {"input_ids": torch.tensor([[chosen]]), name: out[name]}
                out = self.language(**following, use_cache=True)
        return str(self.tokenizer.decode(said))

    def _next(self, scores: Any, said: Sequence[int], form: str, end: int) -> int:
        """The likeliest token, or the likeliest after which the text can still come to fit."""
        if not form:
            return int(scores.argmax())
        fits = need("regex").compile(form)
        so_far = self.tokenizer.decode(said)
        if fits.fullmatch(so_far) is not None:
            return end
        for token in scores.argsort(descending=True).tolist():
            longer = self.tokenizer.decode([*said, token])
            grown = len(longer) > len(so_far) and "\ufffd" not in longer
            if token != end and grown and fits.fullmatch(longer, partial=True) is not None:
                return int(token)
        raise UserError("no token of this tokenizer goes on with the form that was asked for")
