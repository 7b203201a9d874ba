"""Apps of tiny neural experts; only where torch is installed (`make test-models`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from services.app import build_app
from services.expert import inline
from services.images import Pixels
from services.registry import make_expert
from services.settings import Settings

pytest.importorskip("torch", reason="run by `make test-models`")

Serve = Callable[..., TestClient]


@pytest.fixture(scope="session")
def serve(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serve]:
    """Start a tiny expert's app in this process; the same one again for the same wishes."""
    running: dict[tuple[str, str], TestClient] = {}
    blobs = tmp_path_factory.mktemp("blobs")
    with ExitStack() as stack:

        def start(name: str, **options: str) -> TestClient:
            key = name, str(sorted(options.items()))
            if key not in running:
                running[key] = stack.enter_context(_running(name, blobs, options))
            return running[key]

        yield start


@contextmanager
def _running(name: str, blobs: Path, options: dict[str, str]) -> Iterator[TestClient]:
    app = build_app(make_expert(name, "tiny"), Settings(blob_dir=blobs, options=options))
    with TestClient(app, raise_server_exceptions=False) as client:
        assert client.portal is not None
        client.portal.call(app.state.service.loaded)
        assert app.state.service.failure is None, app.state.service.failure
        yield client


def picture(seed: int = 0, width: int = 80, height: int = 60) -> Pixels:
    """Coloured blocks that differ by seed."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 255, (6, 8, 3), dtype=np.uint8)
    rows, columns = np.arange(height) * 6 // height, np.arange(width) * 8 // width
    return blocks[rows][:, columns]


def image(seed: int = 0, width: int = 80, height: int = 60) -> dict[str, str]:
    """The wire form of `picture`."""
    return inline(picture(seed, width, height)).model_dump()
