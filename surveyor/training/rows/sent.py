"""Chat episodes as they were sent: the conversation put together again from the log's blobs."""

from __future__ import annotations

from typing import Any

import orjson

from surveyor.core.blobs import BlobStore
from surveyor.memory.episodes import Episode
from surveyor.memory.events import ModelCall
from surveyor.memory.runs import RunFolder
from surveyor.training.rows.records import Chat


def was_recorded(episode: Episode) -> bool:
    """Whether every request of an episode can be rebuilt; logs of earlier versions cannot."""
    calls = episode.model_calls
    return bool(calls) and all(call.sent and call.settings for call in calls)


def said(folder: RunFolder, episode: Episode) -> tuple[tuple[Chat, ...], tuple[Chat, ...]]:
    """The messages of the last request with the answer that it got, and the tools."""
    store = BlobStore(folder.path / "blobs")
    messages: list[str] = []
    for call in episode.model_calls:
        messages = [*messages[: call.shared], *call.sent]
    last = episode.model_calls[-1]
    chat: list[Chat] = [orjson.loads(store.get(sha)) for sha in messages]
    if last.said:
        chat.append(orjson.loads(store.get(last.said)))
    settings: dict[str, Any] = orjson.loads(store.get(last.settings))
    return tuple(chat), tuple(settings.get("tools", ()))


def request_of(folder: RunFolder, calls: tuple[ModelCall, ...], position: int) -> dict[str, Any]:
    """The request of one call, images by the hash of the bytes that were sent."""
    store = BlobStore(folder.path / "blobs")
    messages: list[str] = []
    for call in calls[: position + 1]:
        messages = [*messages[: call.shared], *call.sent]
    settings: dict[str, Any] = orjson.loads(store.get(calls[position].settings))
    return {**settings, "messages": [orjson.loads(store.get(sha)) for sha in messages]}
