"""Apps of experts in this process, loaded and ready."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from surveyor.core.dataset import BLOBS
from surveyor.services.app import build_app
from surveyor.services.registry import make_expert
from surveyor.services.settings import Settings
from tests.services.world import make_dataset

Serve = Callable[..., TestClient]


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny dataset; nobody writes into it."""
    return make_dataset(tmp_path_factory.mktemp("dataset") / "tiny")


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start an adapter's app in this process and wait until it has loaded."""
    with ExitStack() as stack:

        def start(expert: Any, **settings: Any) -> TestClient:
            app = build_app(expert, Settings(**{"blob_dir": tmp_path / "blobs", **settings}))
            client = TestClient(app, raise_server_exceptions=False)
            stack.enter_context(client)
            assert client.portal is not None
            client.portal.call(app.state.service.loaded)
            return client

        yield start


@pytest.fixture
def reference(serve: Serve, dataset: Path) -> Serve:
    """Start a reference expert on the tiny dataset."""

    def start(name: str, datasets: tuple[Path, ...] = (dataset,), **settings: Any) -> TestClient:
        blob_folders = tuple(path / BLOBS for path in datasets)
        return serve(make_expert(name), datasets=datasets, blob_folders=blob_folders, **settings)

    return start
