"""Surveyor as a chat model of lmms-eval, under the entry point group ``lmms_eval.models``.

``python -m lmms_eval --model surveyor --model_args model=...,base_url=... --tasks vsibench``
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.interop.answerer import Answerer, Clip, HarnessItem
from surveyor.core.errors import UserError
from surveyor.core.videos import evenly

if TYPE_CHECKING:
    Surveyor: type[Any]


def manifest() -> Any:
    """What lmms-eval's registry asks the entry point for."""
    registry = importlib.import_module("lmms_eval.models.registry_v2")
    return registry.ModelManifest(
        "surveyor", chat_class_path="surveyor.agent.interop.lmms_eval.Surveyor"
    )


def __getattr__(name: str) -> Any:
    """``Surveyor``, made on demand because its base class lives in lmms-eval."""
    if name != "Surveyor":
        raise AttributeError(name)
    try:
        base = importlib.import_module("lmms_eval.api.model")
    except ImportError:
        raise UserError("lmms-eval is not installed in this environment") from None
    return wrap(base.lmms)


def wrap(base: type[Any]) -> type[Any]:
    """A subclass of ``base`` that answers by running episodes."""

    class Surveyor(base):  # type: ignore[misc]
        is_simple = False

        def __init__(
            self,
            model: str,
            folder: str = "surveyor",
            endpoints: str | None = None,
            max_num_frames: int = 32,
            **chat: Any,
        ) -> None:
            super().__init__()
            self.max_num_frames = max_num_frames
            chat.pop("batch_size", None)
            chat.pop("device", None)
            self.answerer = Answerer(
                ChatConfig(model=model, **chat),
                Path(folder),
                Path(endpoints) if endpoints else None,
            )

        def generate_until(self, requests: list[Any]) -> list[str]:
            questions = []
            for request in requests:
                _, messages_of, _, doc_id, task, split = request.args
                messages = messages_of(self.task_dict[task][split][doc_id])
                questions.append(question_of(messages, self.max_num_frames))
            return self.answerer.answer(questions)

        def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
            raise NotImplementedError("an agent has no likelihood; use a generation task")

        def generate_until_multi_round(self, requests: list[Any]) -> list[str]:
            raise NotImplementedError("multi-round tasks are not supported")

    return Surveyor


def question_of(messages: list[dict[str, Any]], max_num_frames: int = 32) -> HarnessItem:
    """lmms-eval's chat messages: text parts joined, images and films in order.

    At most ``max_num_frames`` of a film are shown, spread evenly, as lmms-eval's own models do.
    """
    parts = [part for message in messages for part in message["content"]]
    text = "\n".join(part["text"] for part in parts if part["type"] == "text")
    if unknown := {part["type"] for part in parts} - {"text", "image", "video"}:
        raise UserError(f"surveyor cannot be shown {', '.join(sorted(unknown))} by lmms-eval")
    shown: list[Any] = []
    for part in parts:
        if part["type"] == "image":
            shown.append(Path(part["url"]) if isinstance(part["url"], str) else part["url"])
        elif part["type"] == "video":
            shown.extend(_shots(part["url"], max_num_frames))
    return HarnessItem(text, tuple(shown))


def _shots(film: Any, most: int) -> list[Any]:
    """What to show of a film: a file is decoded later; frames that come decoded are spread."""
    if isinstance(film, str | Path):
        return [Clip(Path(film), most)]
    if isinstance(film, Sequence):
        return [film[k] for k in evenly(len(film), most)]
    raise UserError(f"surveyor cannot be shown a film as {type(film).__name__} by lmms-eval")
