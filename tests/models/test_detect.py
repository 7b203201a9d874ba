"""Tiny GroundingDINO behind the real app."""

from __future__ import annotations

import pytest

from services.contract import DetectAnswer
from tests.models.conftest import Serve, image

pytestmark = pytest.mark.models


def test_x(serve: Serve) -> None:
    client = serve("detect")
    r = client.post(
        "/v1/detect", json={"image": image(), "phrases": ["chair", "a red table"], "threshold": 0.1}
    )
    assert r.status_code == 200, r.text
    answer = DetectAnswer.model_validate_json(r.content)
    print(answer, client.get("/v1/info").json())
