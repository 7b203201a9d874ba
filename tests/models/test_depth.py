"""Tiny depth models behind the real app."""

from __future__ import annotations

import time
import pytest

from services.contract import DepthAnswer
from tests.models.conftest import Serve, image

pytestmark = pytest.mark.models

@pytest.mark.parametrize("route", ["da3", "da2"])
def test_x(serve: Serve, route) -> None:
    t=time.time()
    client = serve("depth", route=route)
    print(time.time()-t); t=time.time()
    r = client.post("/v1/depth", json={"image": image()})
    print(time.time()-t)
    assert r.status_code == 200, r.text
    answer = DepthAnswer.model_validate_json(r.content)
    print(answer)
