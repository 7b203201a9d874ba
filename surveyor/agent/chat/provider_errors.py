"""What a provider's reply that is no completion means, and who is to blame.

`diagnose` is a pure function of status, headers and body. It returns a `Trouble` for what may pass
by itself, and raises for what will not. The provider's words are cleaned here before they are cut,
so that not even half a key gets into a sentence.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from surveyor.agent.boundary import ProviderRefused
from surveyor.agent.limits import LimitExceeded
from surveyor.core.errors import ServiceUnavailable, SurveyorError, UserError
from surveyor.core.untrusted_text import clean

_TRANSIENT = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
_OVERLOAD = frozenset({429, 503, 529})
_TOO_LONG_STATUS = frozenset({400, 413, 422, 500})
_TOO_LONG = re.compile(
    r"context[_ ](length|window|size)|exceed_context|maximum (context|model length|prompt length)"
    r"|too many (input )?tokens|(prompt|input|request) (is|was) too long|token limit"
    r"|\b(prompt|input|tokens?)\b.{0,80}\b(longer than|exceeds?)\b.{0,60}\b(maximum|limit|length)"
    r"|range of input length|max_new_tokens.{0,40}must be <=",
    re.IGNORECASE,
)
"""How vLLM, SGLang, llama.cpp, TGI and the hosted APIs say that a conversation is too long."""
_BOUND = re.compile(
    r"(?:maximum|limit|context|at most)\D{0,40}?(\d{3,9})\b|> ?(\d{3,9})\b", re.IGNORECASE
)
_FILTERED = re.compile(
    r"content[_ ]?(filter|policy|management)|safety|moderation|data_inspection", re.IGNORECASE
)
_TAG = re.compile(r"<(style|script)\b.*?</\1>|<[^>]*>", re.DOTALL | re.IGNORECASE)
_LONGEST_WORDS = 300


@dataclass(frozen=True, slots=True)
class Trouble:
    """A failed attempt that may be repeated; ``overload`` asks us to send less at a time,
    ``status`` is that of a provider that says so itself."""

    reason: str
    overload: bool = False
    retry_after: float | None = None
    status: int | None = None


class ProviderBusy(ServiceUnavailable):
    """A provider is there, and said in every attempt that it cannot answer now."""


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
    value, said = _provider_message(body)
    if status == 200 and (code := _error_code(value)):
        status = code  # some gateways answer 200 and put the status into the body
    if status in _TOO_LONG_STATUS and _TOO_LONG.search(said):
        raise _outgrown(said)
    if status in _TRANSIENT or status >= 500:
        if status == 429 and "insufficient_quota" in said:
            raise UserError(f"{at.base_url} says that the account has no quota left: {said}")
        advice = _retry_after(headers)
        wait = f"; it asks us to wait {advice:.0f} s" if advice else ""
        return Trouble(f"status {status}: {said}{wait}", status in _OVERLOAD, advice, status)
    if status == 413:
        raise ProviderRefused(f"too large: the provider refused the request (status 413): {said}")
    if _is_html(headers, body):
        if at.proven:  # a gateway's page in the middle of a run
            return Trouble(f"a web page instead of JSON (status {status}): {said}")
        raise UserError(
            f"{at.base_url} answers with a web page instead of JSON; "
            "the model's base URL must be an OpenAI-compatible API (it usually ends in /v1)"
        )
    if status == 200:
        return Trouble(f"not a chat completion: {said}")
    if 300 <= status < 400:
        where = clean(headers.get("location", "somewhere else"))[:_LONGEST_WORDS]
        raise UserError(
            f"{at.base_url} sends us to {where} (status {status}); use the new address as base URL"
        )
    raise _blame(status, said, at)


def _blame(status: int, said: str, at: Address) -> SurveyorError:
    if status in (401, 403) and not _FILTERED.search(said):
        return UserError(
            f"{at.base_url} refuses the key (status {status}); "
            f"put a valid one in the environment variable {at.key_env}"
        )
    if status == 404:
        return UserError(
            f"{at.base_url} does not know the model {at.model!r}, "
            f"or is not the API's base URL ({said})"
        )
    if _FILTERED.search(said):
        return ProviderRefused(f"refused: {said} (status {status})")
    if at.proven:
        return ProviderRefused(f"the provider refused the request (status {status}): {said}")
    return UserError(
        f"{at.base_url} refuses the request for {at.model!r} (status {status}): {said}"
    )


def _outgrown(said: str) -> LimitExceeded:
    """The model's context limit, with the provider's own numbers where it gives two."""
    asked = max((float(n) for n in re.findall(r"\b\d{3,9}\b", said)), default=1.0)
    bound = _BOUND.search(said)
    most = float(bound[1] or bound[2]) if bound else asked
    return LimitExceeded("context", asked, most) if most < asked else LimitExceeded("context", 1, 0)


def _is_html(headers: Mapping[str, str], body: bytes) -> bool:
    return "text/html" in headers.get("content-type", "") or body.lstrip()[:1] == b"<"


def _provider_message(body: bytes) -> tuple[Any, str]:
    """The body's JSON value, and the provider's own words on one line and short."""
    try:
        value: Any = orjson.loads(body)
    except orjson.JSONDecodeError:
        value = None
    said = value
    if value is None:
        said = _TAG.sub(" ", clean(body.decode("utf-8", "replace"))[:100_000])
    if isinstance(said, list) and said and isinstance(said[0], dict):
        said = said[0]  # Gemini's compatible endpoint wraps errors in a list
    if isinstance(said, dict):
        said = said.get("error", said.get("detail", said.get("message", said)))
    if isinstance(said, dict):
        words = [said.get(name) for name in ("code", "type", "message")]
        said = ": ".join(str(word) for word in words if word) or str(said)
    return value, shortened(str(said)) or "empty body"


def shortened(text: str) -> str:
    """Somebody else's words for a sentence of ours: clean, on one line, at most 300 characters."""
    return " ".join(clean(text).split())[:_LONGEST_WORDS]


def _error_code(value: Any) -> int | None:
    """The status that an error in a body names, if it is one."""
    error = value.get("error") if isinstance(value, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, str) and code.isdecimal() and len(code) == 3:
        code = int(code)
    return code if type(code) is int and 400 <= code < 600 else None


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the provider asks us to wait: a number, or a date by the provider's own clock
    where it tells that. Nonsense is no advice; how long is too long is for the caller to say."""
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        then = _date(value)
        if then is None:
            return None
        now = _date(headers.get("date", "")) or datetime.now(UTC)
        seconds = max(0.0, (then - now).total_seconds())
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
