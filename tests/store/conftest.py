"""Stores of every kind: in a folder and behind a real S3 server."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from surveyor.core.object_store import ObjectStore
from tests.support.object_server import BUCKET, ObjectServer, object_server


@pytest.fixture(scope="session")
def server() -> Iterator[ObjectServer]:
    with object_server() as running:
        yield running


@pytest.fixture(params=["file", "s3"])
def store(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> ObjectStore:
    """An empty store, with what reaches it in the environment."""
    name = uuid.uuid4().hex
    if request.param == "file":
        return ObjectStore.open(f"file://{tmp_path_factory.mktemp('store')}/{name}")
    running: ObjectServer = request.getfixturevalue("server")
    for key, value in running.environment.items():
        monkeypatch.setenv(key, value)
    return ObjectStore.open(f"s3://{BUCKET}/{name}")
