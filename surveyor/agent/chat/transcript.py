"""The conversation as bytes: each message is encoded once.

What was sent last turn is a prefix of what is sent this turn, byte for byte, so a provider's
prompt cache hits, and our own work per turn is what the turn added. The one exception is the image
budget: when a request would hold more images than the model takes, the oldest views make room,
several at a time so that the prefix breaks rarely, and a stub says what stood there. Frames of the
task are never taken out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from surveyor.agent.chat.images import ImageSource
from surveyor.agent.chat.messages import Message, Part, Picture


class Transcript:
    """A conversation with one model.

    ``settings`` are the request's other fields (model, tools, sampling); they come first and
    never change. At most ``max_images`` are in a request.
    """

    def __init__(
        self, settings: dict[str, Any], images: ImageSource, max_images: int = 1_000_000
    ) -> None:
        self.settings = settings
        head = orjson.dumps(settings)
        self._head = head[:-1] + (b"," if settings else b"") + b'"messages":['
        self._images = images
        self._max_images = max_images
        self._messages: list[Message] = []
        self._encoded: list[bytes] = []
        self._digest = hashlib.sha256(self._head)
        self._shown: tuple[str, ...] = ()

    def append(self, message: Message) -> None:
        """Add one message, pixels and all; older views may make room for its images."""
        self._messages.append(message)
        if message.pictures:
            self._shown += tuple(picture.ref.sha256 for picture in message.pictures)
        if len(self._shown) > self._max_images:
            self._make_room()
        self._add(self._messages[-1])

    @property
    def messages(self) -> Sequence[Message]:
        """The messages of the request, in order."""
        return self._messages

    @property
    def body(self) -> bytes:
        """The request as it goes over the wire."""
        return b"".join((self._head, *self._encoded, b"]}"))

    @property
    def prompt_hash(self) -> str:
        """Hash of the request without pixels: images count by their own hash."""
        return self._digest.hexdigest()

    @property
    def shown(self) -> tuple[str, ...]:
        """Hashes of the images in the request, in order."""
        return self._shown

    def _add(self, message: Message) -> None:
        if self._encoded:
            self._encoded.append(b",")
        pieces = _encode(message, self._images)
        self._encoded += pieces
        self._digest.update(b"".join(_encode(message, None) if message.pictures else pieces))

    def _make_room(self) -> None:
        """Take out the oldest views, down to an eighth below the bound; the newest message gives
        only what it must."""
        last = len(self._messages) - 1
        too_many = len(self._shown) - self._max_images
        wanted = too_many + self._max_images // 8
        changed = False
        for index, message in enumerate(self._messages):
            quota = wanted if index < last else too_many
            fewer, taken = _without_views(message, quota)
            if taken:
                self._messages[index] = fewer
                wanted, too_many = wanted - taken, too_many - taken
                changed = changed or index < last
        self._shown = tuple(p.ref.sha256 for m in self._messages for p in m.pictures)
        if changed:
            earlier, self._encoded = self._messages[:last], []
            self._digest = hashlib.sha256(self._head)
            for message in earlier:
                self._add(message)


def _without_views(message: Message, quota: int) -> tuple[Message, int]:
    """The message with up to ``quota`` of its views replaced by stubs, and how many were."""
    parts: list[Part] = []
    taken = 0
    for part in message.parts:
        if isinstance(part, Picture) and not part.original and taken < quota:
            taken += 1
            parts.append(f"[{part.handle} was shown here; look at it again by its handle]")
        else:
            parts.append(part)
    return (Message(message.role, tuple(parts), message.fields), taken) if taken else (message, 0)


def as_sent(message: Message, renamed: Callable[[str], str] = str) -> dict[str, Any]:
    """One message as a request holds it, pictures by their hashes, which ``renamed`` may change."""
    if Picture not in map(type, message.parts):
        return _plain(message)
    sent: dict[str, Any] = orjson.loads(b"".join(_encode(message, None)))
    for part in sent["content"]:
        if part["type"] == "image_url":
            part["image_url"]["url"] = renamed(part["image_url"]["url"])
    return sent


def _plain(message: Message) -> dict[str, Any]:
    """A message without pictures."""
    text = "\n".join([part for part in message.parts if isinstance(part, str)])
    return {"role": message.role, "content": text, **message.fields}


def _encode(message: Message, images: ImageSource | None) -> list[bytes]:
    """JSON of one message in pieces, so that the pixels are the image source's own bytes and not
    a copy; without a source, images are written as their hashes."""
    if not message.pictures:
        return [orjson.dumps(_plain(message))]
    head = orjson.dumps({"role": message.role, **message.fields})
    pieces = [head[:-1], b',"content":[']
    for position, part in enumerate(message.parts):
        pieces.append(b"," if position else b"")
        if isinstance(part, str):
            pieces.append(orjson.dumps({"type": "text", "text": part}))
        else:
            url = images.url(part.ref) if images else b'"' + part.ref.sha256.encode() + b'"'
            pieces += (b'{"type":"image_url","image_url":{"url":', url, b"}}")
    return [*pieces, b"]}"]
