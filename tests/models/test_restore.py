"""Tiny SwinIR behind the real app."""

from __future__ import annotations

import time
import pytest

from services.contract import RestoreAnswer
from tests.models.conftest import Serve, image

pytestmark = pytest.mark.models

def test_x(serve: Serve) -> None:
    t=time.time()
    client = serve("restore")
    print(time.time()-t); t=time.time()
    for s in (1,2,4):
        r = client.post("/v1/restore", json={"image": image(), "box":(10,5,40,30),"scale":s})
        print(time.time()-t)
        assert r.status_code == 200, r.text
        answer = RestoreAnswer.model_validate_json(r.content)
        print(answer)
