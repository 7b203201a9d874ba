"""What asking an expert costs, in seconds of one accelerator, whether or not the cache answers.

Policies are compared by what their looking would cost on a machine that has not seen the place
before, so a cached answer costs the same as a fresh one. The table follows the relative latencies
of the neural experts these names stand for on one current accelerator: an open-vocabulary
detector is a single forward pass; a promptable segmenter reuses its image embedding; metric depth
at full resolution is a little dearer; restoring by a transformer four times as large is the
dearest per image; a multi-view reconstruction pays a start-up and then per view. They are
prices, not promises: replace them by your own measurements with `PriceList`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from pydantic import BaseModel

from surveyor.services.contract import ReconstructRequest, RenderViewRequest


@dataclass(frozen=True, slots=True)
class Price:
    """Seconds per request plus seconds per image after the request's own."""

    base: float
    per_view: float = 0.0


DEFAULT_PRICES: Mapping[str, Price] = MappingProxyType(
    {
        "scene": Price(0.01),
        "detect": Price(0.12),
        "segment": Price(0.10),
        "depth": Price(0.15),
        "reconstruct": Price(0.35, per_view=0.04),
        "orient": Price(0.05),
        "restore": Price(0.25),
        "render_view": Price(0.35, per_view=0.04),
    }
)


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices by expert; experts that are not listed cost ``unknown`` seconds a request."""

    prices: Mapping[str, Price] = field(default_factory=lambda: DEFAULT_PRICES)
    unknown: float = 0.1

    def of(self, expert: str, request: BaseModel) -> float:
        """Priced seconds of one request."""
        price = self.prices.get(expert)
        if price is None:
            return self.unknown
        views = 0
        if isinstance(request, ReconstructRequest | RenderViewRequest):
            views = len(request.images)
        return price.base + price.per_view * views
