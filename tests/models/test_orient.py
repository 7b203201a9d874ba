"""Tiny Orient Anything behind the real app."""

from __future__ import annotations

import time
import pytest

from services.contract import OrientAnswer
from tests.models.conftest import Serve, image

pytestmark = pytest.mark.models

def test_x(serve: Serve) -> None:
    t=time.time()
    client = serve("orient")
    print(time.time()-t); t=time.time()
    for more in ({}, dict(other=image(2),other_box=(5,5,30,60))):
        r = client.post("/v1/orient", json={"image": image(), "box":(10,5,40,30),**more})
        print(time.time()-t)
        assert r.status_code == 200, r.text
        answer = OrientAnswer.model_validate_json(r.content)
        print(answer)
