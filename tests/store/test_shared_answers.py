"""Experts' answers shared by machines: asked once, brought whole, never half or wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path

import numpy as np
import pytest

from surveyor.core.blobs import BlobStore
from surveyor.core.errors import ServiceUnavailable
from surveyor.core.object_store import ObjectStore, blob_name
from surveyor.services.contract import DepthAnswer, DepthRequest, ImageByHash
from surveyor.tools.cache import ResultCache
from surveyor.tools.endpoints import FixedEndpoints
from surveyor.tools.experts import ExpertClient, Reply
from surveyor.tools.shared_answers import SharedAnswers
from tests.support.box_room import BoxRoom
from tests.support.object_server import ObjectServer
from tests.tools.conftest import QUICK


@pytest.fixture
def room(tmp_path: Path) -> BoxRoom:
    room = BoxRoom(BlobStore(tmp_path / "frames"))
    room.holds.update(frame.image.sha256 for frame in room.frames)
    return room


def ask(room: BoxRoom, node: Path, store: ObjectStore) -> tuple[Reply[DepthAnswer], np.ndarray]:
    """One question from a machine that keeps its own cache at ``node``."""

    async def asked() -> tuple[Reply[DepthAnswer], np.ndarray]:
        client = ExpertClient(
            FixedEndpoints(room.endpoints),
            BlobStore(node / "blobs"),
            ResultCache(node / "answers.sqlite"),
            policy=QUICK,
            transport=room.transport,
            originals=(room.store,),
            shared=SharedAnswers(store),
        )
        try:
            request = DepthRequest(image=ImageByHash(sha256=room.frames[0].image.sha256))
            reply = await client.ask("depth", request, DepthAnswer)
            return reply, await client.array("depth", reply.answer.depth)
        finally:
            await client.aclose()

    return asyncio.run(asked())


def test_what_one_machine_asked_no_other_asks(
    room: BoxRoom, store: ObjectStore, tmp_path: Path
) -> None:
    replies = [ask(room, tmp_path / node, store) for node in "abb"]
    assert room.asked["depth"] == 1
    assert [reply.cached for reply, _ in replies] == [False, True, True]
    assert len({reply.answer for reply, _ in replies}) == 1
    assert all((array == replies[0][1]).all() for _, array in replies)
    assert len(store.names("answers")) == 1


def test_the_second_look_needs_no_store(room: BoxRoom, store: ObjectStore, tmp_path: Path) -> None:
    ask(room, tmp_path / "a", store)
    nowhere = ObjectStore.open("file:///proc/no/such/store")
    reply, _ = ask(room, tmp_path / "a", nowhere)
    assert reply.cached


@pytest.mark.parametrize("what", ["blob", "answer", "head"])
def test_what_is_damaged_is_asked_again_and_mended(
    room: BoxRoom, store: ObjectStore, tmp_path: Path, what: str
) -> None:
    reply, array = ask(room, tmp_path / "a", store)
    (name,) = store.names("answers")
    whole = store.get([name])[name]
    line, _, body = whole.partition(b"\n")
    blob = blob_name(reply.answer.depth.sha256)
    store.put(
        {"blob": {blob: b"half"}, "answer": {name: line + b"\n" + body[:-1]}, "head": {name: body}}[
            what
        ]
    )
    again, array_again = ask(room, tmp_path / "b", store)
    assert not again.cached
    assert room.asked["depth"] == 2
    assert (array_again == array).all()
    assert store.get([name])[name].partition(b"\n")[2] == body
    assert reply.answer.depth.sha256 in store.blobs([reply.answer.depth.sha256])
    third, _ = ask(room, tmp_path / "c", store)
    assert third.cached


def test_an_answer_that_could_not_be_shared_is_not_kept_either(
    room: BoxRoom, server: ObjectServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in server.environment.items():
        monkeypatch.setenv(key, value)
    store = ObjectStore.open("s3://lab/unshared")
    server.kill()
    try:
        with pytest.raises(ServiceUnavailable, match="s3://lab/unshared"):
            ask(room, tmp_path / "a", store)
    finally:
        server.start()
    reply, _ = ask(room, tmp_path / "a", store)
    assert not reply.cached
    other, _ = ask(room, tmp_path / "b", store)
    assert other.cached
