"""Chat episodes as they were sent: the conversation put together again from the log's blobs."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import orjson

from surveyor.core.blobs import BlobStore
from surveyor.memory.episodes import Episode
from surveyor.memory.events import ModelCall
from surveyor.training.rows.records import Chat


def was_recorded(episode: Episode) -> bool:
    """Whether every request of an episode can be rebuilt; logs of earlier versions cannot."""
    calls = episode.model_calls
    return bool(calls) and all(call.sent and call.settings for call in calls)


def said(kept: BlobStore, episode: Episode) -> tuple[tuple[Chat, ...], tuple[Chat, ...]]:
    """The messages of the last request with the answer that it got, and the tools."""
    messages: list[str] = []
    for call in episode.model_calls:
        messages = [*messages[: call.shared], *call.sent]
    last = episode.model_calls[-1]
    chat: list[Chat] = [orjson.loads(kept.get(sha)) for sha in messages]
    if last.said:
        chat.append(orjson.loads(kept.get(last.said)))
    settings: dict[str, Any] = orjson.loads(kept.get(last.settings))
    return tuple(chat), tuple(settings.get("tools", ()))


def body_of(
    kept: BlobStore, calls: Sequence[ModelCall], position: int, stores: Sequence[BlobStore]
) -> bytes:
    """The bytes of one request, pictures and all, as they went over the wire.

    ``stores`` are where the pictures lie that were sent as they are. Their hash is the call's
    ``body``: what training sees is what was sent.
    """
    whole = request_of(kept, calls, position)
    messages = whole.pop("messages")
    for message in messages:
        for part in message["content"] if isinstance(message.get("content"), list) else ():
            if part.get("type") == "image_url":
                data = _bytes_of(part["image_url"]["url"], (kept, *stores))
                kind = media_type_of(data).encode()
                url = b"data:" + kind + b";base64," + base64.b64encode(data)
                part["image_url"]["url"] = url.decode()
    head = orjson.dumps(whole)
    comma = b"," if whole else b""
    said = b",".join(orjson.dumps(message) for message in messages)
    return head[:-1] + comma + b'"messages":[' + said + b"]}"


def media_type_of(data: bytes) -> str:
    """The media type of a picture, from its first bytes."""
    if data.startswith(b"\x89PNG"):
        return "image/png"
    return "image/webp" if data[8:12] == b"WEBP" else "image/jpeg"


def _bytes_of(sha256: str, stores: Sequence[BlobStore]) -> bytes:
    holders = [store for store in stores if sha256 in store]
    return (holders or list(stores))[0].get(sha256)


def request_of(kept: BlobStore, calls: Sequence[ModelCall], position: int) -> dict[str, Any]:
    """The request of one call, images by the hash of the bytes that were sent."""
    messages: list[str] = []
    for call in calls[: position + 1]:
        messages = [*messages[: call.shared], *call.sent]
    settings: dict[str, Any] = orjson.loads(kept.get(calls[position].settings))
    return {**settings, "messages": [orjson.loads(kept.get(sha)) for sha in messages]}
