"""What the agent's tests share."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyor.core.blobs import BlobStore
from tests.support.box_room import BoxRoom


@pytest.fixture
def room(tmp_path: Path) -> BoxRoom:
    """A room of boxes with experts in memory."""
    return BoxRoom(BlobStore(tmp_path / "frames"))
