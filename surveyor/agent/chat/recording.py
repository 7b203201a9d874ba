"""Keeping what was sent, so that training sees the very requests and not a retelling of them.

Every message lies once as a blob in the run's folder, named by its content: a prefix that turns
or episodes share costs nothing. Pictures stand in messages by the hash of the bytes that went over
the wire, which are kept too where they are not a frame's own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from surveyor.agent.chat.endpoint import Completion
from surveyor.agent.chat.images import ImageSource
from surveyor.agent.chat.messages import Message
from surveyor.agent.chat.transcript import as_sent
from surveyor.core.blobs import BlobStore

_JSON = "application/json"


@dataclass
class Recorder:
    """What one conversation has sent so far; ``images`` says which bytes stood for a picture."""

    store: BlobStore
    images: ImageSource
    _messages: list[Message] = field(default_factory=list)
    _hashes: list[str] = field(default_factory=list)
    _prompt: list[int] = field(default_factory=list)
    _settings: str = ""
    _echo: tuple[Message, str] | None = None

    def request(
        self, settings: Mapping[str, Any], messages: Sequence[Message], body: bytes
    ) -> dict[str, Any]:
        """The fields of a `ModelCall` that say what is sent now; the settings are the same all
        along."""
        shared = 0
        for old, new in zip(self._messages, messages, strict=False):
            if old is not new:
                break
            shared += 1
        added = [self._message(message) for message in messages[shared:]]
        self._messages = list(messages)
        self._hashes = [*self._hashes[:shared], *added]
        self._settings = self._settings or self._keep(settings)
        return {
            "settings": self._settings,
            "shared": shared,
            "sent": tuple(added),
            "body": hashlib.sha256(body).hexdigest(),
        }

    def reply(self, completion: Completion, echo: Message) -> dict[str, Any]:
        """The fields that say what came back."""
        self._echo = echo, self._message(echo)
        fields: dict[str, Any] = {
            "said": self._echo[1],
            "logprobs": completion.tokens.logprobs,
            "token_ids": completion.tokens.ids,
            "weights": completion.tokens.weights,
        }
        prompt = list(completion.tokens.prompt)
        if prompt:
            shared = _common(self._prompt, prompt)
            fields["prompt_tokens"] = self._keep(prompt[shared:])
            fields["shared_tokens"] = shared
            self._prompt = [*prompt, *completion.tokens.ids]
        return fields

    def _message(self, message: Message) -> str:
        if self._echo is not None and self._echo[0] is message:
            return self._echo[1]
        return self._keep(as_sent(message, self._sent))

    def _keep(self, value: Any) -> str:
        return self.store.put(orjson.dumps(value), _JSON).sha256

    def _sent(self, sha256: str) -> str:
        """The hash of the bytes that stood for a picture; the bytes are kept if they are new."""
        shrunk = self.images.shrunk(sha256)
        return sha256 if shrunk is None else self.store.put(shrunk, "image/jpeg").sha256


def _common(first: Sequence[int], second: Sequence[int]) -> int:
    """Length of the common beginning."""
    same = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        same += 1
    return same
