"""Loading a checkpoint with what reads its prompts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surveyor.core.errors import UserError
from surveyor.training.compact.vocabulary import FILE as LANGUAGE
from surveyor.training.extras import need

FAMILIES = {"qwen3": False, "qwen3_vl": True}
"""``model_type`` by whether it takes images."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """``processor`` is a tokenizer, or for ``vision`` models one with an image processor."""

    model: Any
    processor: Any
    vision: bool


def family_of(folder: Path) -> str:
    """The family of a checkpoint; `UserError` when it is none that is known here."""
    try:
        family = str(json.loads((folder / "config.json").read_text())["model_type"])
    except (OSError, ValueError, KeyError):
        raise UserError(f"{folder} holds no model: it has no readable config.json") from None
    if (folder / LANGUAGE).exists():
        raise UserError(
            f"{folder} is a compact agent, which speaks a language of its own; use `surveyor train "
            "compact --start` or `surveyor train reinforce`"
        )
    if family not in FAMILIES:
        raise UserError(
            f"{folder} holds a {family} model; the families known here are {', '.join(FAMILIES)}"
        )
    return family


def load_checkpoint(folder: Path, dtype: str = "auto") -> Checkpoint:
    """Weights and processor of a folder; `UserError` for another family."""
    vision = FAMILIES[family_of(folder)]
    transformers = need("transformers")
    kind = "Qwen3VLForConditionalGeneration" if vision else "Qwen3ForCausalLM"
    model = getattr(transformers, kind).from_pretrained(folder, dtype=dtype)
    return Checkpoint(model, load_processor(folder, vision=vision), vision)


def load_processor(folder: Path, *, vision: bool) -> Any:
    """The tokenizer, with the image processor of a vision model.

    The image processor is put together without the video half, which would need torchvision.
    """
    transformers = need("transformers")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    if not vision:
        return tokenizer
    images = need("transformers").AutoImageProcessor.from_pretrained(folder, backend="pil")
    return image_processor(images, tokenizer)


def image_processor(images: Any, tokenizer: Any) -> Any:
    """Qwen3-VL's processor for pictures alone."""
    qwen = need("transformers.models.qwen3_vl.processing_qwen3_vl").Qwen3VLProcessor
    mixin = need("transformers.processing_utils").ProcessorMixin

    def made(
        self: Any, image_processor: Any = None, tokenizer: Any = None, chat_template: Any = None
    ) -> None:
        named = {
            "image": "<|image_pad|>",
            "video": "<|video_pad|>",
            "vision_start": "<|vision_start|>",
            "vision_end": "<|vision_end|>",
        }
        for name, token in named.items():
            setattr(self, f"{name}_token", token)
            setattr(self, f"{name}_token_id", tokenizer.convert_tokens_to_ids(token))
        mixin.__init__(self, image_processor, tokenizer, chat_template=chat_template)

    # Without a video processor, whose import needs torchvision.
    kind = type("Qwen3VLProcessor", (qwen,), {"__init__": made})
    return kind(images, tokenizer, chat_template=tokenizer.chat_template)
