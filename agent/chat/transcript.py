"""The conversation as bytes: each message is encoded once and never touched again.

What was sent last turn is a prefix of what is sent this turn, byte for byte, so a provider's
prompt cache hits, and our own work per turn is what the turn added.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from agent.chat.images import ImageSource
from agent.chat.messages import Message, Picture


class Transcript:
    """An append-only conversation with one model.

    ``settings`` are the request's other fields (model, tools, sampling); they come first and
    never change.
    """

    def __init__(self, settings: dict[str, Any], images: ImageSource) -> None:
        head = orjson.dumps(settings)
        self._head = head[:-1] + (b"," if settings else b"") + b'"messages":['
        self._images = images
        self._encoded: list[bytes] = []
        self._digest = hashlib.sha256(self._head)
        self._shown: list[str] = []

    def append(self, message: Message) -> None:
        """Add one message, pixels and all."""
        self._encoded.append(_encode(message, self._images))
        self._digest.update(_encode(message, None))
        self._shown.extend(picture.ref.sha256 for picture in message.pictures)

    @property
    def body(self) -> bytes:
        """The request as it goes over the wire."""
        return self._head + b",".join(self._encoded) + b"]}"

    @property
    def prompt_hash(self) -> str:
        """Hash of the request without pixels: images count by their own hash."""
        return self._digest.hexdigest()

    @property
    def shown(self) -> tuple[str, ...]:
        """Hashes of the images in the request, in order."""
        return tuple(self._shown)


def _encode(message: Message, images: ImageSource | None) -> bytes:
    """JSON of one message; without a source, images are written as their hashes."""
    parts: str | list[Any]
    if message.pictures:
        parts = [_part(part, images) for part in message.parts]
    else:
        parts = "\n".join(part for part in message.parts if isinstance(part, str))
    return orjson.dumps({"role": message.role, "content": parts, **message.fields})


def _part(part: str | Picture, images: ImageSource | None) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    url = images.url(part.ref) if images else b'"' + part.ref.sha256.encode() + b'"'
    return {"type": "image_url", "image_url": {"url": orjson.Fragment(url)}}
