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
    """Seconds per request, per image and per pair of images of it."""

    base: float
    per_view: float = 0.0
    per_pair: float = 0.0


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


_VIEWS = ExpertPrice(0.03, per_view=0.0095, per_pair=0.00034)
"""VGGT as its authors published it (github.com/facebookresearch/vggt, "Runtime and GPU Memory", one
H100 with FlashAttention 3: 0.04 s for 1 frame, 0.14 for 10, 0.31 for 20, 1.04 for 50, 3.12 for
100, 8.75 for 200), within 15 %: attention over all views grows with their pairs."""
NEURAL_PRICES: Mapping[str, ExpertPrice] = MappingProxyType(
    {**DEFAULT_PRICES, "reconstruct": _VIEWS, "render_view": _VIEWS}
)
"""`DEFAULT_PRICES` with reconstruction as published, for captures in which the number of views is a
choice: few views are much cheaper than in the defaults, from 190 on they are dearer."""


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
        pairs = views * (views - 1) / 2
        return price.base + price.per_view * views + price.per_pair * pairs
