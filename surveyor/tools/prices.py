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
class ExpertPrice:
    """Seconds per request plus seconds per image after the request's own."""

    base: float
    per_view: float = 0.0


DEFAULT_PRICES: Mapping[str, ExpertPrice] = MappingProxyType(
    {
        "scene": ExpertPrice(0.01),
        "detect": ExpertPrice(0.12),
        "segment": ExpertPrice(0.10),
        "depth": ExpertPrice(0.15),
        "reconstruct": ExpertPrice(0.35, per_view=0.04),
        "orient": ExpertPrice(0.05),
        "restore": ExpertPrice(0.25),
        "render_view": ExpertPrice(0.35, per_view=0.04),
    }
)


@dataclass(frozen=True, slots=True)
class PriceList:
    """Prices by expert; experts that are not listed cost ``unknown`` seconds a request."""

    prices: Mapping[str, ExpertPrice] = field(default_factory=lambda: DEFAULT_PRICES)
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
