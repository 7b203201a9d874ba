"""Tiny DA3 behind the real app."""

from __future__ import annotations

import time
import pytest

from services.contract import ReconstructAnswer
from tests.models.conftest import Serve, image

pytestmark = pytest.mark.models

def test_x(serve: Serve) -> None:
    t=time.time()
    client = serve("reconstruct")
    print(time.time()-t); t=time.time()
    r = client.post("/v1/reconstruct", json={"images": [image(),image(1),image(2,60,80)]})
    print(time.time()-t)
    assert r.status_code == 200, r.text
    answer = ReconstructAnswer.model_validate_json(r.content)
    print(answer)
