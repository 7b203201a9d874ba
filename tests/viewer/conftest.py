"""A browser that has let itself in, for every module that has a ``home``; a room to ask about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from surveyor.compose.ask import Asking
from surveyor.compose.hand_memory import keep_joined
from surveyor.compose.place import make_place
from surveyor.core.blobs import BlobStore
from surveyor.core.photos import read_photos
from tests.support.box_room import BoxRoom
from tests.support.browser import Tab, browser
from tests.viewer.box_experts import box_experts, joined, photo_files
from tests.viewer.stage import TOKEN


@pytest.fixture(scope="module")
def tab(home: str) -> Iterator[Tab]:
    with browser() as tab:
        tab.home = home
        tab.show(f"{home}/?token={TOKEN}", 1280, 900)
        tab.until("document.querySelectorAll('tbody tr').length")
        yield tab


@pytest.fixture
def client(home: str) -> Iterator[httpx2.Client]:
    with httpx2.Client(
        base_url=home, headers={"sec-fetch-site": "same-origin"}, timeout=120
    ) as client:
        client.get("/", params={"token": TOKEN})
        yield client


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> BoxRoom:
    return BoxRoom(BlobStore(tmp_path_factory.mktemp("room")))


@pytest.fixture(scope="module")
def files(room: BoxRoom, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return photo_files(room, tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def asking(
    room: BoxRoom, files: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Asking]:
    base = tmp_path_factory.mktemp("asking")
    with box_experts(room, base / "endpoints.json") as endpoints:
        place = make_place(base / "places", "boxes", read_photos(files))
        keep_joined(place, joined(room))
        yield Asking(root=base / "places", experts=endpoints)
