"""One HTTP request to an expert, with retries; knows nothing of caches or answers' meaning."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

import httpx2
from pydantic import ValidationError
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type
from tenacity.stop import stop_after_attempt, stop_before_delay

from surveyor.core.errors import InfrastructureError, ModelMistake, ServiceUnavailable, UserError
from surveyor.services.contract import ErrorCode, Problem
from surveyor.tools.concurrency import AdaptiveLimiter
from surveyor.tools.endpoints import EndpointSource, token_of, url_of
from surveyor.tools.lanes import Lanes, trust

_RETRIED_STATUS = frozenset({408, 429, 502, 503})
_OVERLOAD = frozenset({429, 503})
_MOST_IN_FLIGHT = 64  # to one expert
_RESTING = httpx2.Limits(keepalive_expiry=60.0)  # experts close a connection after 65 s of rest


class NotAnExpert(InfrastructureError):
    """Something answers at the address, but it does not speak the experts' contract."""


class BlobMissing(Exception):
    """The service does not hold an image that the request names; the caller uploads it."""


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Bounds: ``attempts`` requests and ``wall`` seconds, whichever ends first.

    The pause after the n-th failure is ``pause * 2**n`` seconds, jittered, at most
    ``longest_pause``; a `Retry-After` header is honoured instead where one comes.
    """

    attempts: int = 8
    wall: float = 30.0
    pause: float = 0.1
    longest_pause: float = 3.0
    connect: float = 2.0
    read: float = 120.0


class _Again(Exception):
    """A failure worth another attempt; ``after`` is the server's own wish in seconds."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


class ExpertTransport:
    """Sends requests to experts, wherever they live at the moment.

    Each expert has an adaptive limit of requests in flight, so that one that is busy slows down
    nobody else. A slot is held for one attempt, never while pausing before the next.
    """

    def __init__(
        self,
        endpoints: EndpointSource,
        policy: RetryPolicy,
        transport: httpx2.AsyncBaseTransport | None,
    ) -> None:
        self._source = endpoints
        self._policy = policy
        self._urls: dict[str, str] = {}
        self._token: str | None = None
        self._failing: set[str] = set()
        self._limiters: dict[str, AdaptiveLimiter] = {}
        # Cookies, redirects and authentication flows of the client around a transport are no use.
        self._timeouts = httpx2.Timeout(policy.read, connect=policy.connect).as_dict()
        self._transport = transport
        self._lanes: dict[str, Lanes] = {}

    async def aclose(self) -> None:
        """Close every connection."""
        for lanes in self._lanes.values():
            await lanes.aclose()

    @property
    def limiters(self) -> Mapping[str, AdaptiveLimiter]:
        """Limit and requests in flight of every expert asked so far, by name."""
        return self._limiters

    def locate(self, expert: str) -> str:
        """Base URL of an expert, as last known."""
        if expert not in self._urls:
            endpoints = self._source.read()
            self._urls[expert] = url_of(endpoints, expert)
            self._token = token_of(endpoints)
        return self._urls[expert]

    def lists(self, expert: str) -> bool:
        """Whether the endpoints name the expert."""
        served = self._source.read().experts
        return any(endpoint.expert == expert for endpoint in served)

    async def send(
        self, expert: str, method: str, path: str, content: bytes | None = None, kind: str = ""
    ) -> httpx2.Response:
        """A successful response.

        Raises `ServiceUnavailable` when attempts or wall time are spent, `ModelMistake` with the
        server's sentence on a refused request, `BlobMissing`, or `InfrastructureError`.
        An expert that has just used up its attempts gets one per request until it answers, so
        that a run whose experts are gone ends soon.
        """
        attempts = 1 if expert in self._failing else self._policy.attempts
        retrying = AsyncRetrying(
            stop=stop_after_attempt(attempts) | stop_before_delay(self._policy.wall),
            wait=self._wait,
            retry=retry_if_exception_type(_Again),
            reraise=True,
        )
        try:
            async for attempt in retrying:
                with attempt:
                    response = await self._admitted(expert, method, path, content, kind)
        except _Again as error:
            self._failing.add(expert)
            raise ServiceUnavailable(f"the {expert} expert does not answer: {error}") from error
        self._failing.discard(expert)
        return response

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome is not None else None
        # Jitter keeps clients apart; it decides nothing that is measured.
        if isinstance(error, _Again) and error.after is not None:
            return error.after * random.uniform(1.0, 1.25)  # all were told the same moment
        pause = self._policy.pause * 2.0 ** (state.attempt_number - 1)
        return float(min(pause, self._policy.longest_pause) * random.uniform(0.5, 1.0))

    async def _admitted(
        self, expert: str, method: str, path: str, content: bytes | None, kind: str
    ) -> httpx2.Response:
        """One attempt once there is a slot for it."""
        limiter = self._limiters.get(expert)
        if limiter is None:
            limiter = AdaptiveLimiter(expert, ceiling=_MOST_IN_FLIGHT)
            self._limiters[expert] = limiter
        async with limiter.slot() as slot:
            url, response = await self._once(expert, method, path, content, kind)
            if response.status_code in _OVERLOAD:
                slot.overloaded()
        if response.status_code in _RETRIED_STATUS:
            raise _Again(f"status {response.status_code}", _retry_after(response))
        if response.is_success or method == "HEAD":
            return response
        raise _refusal(expert, url, response)

    async def _once(
        self, expert: str, method: str, path: str, content: bytes | None, kind: str
    ) -> tuple[str, httpx2.Response]:
        headers = {"content-type": kind} if kind else {}
        try:
            url = self.locate(expert)
            if self._token is not None:
                headers["authorization"] = f"Bearer {self._token}"
            request = httpx2.Request(
                method,
                url + path,
                headers=headers,
                content=content,
                extensions={"timeout": self._timeouts},
            )
            async with self._lanes_to(expert, request.url).answer(request) as response:
                await response.aread()
            return url, response
        except httpx2.TransportError as error:
            # A restarted expert may live at another port: look it up again.
            self._urls.pop(expert, None)
            raise _Again(f"{type(error).__name__} {error}".strip()) from error
        except ServiceUnavailable as error:
            raise _Again(str(error)) from error

    def _lanes_to(self, expert: str, url: httpx2.URL) -> Lanes:
        if expert not in self._lanes:
            verify = trust(url)
            self._lanes[expert] = Lanes(
                lambda: self._transport or httpx2.AsyncHTTPTransport(verify=verify, limits=_RESTING)
            )
        return self._lanes[expert]


def _retry_after(response: httpx2.Response) -> float | None:
    """Seconds from a `Retry-After` header; the date form is not used between our processes."""
    try:
        return max(0.0, float(response.headers["retry-after"]))
    except (KeyError, ValueError):
        return None


def _refusal(expert: str, url: str, response: httpx2.Response) -> Exception:
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        return not_an_expert(expert, url, response)
    if problem.code is ErrorCode.BLOB_NOT_FOUND:
        return BlobMissing(problem.message)
    if response.status_code in (401, 403, 421):
        return UserError(f"the {expert} expert at {url} refused us: {problem.message}")
    if response.status_code < 500:
        where = f" (field {problem.field})" if problem.field else ""
        return ModelMistake(f"{expert}: {problem.message}{where}")
    return InfrastructureError(f"the {expert} expert failed: {problem.message}")


def not_an_expert(expert: str, url: str, response: httpx2.Response) -> NotAnExpert:
    """The error for an answer that is no answer of an expert."""
    kind = response.headers.get("content-type", "nothing").partition(";")[0]
    return NotAnExpert(
        f"{url} answered {response.status_code} with {kind}, not as a {expert} expert; "
        "check the endpoints file and start the experts again with `surveyor serve up`"
    )
