"""One OpenAI-compatible endpoint over HTTP.

We post bytes that we have already encoded instead of going through the vendor's client: its
per-request validation of the whole conversation costs several times what sending it does, and
grows with every image (`docs/models.md` has the measurement).
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from dataclasses import dataclass
from typing import Any

import httpx2
import orjson

from surveyor.agent.chat.config import ChatConfig
from surveyor.agent.chat.http import Wire
from surveyor.agent.chat.provider_errors import Address, ProviderBusy, Trouble, diagnose
from surveyor.agent.chat.reply_parser import is_filter, well_formed
from surveyor.core.errors import ServiceUnavailable
from surveyor.core.untrusted_text import clean
from surveyor.tools.concurrency import AdaptiveLimiter

_LONGEST_BACKOFF = 30.0


@dataclass(frozen=True, slots=True)
class Tokens:
    """Ids and log-probabilities of the reply's tokens and ids of the prompt's, where the endpoint
    gives them; ``weights`` is how it names what answered."""

    ids: tuple[int, ...] = ()
    logprobs: tuple[float, ...] = ()
    prompt: tuple[int, ...] = ()
    weights: str = ""


@dataclass(frozen=True, slots=True)
class Completion:
    """One assistant message as the provider sent it.

    ``elapsed`` is seconds from asking to having it, ``waited`` the part spent queueing, backing
    off and on attempts that failed.
    """

    message: dict[str, Any]
    finish: str
    usage: dict[str, Any]
    elapsed: float
    waited: float
    sent_bytes: int
    attempts: int
    tokens: Tokens = Tokens()


@dataclass(frozen=True, slots=True)
class _Said:
    message: dict[str, Any]
    finish: str
    usage: dict[str, Any]
    tokens: Tokens


class Endpoint:
    """Posts chat requests with bounded retries under an adaptive concurrency limit.

    Belongs to the event loop that it is first used on; close it there. ``transport`` is the seam
    for tests.
    """

    def __init__(
        self,
        config: ChatConfig,
        limiter: AdaptiveLimiter | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self.config = config
        self.limiter = limiter or AdaptiveLimiter(config.model, ceiling=config.concurrency)
        self._transport = transport
        self._wire: Wire | None = None
        self._proven = False
        self._dice = random.Random()  # unseeded: shards must not back off in step

    def prepare(self) -> None:
        """Read the key and the environment's proxy now, on the event loop that will ask.

        Raises `UserError` for what can't be used, before anything is sent.
        """
        self._connected()

    async def complete(self, body: bytes) -> Completion:
        """Ask once, retrying what may pass by itself.

        Raises `ServiceUnavailable` when attempts or patience are used up, and what
        `surveyor.agent.chat.provider_errors.diagnose` raises for what retrying cannot mend.
        """
        began = time.monotonic()
        tried, attempt = 0.0, 0
        while True:
            attempt += 1
            sent, result = await self._admitted(body)
            now = time.monotonic()
            if isinstance(result, _Said):
                self._proven = True
                spent = (now - began, sent - began, len(body), attempt)
                return Completion(
                    result.message, result.finish, result.usage, *spent, result.tokens
                )
            delay = self._delay(attempt, result.retry_after)
            tried += now - sent + delay
            if attempt == self.config.attempts or tried > self.config.patience:
                kind = ProviderBusy if result.status is not None else ServiceUnavailable
                raise kind(
                    f"{self.config.model} at {self.config.base_url} gave no answer in "
                    f"{attempt} attempts ({clean(result.reason)})"
                )
            await asyncio.sleep(delay)

    async def aclose(self) -> None:
        """Close the connections."""
        if self._wire is not None:
            await self._wire.aclose()
            self._wire = None

    async def _admitted(self, body: bytes) -> tuple[float, _Said | Trouble]:
        """One attempt once there is a slot; when it began, and what came of it."""
        async with self.limiter.slot() as slot:
            sent = time.monotonic()
            result = await self._attempt(body)
            if isinstance(result, Trouble) and result.overload:
                slot.overloaded()
        return sent, result

    async def _attempt(self, body: bytes) -> _Said | Trouble:
        answered = await self._connected().post(body)
        if isinstance(answered, Trouble):
            return answered
        if answered.status == 200 and (said := _completion(answered.body)) is not None:
            return said
        config = self.config
        at = Address(config.model, config.base_url, config.key_env, self._proven)
        return diagnose(answered.status, answered.headers, answered.body, at)

    def _connected(self) -> Wire:
        if self._wire is None:
            config = self.config
            self._wire = Wire(config.url, config.headers(), config.timeout, self._transport)
        return self._wire

    def _delay(self, attempt: int, advised: float | None) -> float:
        """Exponential with jitter; a provider's own advice is a lower bound."""
        ceiling = min(self.config.backoff * 2.0 ** (attempt - 1), _LONGEST_BACKOFF)
        return max(advised or 0.0, ceiling * self._dice.uniform(0.5, 1.0))


def _completion(content: bytes) -> _Said | None:
    """What the model said, or ``None`` when the body is no chat completion."""
    body = _json(content)
    choices = body.get("choices") if isinstance(body, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        return None
    finish = well_formed(str(choice.get("finish_reason") or ""))[:100]
    message = choice.get("message")
    if message is None and is_filter(finish):
        message = {}  # a filter may leave nothing at all
    if not isinstance(message, dict) or choice.get("error") or finish == "error":
        return None  # a gateway lost its provider in the middle of the reply
    usage = body.get("usage")
    told = usage if isinstance(usage, dict) else {}
    return _Said(message, finish, told, _tokens(body, choice))


def _tokens(body: dict[str, Any], choice: dict[str, Any]) -> Tokens:
    """What is told about tokens; servers differ, and none is asked for more than it says."""
    listed = choice.get("logprobs")
    content = listed.get("content") if isinstance(listed, dict) else None
    entries = [one.get("logprob") for one in content or () if isinstance(one, dict)]
    numbers = tuple(float(value) for value in entries if isinstance(value, int | float))
    return Tokens(
        _ids(choice.get("token_ids")),
        numbers if len(numbers) == len(entries) else (),
        _ids(body.get("prompt_token_ids")),
        str(body.get("system_fingerprint") or ""),
    )


def _ids(value: Any) -> tuple[int, ...]:
    whole = isinstance(value, list) and all(type(one) is int for one in value)
    return tuple(value) if whole else ()


def _json(content: bytes) -> Any:
    """The value of a JSON text; the lenient parser also takes lone surrogates, which some servers
    emit when a token boundary splits a character."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        pass
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None
