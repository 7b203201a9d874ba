"""What a provider's reply that is no completion means, and who is to blame.

`diagnose` is a pure function of status, content type and body. It returns a `Trouble` for what
may pass by itself, and raises for what will not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from surveyor.agent.boundary import ProviderRefused
from surveyor.agent.limits import LimitExceeded
from surveyor.core.errors import SurveyorError, UserError

_TRANSIENT = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
_OVERLOAD = frozenset({429, 503, 529})
_TOO_LONG = re.compile(
    r"context[_ ](length|window)|maximum context|too many tokens|prompt is too long", re.IGNORECASE
)
_FILTERED = re.compile(r"content[_ ]?(filter|policy|management)|safety|moderation", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Trouble:
    """A failed attempt that may be repeated; ``overload`` asks us to send less at a time."""

    reason: str
    overload: bool = False
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """Whom we asked, for sentences; ``proven`` when it has answered before."""

    model: str
    base_url: str
    key_env: str
    proven: bool = False


def diagnose(status: int, headers: Mapping[str, str], body: bytes, at: Address) -> Trouble:
    """What to do about a reply that is not a completion.

    Raises `UserError` when the configuration is wrong, `LimitExceeded` when the conversation has
    outgrown the model, `ProviderRefused` when this very request will never be answered.
    """
    said = _provider_message(body)
    if status in _TRANSIENT or status >= 500:
        if status == 429 and "insufficient_quota" in said:
            raise UserError(f"{at.base_url} says that the account has no quota left: {said}")
        advice = _retry_after(headers.get("retry-after"))
        return Trouble(f"status {status}: {said}", status in _OVERLOAD, advice)
    if _is_html(headers, body):
        raise UserError(
            f"{at.base_url} answers with a web page instead of JSON; "
            "the model's base URL must be an OpenAI-compatible API (it usually ends in /v1)"
        )
    if status == 200:
        return Trouble(f"not a chat completion: {said}")
    raise _blame(status, said, at)


def _blame(status: int, said: str, at: Address) -> SurveyorError:
    if status in (401, 403):
        return UserError(
            f"{at.base_url} refuses the key (status {status}); "
            f"put a valid one in the environment variable {at.key_env}"
        )
    if status == 404:
        return UserError(
            f"{at.base_url} does not know the model {at.model!r}, "
            f"or is not the API's base URL ({said})"
        )
    if status in (400, 422) and _TOO_LONG.search(said):
        return LimitExceeded("context", 1, 0)
    if status == 413 or at.proven or _FILTERED.search(said):
        return ProviderRefused(f"the provider refused the request (status {status}): {said}")
    return UserError(
        f"{at.base_url} refuses the request for {at.model!r} (status {status}): {said}"
    )


def _is_html(headers: Mapping[str, str], body: bytes) -> bool:
    return "text/html" in headers.get("content-type", "") or body.lstrip()[:1] == b"<"


def _provider_message(body: bytes) -> str:
    """The provider's own words, on one line and short."""
    try:
        said: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        said = body[:400].decode("utf-8", "replace")
    if isinstance(said, dict):
        said = said.get("error", said.get("detail", said.get("message", said)))
    if isinstance(said, dict):
        words = [said.get(name) for name in ("code", "type", "message")]
        said = ": ".join(str(word) for word in words if word) or str(said)
    return " ".join(str(said).split())[:300] or "empty body"


def _retry_after(value: str | None) -> float | None:
    """Seconds to wait, bounded; dates and nonsense count as no advice."""
    try:
        seconds = float(value) if value is not None else -1.0
    except ValueError:
        return None
    return min(seconds, 120.0) if seconds >= 0 else None
