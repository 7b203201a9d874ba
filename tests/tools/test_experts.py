from __future__ import annotations

import asyncio
from pathlib import Path

import httpx2
import pytest

from surveyor.core.blobs import BlobStore
from surveyor.core.errors import InfrastructureError, ModelMistake, ServiceUnavailable
from surveyor.services.contract import (
    DepthAnswer,
    DepthRequest,
    DetectAnswer,
    DetectRequest,
    Endpoints,
    ExpertEndpoint,
    ImageByHash,
)
from surveyor.tools.cache import ResultCache
from surveyor.tools.endpoints import EndpointsFile, FixedEndpoints
from surveyor.tools.experts import ExpertClient, Reply
from surveyor.tools.prices import DEFAULT_PRICES
from surveyor.tools.transport import NotAnExpert
from tests.support.box_room import BoxRoom, problem
from tests.tools.conftest import QUICK, make_client


def detect(room: BoxRoom, frame: int = 0, phrase: str = "chair") -> DetectRequest:
    image = ImageByHash(sha256=room.frames[frame].image.sha256)
    return DetectRequest(image=image, phrases=(phrase,))


def ask(client: ExpertClient, *requests: DetectRequest) -> list[Reply[DetectAnswer]]:
    async def all_of_them() -> list[Reply[DetectAnswer]]:
        return await asyncio.gather(*(client.ask("detect", r, DetectAnswer) for r in requests))

    return asyncio.run(all_of_them())


def test_uploads_an_image_that_the_expert_lacks_and_asks_again(
    room: BoxRoom, client: ExpertClient
) -> None:
    (reply,) = ask(client, detect(room))
    assert reply.answer.detections
    assert not reply.cached
    assert room.asked["detect"] == 2, "refused once for the missing image, then answered"
    assert room.holds == {room.frames[0].image.sha256}


def test_the_same_question_is_asked_once(room: BoxRoom, client: ExpertClient) -> None:
    room.holds.update(frame.image.sha256 for frame in room.frames)
    replies = ask(client, detect(room), detect(room), detect(room, frame=1))
    assert room.asked["detect"] == 2
    assert [reply.cached for reply in replies] == [False, True, False]
    assert {reply.cost for reply in replies} == {DEFAULT_PRICES["detect"].base}


def test_a_second_run_asks_nothing(room: BoxRoom, tmp_path: Path) -> None:
    room.holds.update(frame.image.sha256 for frame in room.frames)
    request = DepthRequest(image=ImageByHash(sha256=room.frames[0].image.sha256))
    seen = []
    for _ in range(2):
        cache = ResultCache(tmp_path / "answers.sqlite")
        client = make_client(room, tmp_path, cache)
        reply = asyncio.run(client.ask("depth", request, DepthAnswer))
        seen.append(asyncio.run(client.array("depth", reply.answer.depth)))
        asyncio.run(client.aclose())
    assert room.asked["depth"] == 1
    assert (seen[0] == seen[1]).all()


def test_an_answer_whose_array_is_gone_is_asked_again(room: BoxRoom, tmp_path: Path) -> None:
    room.holds.update(frame.image.sha256 for frame in room.frames)
    request = DepthRequest(image=ImageByHash(sha256=room.frames[0].image.sha256))
    for _ in range(2):
        client = make_client(room, tmp_path, ResultCache(tmp_path / "answers.sqlite"))
        reply = asyncio.run(client.ask("depth", request, DepthAnswer))
        client.blobs.path(reply.answer.depth.sha256).unlink()
        asyncio.run(client.aclose())
    assert room.asked["depth"] == 2


class Slow(httpx2.AsyncBaseTransport):
    """The room's experts, whose answers are held back until ``go``."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self.inner, self.asked, self.go = inner, asyncio.Event(), asyncio.Event()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.method == "POST":
            self.asked.set()
            await self.go.wait()
        return await self.inner.handle_async_request(request)


def test_what_is_still_being_asked_ends_with_the_client(room: BoxRoom, tmp_path: Path) -> None:
    room.holds.update(frame.image.sha256 for frame in room.frames)

    async def stopped() -> set[str]:
        slow = Slow(room.transport)
        cache = ResultCache(tmp_path / "answers.sqlite")
        client = ExpertClient(
            FixedEndpoints(room.endpoints), BlobStore(tmp_path / "blobs"), cache, transport=slow
        )
        waiting = asyncio.create_task(client.ask("detect", detect(room), DetectAnswer))
        await slow.asked.wait()
        waiting.cancel()
        await client.aclose()
        slow.go.set()
        return {task.get_name() for task in asyncio.all_tasks() - {asyncio.current_task()}}

    assert asyncio.run(stopped()) == set()


def test_another_version_is_another_answer(room: BoxRoom, tmp_path: Path) -> None:
    room.holds.update(frame.image.sha256 for frame in room.frames)
    cache = ResultCache(tmp_path / "answers.sqlite")
    ask(make_client(room, tmp_path, cache), detect(room))
    room._info = lambda expert: httpx2.Response(  # type: ignore[method-assign]
        200,
        json={
            "expert": expert,
            "producer": {"name": expert, "version": "2"},
            "model": "boxes",
            "revision": "1",
            "licence": "none",
        },
    )
    ask(make_client(room, tmp_path, cache), detect(room))
    assert room.asked["detect"] == 2
    assert len(cache) == 2
    cache.close()


def test_waits_out_a_busy_expert(room: BoxRoom, client: ExpertClient) -> None:
    room.holds.update(frame.image.sha256 for frame in room.frames)
    room.fails = [
        problem(503, "busy", "the queue is full", **{"retry-after": "0"}),
        problem(429, "busy", "slow down"),
    ]
    (reply,) = ask(client, detect(room))
    assert reply.answer.detections
    assert room.asked["detect"] == 3


def test_gives_up_in_bounded_time_and_then_fails_fast(room: BoxRoom, client: ExpertClient) -> None:
    room.fails = [problem(503, "busy", "the queue is full") for _ in range(9)]
    with pytest.raises(ServiceUnavailable, match="detect"):
        ask(client, detect(room))
    assert room.asked["detect"] == QUICK.attempts
    with pytest.raises(ServiceUnavailable):
        ask(client, detect(room))
    assert room.asked["detect"] == QUICK.attempts + 1


def test_a_refusal_is_the_planners_mistake_in_the_servers_words(
    room: BoxRoom, client: ExpertClient
) -> None:
    room.fails = [problem(422, "bad_image", "the image is only 3 pixels wide")]
    with pytest.raises(ModelMistake, match="only 3 pixels wide"):
        ask(client, detect(room))


def test_a_failing_expert_is_nobodys_mistake(room: BoxRoom, client: ExpertClient) -> None:
    room.fails = [problem(500, "internal", "out of luck")]
    with pytest.raises(InfrastructureError, match="out of luck"):
        ask(client, detect(room))


@pytest.mark.parametrize("body", ["<html>hello</html>", '{"surprise": 1}', ""])
def test_something_that_is_no_expert_is_said_to_be_none(
    room: BoxRoom, client: ExpertClient, body: str
) -> None:
    room.holds.update(frame.image.sha256 for frame in room.frames)
    room.fails = [httpx2.Response(200, text=body, headers={"content-type": "text/html"})]
    with pytest.raises(NotAnExpert, match=r"text/html.*serve up"):
        ask(client, detect(room))


def test_finds_an_expert_that_moved(room: BoxRoom, tmp_path: Path) -> None:
    """The old address refuses; the endpoints file already names the new one."""
    room.holds.update(frame.image.sha256 for frame in room.frames)
    path = tmp_path / "endpoints.json"
    inner = room.transport

    def endpoints(host: str) -> bytes:
        endpoint = ExpertEndpoint(expert="detect", url=f"http://{host}", pid=1, backend="boxes")
        return Endpoints(supervisor=1, experts=(endpoint,)).model_dump_json().encode()

    def wire(request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "old.test":
            path.write_bytes(endpoints("detect.test"))
            raise httpx2.ConnectError("refused")
        return inner.handle_request(request)

    path.write_bytes(endpoints("old.test"))
    client = ExpertClient(
        EndpointsFile(path),
        BlobStore(tmp_path / "blobs"),
        policy=QUICK,
        transport=httpx2.MockTransport(wire),
        originals=(room.store,),
    )
    (reply,) = ask(client, detect(room))
    assert reply.answer.detections


def test_without_endpoints_it_says_how_to_start_experts(room: BoxRoom, tmp_path: Path) -> None:
    client = ExpertClient(
        EndpointsFile(tmp_path / "none.json"), BlobStore(tmp_path / "blobs"), policy=QUICK
    )
    with pytest.raises(ServiceUnavailable, match="serve up"):
        ask(client, detect(room))
    empty = ExpertClient(
        FixedEndpoints(Endpoints(supervisor=0, experts=())), BlobStore(tmp_path / "b"), policy=QUICK
    )
    with pytest.raises(ServiceUnavailable, match="no expert serves 'detect'"):
        ask(empty, detect(room))
