"""A room of boxes with experts in memory, shared by the tests of tools."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from surveyor.core.blobs import BlobStore
from surveyor.tools.cache import ResultCache
from surveyor.tools.endpoints import FixedEndpoints
from surveyor.tools.experts import ExpertClient
from surveyor.tools.transport import RetryPolicy
from tests.support.box_room import BoxRoom

QUICK = RetryPolicy(attempts=4, wall=2.0, pause=0.001)


@pytest.fixture
def room(tmp_path: Path) -> BoxRoom:
    return BoxRoom(BlobStore(tmp_path / "frames"))


@pytest.fixture
def client(room: BoxRoom, tmp_path: Path) -> Iterator[ExpertClient]:
    cache = ResultCache(tmp_path / "cache" / "answers.sqlite")
    yield make_client(room, tmp_path, cache)
    cache.close()


def make_client(room: BoxRoom, path: Path, cache: ResultCache | None = None) -> ExpertClient:
    """A client of the room's experts."""
    return ExpertClient(
        FixedEndpoints(room.endpoints),
        BlobStore(path / "blobs"),
        cache,
        policy=QUICK,
        transport=room.transport,
        originals=(room.store,),
    )
