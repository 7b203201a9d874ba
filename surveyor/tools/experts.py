"""Asking experts: typed requests in, typed answers out, nothing asked twice."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import httpx2
import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import BaseModel, JsonValue, ValidationError

from surveyor.core.blobs import BlobRef, BlobStore, sha256_of
from surveyor.core.errors import InfrastructureError, UserError
from surveyor.core.producer import Producer
from surveyor.services.contract import ExpertAnswer, Info
from surveyor.tools.arrays import decode_npy
from surveyor.tools.cache import ResultCache, cache_key
from surveyor.tools.concurrency import AdaptiveLimiter
from surveyor.tools.endpoints import EndpointSource
from surveyor.tools.evidence_store import EvidenceStore
from surveyor.tools.prices import PriceList
from surveyor.tools.shared_answers import SharedAnswers
from surveyor.tools.transport import (
    BlobMissing,
    ExpertTransport,
    NotAnExpert,
    RetryPolicy,
    not_an_expert,
)

A = TypeVar("A", bound=ExpertAnswer)


@dataclass(frozen=True, slots=True)
class Reply(Generic[A]):
    """An answer, whether the cache gave it, and its priced seconds."""

    answer: A
    cached: bool
    cost: float

    @property
    def producer(self) -> Producer:
        """Who made the answer."""
        return self.answer.producer


class ExpertClient:
    """One per event loop. Equal requests that run at the same time are asked once.

    Answers' blobs are kept in ``blobs``; images to upload are looked for there and then in
    ``originals`` (a dataset's own store, say), which are never written to. ``evidence`` keeps
    what tools compute from answers, if it is to be kept. What the cache lacks is looked for in
    ``shared`` before an expert is asked, and goes there afterwards. ``transport`` is the
    seam for tests. ``remembered`` bounds the parsed answers held in memory
    and ``array_bytes`` the decoded arrays.
    """

    def __init__(
        self,
        endpoints: EndpointSource,
        blobs: BlobStore,
        cache: ResultCache | None = None,
        *,
        prices: PriceList | None = None,
        policy: RetryPolicy | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        originals: Sequence[BlobStore] = (),
        evidence: EvidenceStore | None = None,
        shared: SharedAnswers | None = None,
        remembered: int = 4096,
        array_bytes: int = 256 << 20,
    ) -> None:
        self.blobs = blobs
        self.evidence = evidence
        self._originals = tuple(originals)
        self._cache = cache
        self._shared = shared
        self._prices = prices or PriceList()
        self._transport = ExpertTransport(endpoints, policy or RetryPolicy(), transport)
        self._infos: dict[str, tuple[str, Info]] = {}
        self._answers: OrderedDict[str, ExpertAnswer] = OrderedDict()
        self._remembered = remembered
        self._running: dict[str, asyncio.Task[tuple[ExpertAnswer, bool]]] = {}
        self._arrays = _ArrayCache(array_bytes)
        self._whole: set[str] = set()

    async def aclose(self) -> None:
        """End what is still being asked, close connections and the cache file."""
        running = tuple(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._transport.aclose()
        if self._cache is not None:
            self._cache.close()

    def image(self, sha256: str) -> bytes:
        """The bytes of an image from the first store that holds it; `UserError` if none does."""
        for store in self._originals:
            if sha256 in store:
                return store.get(sha256)
        return self.blobs.get(sha256)

    def serves(self, expert: str) -> bool:
        """Whether an expert was started at all; one that is down for a moment still counts."""
        return self._transport.lists(expert)

    @property
    def limiters(self) -> Mapping[str, AdaptiveLimiter]:
        """Limit and requests in flight of every expert asked so far, by name."""
        return self._transport.limiters

    async def info(self, expert: str) -> Info:
        """What serves as ``expert``; asked once for every address it lives at."""
        known = self._infos.get(expert)
        if known is not None and known[0] == self._transport.locate(expert):
            return known[1]
        response = await self._transport.send(expert, "GET", "/v1/info")
        url = self._transport.locate(expert)
        try:
            info = Info.model_validate_json(response.content)
        except ValidationError:
            raise not_an_expert(expert, url, response) from None
        self._infos[expert] = (url, info)
        return info

    async def ask(self, expert: str, request: BaseModel, form: type[A]) -> Reply[A]:
        """Answer one request, from memory, from the cache, from the shared store, or by asking.

        Raises `ModelMistake` when the expert refuses the request, `ServiceUnavailable` when it (or
        the store) cannot be reached, `NotAnExpert` when something else answers.
        """
        cost = self._prices.of(expert, request)
        info = await self.info(expert)
        key = cache_key(info, request)
        known = self._recall(key, form)
        if known is not None:
            return Reply(known, cached=True, cost=cost)
        running = self._running.get(key)
        fresh = running is None
        if running is None:
            running = asyncio.create_task(self._obtain(expert, request, form, key))
            self._running[key] = running
            running.add_done_callback(lambda _: self._running.pop(key, None))
        answer, brought = await asyncio.shield(running)
        assert isinstance(answer, form)
        return Reply(answer, cached=brought or not fresh, cost=cost)

    async def array(self, expert: str, ref: BlobRef) -> NDArray[np.generic]:
        """A read-only array named by an answer of ``expert``."""
        known = self._arrays.get(ref.sha256)
        if known is not None:
            return known
        await self._fetch_blob(expert, ref)
        array = decode_npy(self.blobs.get(ref.sha256))
        self._arrays.put(ref.sha256, array)
        return array

    def _recall(self, key: str, form: type[A]) -> A | None:
        known = self._answers.get(key)
        if isinstance(known, form):
            self._answers.move_to_end(key)
            return known
        body = self._cache.get(key) if self._cache is not None else None
        if body is None or self._cache is None:
            return None
        try:
            answer = form.model_validate_json(body)
            named = _blobs_named(orjson.loads(body)) if b'"sha256"' in body else ()
            whole = all(map(self._holds, named))
        except ValueError:  # no answer of this form, or no JSON at all
            whole = False
        if not whole:
            self._cache.forget(key)
            return None
        self._remember(key, answer)
        return answer

    def _holds(self, sha256: str) -> bool:
        """Whether a blob is here and whole, looked at once; one that is damaged is removed."""
        if sha256 in self._whole and sha256 in self.blobs:
            return True
        if sha256 not in self.blobs:
            return False
        try:
            self.blobs.get(sha256)
        except UserError:
            self.blobs.path(sha256).unlink(missing_ok=True)
            return False
        self._whole.add(sha256)
        return True

    def _remember(self, key: str, answer: ExpertAnswer) -> None:
        self._answers[key] = answer
        while len(self._answers) > self._remembered:
            self._answers.popitem(last=False)

    async def _obtain(
        self, expert: str, request: BaseModel, form: type[A], key: str
    ) -> tuple[ExpertAnswer, bool]:
        """An answer, and whether the shared store had it."""
        if await self._bring(key) and (known := self._recall(key, form)) is not None:
            return known, True
        return await self._fetch(expert, request, form, key), False

    async def _bring(self, key: str) -> bool:
        """Copy an answer and its blobs from the shared store, if all of it is there."""
        found = await self._shared.get(key) if self._shared is not None else None
        if found is None or self._shared is None or self._cache is None:
            return False
        head, body = found
        try:
            wanted = {sha for sha in _blobs_named(orjson.loads(body)) if not self._holds(sha)}
        except ValueError:  # no JSON: not of our making
            return False
        brought = await self._shared.blobs(wanted)
        if len(brought) < len(wanted):
            return False
        for data in brought.values():
            self.blobs.put(data, "application/octet-stream")
        self._cache.put(key, head.expert, head.version, body)
        return True

    async def _fetch(
        self, expert: str, request: BaseModel, form: type[A], key: str
    ) -> ExpertAnswer:
        content = request.model_dump_json(exclude_none=True).encode()
        path = f"/v1/{expert}"
        try:
            response = await self._transport.send(expert, "POST", path, content, "application/json")
        except BlobMissing:
            await self._upload(expert, request)
            try:
                response = await self._transport.send(
                    expert, "POST", path, content, "application/json"
                )
            except BlobMissing as error:
                raise InfrastructureError(f"the {expert} expert lost an upload: {error}") from error
        try:
            answer = form.model_validate_json(response.content)
        except ValidationError:
            raise not_an_expert(expert, self._transport.locate(expert), response) from None
        # A cached answer must never name an array that is gone with the service.
        refs = {ref.sha256: ref for ref in _blob_refs(orjson.loads(response.content))}
        for ref in refs.values():
            await self._fetch_blob(expert, ref)
        if self._shared is not None:  # before our own cache: what is kept here is there as well
            version, blobs = answer.producer.version, {sha: self.blobs.get(sha) for sha in refs}
            await self._shared.put(key, expert, version, response.content, blobs)
        if self._cache is not None:
            self._cache.put(key, expert, answer.producer.version, response.content)
        self._remember(key, answer)
        return answer

    async def _upload(self, expert: str, request: BaseModel) -> None:
        for sha256 in sorted(set(_blobs_named(request.model_dump(mode="json")))):
            path = f"/v1/blobs/{sha256}"
            held = await self._transport.send(expert, "HEAD", path)
            if held.is_success:
                continue
            data = self.image(sha256)
            await self._transport.send(expert, "PUT", path, data, "application/octet-stream")

    async def _fetch_blob(self, expert: str, ref: BlobRef) -> None:
        if self._holds(ref.sha256):
            return
        try:
            response = await self._transport.send(expert, "GET", f"/v1/blobs/{ref.sha256}")
        except BlobMissing as error:
            raise InfrastructureError(f"the {expert} expert lost its own blob: {error}") from error
        if sha256_of(response.content) != ref.sha256:
            raise NotAnExpert(f"the {expert} expert sent a blob that does not match its hash")
        self.blobs.put(response.content, ref.media_type)


class _ArrayCache:
    """Decoded arrays, least recently used first out."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held: OrderedDict[str, NDArray[np.generic]] = OrderedDict()
        self._bytes = 0

    def get(self, key: str) -> NDArray[np.generic] | None:
        if key not in self._held:
            return None
        self._held.move_to_end(key)
        return self._held[key]

    def put(self, key: str, array: NDArray[np.generic]) -> None:
        if key in self._held:
            return
        self._held[key] = array
        self._bytes += array.nbytes
        while self._bytes > self._limit and len(self._held) > 1:
            _, dropped = self._held.popitem(last=False)
            self._bytes -= dropped.nbytes


def _blobs_named(value: JsonValue) -> Iterator[str]:
    """Every sha256 that a request or answer depends on; parents of derivations are history."""
    if isinstance(value, dict):
        sha256 = value.get("sha256")
        if isinstance(sha256, str):
            yield sha256
        for name, item in value.items():
            if name != "derivation":
                yield from _blobs_named(item)
    elif isinstance(value, list):
        for item in value:
            yield from _blobs_named(item)


def _blob_refs(value: JsonValue) -> Iterator[BlobRef]:
    if isinstance(value, dict):
        if "sha256" in value and "media_type" in value:
            yield BlobRef.model_validate(value)
            return
        for item in value.values():
            yield from _blob_refs(item)
    elif isinstance(value, list):
        for item in value:
            yield from _blob_refs(item)
