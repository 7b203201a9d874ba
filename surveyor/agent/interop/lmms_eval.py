"""Surveyor as a chat model of lmms-eval, under the entry point group ``lmms_eval.models``.

``python -m lmms_eval --model surveyor --model_args model=...,base_url=... --tasks vsibench``
"""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.interop.answerer import Answerer, Question
from surveyor.core.errors import UserError

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
            self, model: str, folder: str = "surveyor", endpoints: str | None = None, **chat: Any
        ) -> None:
            super().__init__()
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
                questions.append(question_of(messages_of(self.task_dict[task][split][doc_id])))
            return self.answerer.answer(questions)

        def loglikelihood(self, requests: list[Any]) -> list[tuple[float, bool]]:
            raise NotImplementedError("an agent has no likelihood; use a generation task")

        def generate_until_multi_round(self, requests: list[Any]) -> list[str]:
            raise NotImplementedError("multi-round tasks are not supported")

    return Surveyor


def question_of(messages: list[dict[str, Any]]) -> Question:
    """lmms-eval's chat messages: text parts joined, images in order."""
    parts = [part for message in messages for part in message["content"]]
    text = "\n".join(part["text"] for part in parts if part["type"] == "text")
    images = [part["url"] for part in parts if part["type"] == "image"]
    if unknown := {part["type"] for part in parts} - {"text", "image"}:
        raise UserError(f"surveyor cannot be shown {', '.join(sorted(unknown))} by lmms-eval")
    return Question(text, tuple(Path(i) if isinstance(i, str) else i for i in images))
