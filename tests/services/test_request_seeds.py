"""Requests that once were, or might be, trouble: each is answered as its file in fixtures says.

A seed is one JSON file: ``expert``, ``method``, ``path``, ``headers``, the body as ``json``,
``text`` or ``base64`` (``repeat`` times), and what is right: ``status`` and the problem's ``code``.
``$FRAME0`` and ``$FRAME1`` stand for the hashes of frames that the experts know.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from surveyor.core.dataset import BLOBS
from surveyor.services.app import build_app
from surveyor.services.contract import Problem
from surveyor.services.plan import LOOPBACK
from surveyor.services.registry import make_expert
from surveyor.services.settings import Settings
from tests.services.world import frame

SEEDS = sorted((Path(__file__).parents[1] / "fixtures" / "requests").glob("*.json"))
Client = Callable[[str], TestClient]


@pytest.fixture(scope="module")
def client(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """The client of an expert by name; each is started once."""
    settings = Settings(
        blob_dir=tmp_path_factory.mktemp("blobs"),
        datasets=(dataset,),
        blob_folders=(dataset / BLOBS,),
        preset="realistic",
        hosts=LOOPBACK,
    )
    with ExitStack() as stack:
        started: dict[str, TestClient] = {}

        def named(expert: str) -> TestClient:
            if expert not in started:
                app = build_app(make_expert(expert), settings)
                one = TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
                started[expert] = stack.enter_context(one)
                assert one.portal is not None
                one.portal.call(app.state.service.loaded)
            return started[expert]

        yield named


def test_there_are_enough_of_them() -> None:
    assert len(SEEDS) >= 30


@pytest.mark.parametrize("path", SEEDS, ids=lambda path: path.stem)
def test_a_seed_is_answered_as_is_right(client: Client, dataset: Path, path: Path) -> None:
    seed = json.loads(path.read_text())
    service = client(seed["expert"])
    answer = service.request(
        seed["method"],
        seed["path"],
        content=_body(seed, dataset) or None,
        headers={"content-type": "application/json", **seed.get("headers", {})},
    )
    assert answer.status_code == seed["status"], answer.text[:500]
    if "code" in seed:
        told = Problem.model_validate_json(answer.content)
        assert told.code == seed["code"]
        assert 0 < len(told.message) < 10_000
    assert service.get("/readyz").status_code == 200


def _body(seed: dict[str, Any], dataset: Path) -> bytes:
    if "json" in seed:
        data = json.dumps(seed["json"]).encode()
    elif "base64" in seed:
        data = base64.b64decode(seed["base64"])
    else:
        data = seed.get("text", "").encode()
    for number in range(2):
        data = data.replace(b"$FRAME%d" % number, frame(dataset, index=number).encode())
    return bytes(data * seed.get("repeat", 1))
