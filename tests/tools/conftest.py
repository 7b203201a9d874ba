"""A room of boxes with experts in memory, shared by the tests of tools."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from surveyor.core.blobs import BlobStore
from surveyor.memory.events import ToolOutcome
from surveyor.tools.builtin import default_tools
from surveyor.tools.cache import ResultCache
from surveyor.tools.endpoints import FixedEndpoints
from surveyor.tools.experts import ExpertClient
from surveyor.tools.registry import Registry
from surveyor.tools.schemas import ObjectsData
from surveyor.tools.spec import CallRequest
from surveyor.tools.transport import RetryPolicy
from surveyor.tools.workspace import Workspace
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


FRAMES = [f"frame_{index}" for index in range(12)]
ALL = ["sofa", "chair", "table", "lamp"]


class Hand:
    """Calls tools one after the other in one workspace."""

    def __init__(self, room: BoxRoom, path: Path) -> None:
        self.workspace = Workspace(room.task(), make_client(room, path))
        self._registry = Registry(default_tools())

    def __call__(self, name: str, /, **arguments: object) -> ToolOutcome:
        call = CallRequest("c", name, json.dumps(arguments))
        (outcome,) = asyncio.run(self._registry.execute(0, [call], self.workspace))
        return outcome

    def objects(self, **fuse: object) -> ObjectsData:
        """Everything in the room, fused."""
        recon = self("reconstruct", frames=FRAMES).handles[0]
        boxes = self("detect", frames=FRAMES, phrases=ALL).handles[-1]
        masks = self("segment", boxes=[boxes]).handles[-1]
        clouds = self("lift", masks=[masks], reconstruction=recon).handles[-1]
        return ObjectsData.model_validate(self("fuse", clouds=[clouds], **fuse).data)


@pytest.fixture
def hand(room: BoxRoom, tmp_path: Path) -> Hand:
    return Hand(room, tmp_path)
