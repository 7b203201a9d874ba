"""Tiny SAM 3 behind the real app."""

from __future__ import annotations

import time
import pytest

from services.contract import SegmentAnswer
from tests.models.conftest import Serve, image

pytestmark = pytest.mark.models

@pytest.mark.parametrize("req", [dict(mode="concept",text="chair"),dict(mode="concept",boxes=[(5,5,30,30)]),dict(mode="concept",text="red chair",boxes=[(5,5,30,30)]), dict(boxes=[(5,5,30,30),(40,10,70,50)],points=[(20,20)])])
def test_x(serve: Serve, req) -> None:
    t=time.time()
    client = serve("segment")
    print(time.time()-t); t=time.time()
    r = client.post("/v1/segment", json={"image": image(), "threshold":0.0, **req})
    print(time.time()-t)
    assert r.status_code == 200, r.text
    answer = SegmentAnswer.model_validate_json(r.content)
    print(len(answer.segments), [(s.box,s.score,s.prompt) for s in answer.segments[:3]])
