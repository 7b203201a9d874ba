"""Surveyor as a model of VLMEvalKit.

Register it there with ``supported_VLM["surveyor"] = partial(vlmevalkit_model(), model="...")``.
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.interop.answerer import Answerer, HarnessItem
from surveyor.core.errors import UserError


def vlmevalkit_model() -> type[Any]:
    """The class, made on demand because its base class lives in VLMEvalKit."""
    try:
        base = importlib.import_module("vlmeval.vlm.base")
    except ImportError:
        raise UserError("VLMEvalKit is not installed in this environment") from None
    return wrap(base.BaseModel)


def wrap(base: type[Any]) -> type[Any]:
    """A subclass of ``base`` that answers by running an episode."""

    class Surveyor(base):  # type: ignore[misc]
        INTERLEAVE = True
        is_api = True
        allowed_types = ("text", "image")

        def __init__(
            self, model: str, folder: str = "surveyor", endpoints: str | None = None, **chat: Any
        ) -> None:
            super().__init__()
            self.answerer = Answerer(
                ChatConfig(model=model, **chat),
                Path(folder),
                Path(endpoints) if endpoints else None,
            )

        def generate_inner(self, message: list[dict[str, str]], dataset: Any = None) -> str:
            return self.answerer.answer([question_of(message)])[0]

    return Surveyor


def question_of(message: list[dict[str, str]]) -> HarnessItem:
    """VLMEvalKit's interleaved list of text and image paths."""
    text = "\n".join(part["value"] for part in message if part["type"] == "text")
    images = tuple(Path(part["value"]) for part in message if part["type"] == "image")
    return HarnessItem(text, images)
