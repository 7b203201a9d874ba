"""Experts' answers on a store that many machines share, behind each machine's own cache.

An answer is one object under its cache key, a line that says whose it is and its hash, then its
bytes; the blobs that it names are objects under theirs. Blobs are put first, so whoever finds an
answer finds what it names.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping

from pydantic import BaseModel, ConfigDict, ValidationError

from surveyor.core.blobs import Sha256, sha256_of
from surveyor.core.object_store import ObjectStore


class SharedAnswer(BaseModel):
    """The head of an answer; ``body`` are the bytes that the expert sent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    expert: str
    version: str
    sha256: Sha256


class SharedAnswers:
    """Answers by cache key. Requests run in threads, so that the event loop goes on; every method
    raises `InfrastructureError` as `ObjectStore` does."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    async def get(self, key: str) -> tuple[SharedAnswer, bytes] | None:
        """An answer that is whole, or ``None``."""
        name = _name(key)
        data = (await asyncio.to_thread(self._store.get, [name])).get(name)
        if data is None:
            return None
        line, _, body = data.partition(b"\n")
        try:
            head = SharedAnswer.model_validate_json(line)
        except ValidationError:
            head = None
        if head is None or sha256_of(body) != head.sha256:
            self._store.tell_damaged(name)
            return None
        return head, body

    async def blobs(self, hashes: Collection[str]) -> dict[str, bytes]:
        """Those of an answer's blobs that are there and whole."""
        return await asyncio.to_thread(self._store.blobs, hashes) if hashes else {}

    async def put(
        self, key: str, expert: str, version: str, body: bytes, blobs: Mapping[str, bytes]
    ) -> None:
        """Share an answer and the blobs that it names."""
        head = SharedAnswer(expert=expert, version=version, sha256=sha256_of(body))
        answer = head.model_dump_json().encode() + b"\n" + body
        await asyncio.to_thread(self._store.put_blobs, blobs)
        await asyncio.to_thread(self._store.put, {_name(key): answer})


def _name(key: str) -> str:
    return f"answers/{key[:2]}/{key[2:]}"
