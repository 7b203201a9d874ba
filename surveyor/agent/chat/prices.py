"""What tokens cost. A price that nobody told us is unknown: never zero, never a guess.

Surveyor ships no price list, because one would be wrong within weeks: the configuration names the
prices of the model in use, and providers that report a request's cost are believed.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from surveyor.memory.events import Usage


class Price(BaseModel):
    """US dollars per million tokens; ``cached`` input costs as much as other input by default."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached: float | None = Field(default=None, ge=0)

    def of(self, input_tokens: int, output_tokens: int, cached_tokens: int) -> float:
        """Dollars for one call; ``cached_tokens`` are part of ``input_tokens``."""
        cached_rate = self.input if self.cached is None else self.cached
        fresh = max(0, input_tokens - cached_tokens)
        millionths = fresh * self.input + cached_tokens * cached_rate + output_tokens * self.output
        return millionths / 1e6


def usage_of(reported: dict[str, Any], price: Price | None) -> Usage:
    """Tokens as the provider reports them, and their cost if it can be known."""
    details = reported.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else None
    given, made = _count(reported.get("prompt_tokens")), _count(reported.get("completion_tokens"))
    cost = _dollars(reported.get("cost"))
    if cost is None and price is not None and given is not None and made is not None:
        cost = price.of(given, made, cached or 0)
    return Usage(input_tokens=given, output_tokens=made, cached_tokens=cached, cost=cost)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _dollars(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if 0 <= value < float("inf") else None
