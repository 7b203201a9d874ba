"""Published run times that prices stand for."""

from __future__ import annotations

import pytest

from surveyor.services.contract import ImageByHash, ReconstructRequest
from surveyor.tools.prices import DEFAULT_PRICES, NEURAL_PRICES, PriceList

PUBLISHED = {1: 0.04, 2: 0.05, 4: 0.07, 8: 0.11, 10: 0.14, 20: 0.31, 50: 1.04, 100: 3.12, 200: 8.75}


@pytest.mark.parametrize(("views", "seconds"), PUBLISHED.items())
def test_joining_views_costs_what_was_published(views: int, seconds: float) -> None:
    request = ReconstructRequest(images=(ImageByHash(sha256="0" * 64),) * views)
    asked = PriceList(NEURAL_PRICES).of("reconstruct", request)
    assert asked == pytest.approx(seconds, rel=0.15)
    assert PriceList().of("reconstruct", request) == pytest.approx(0.35 + 0.04 * views)


def test_other_experts_cost_what_they_did() -> None:
    joined = {"reconstruct", "render_view"}
    assert {k: v for k, v in NEURAL_PRICES.items() if k not in joined} == {
        k: v for k, v in DEFAULT_PRICES.items() if k not in joined
    }
