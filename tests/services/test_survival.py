"""What an expert service survives: damage, stalled and hungry requests, foreign names, its end."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from surveyor.core.blobs import BlobStore, sha256_of
from surveyor.services.launch import launch
from surveyor.services.plan import ExpertPlan, LaunchPlan
from surveyor.services.preparing import WatchedPool
from surveyor.services.settings import Batching, RequestLimits
from tests.claims.experts.servers import fake_plan, served
from tests.services.fakes import FlatDepth
from tests.services.test_app import AT, inline_body, problem
from tests.services.world import frame, picture

DAMAGE = {"cut short": lambda data: data[:-5], "empty": lambda _: b"", "flipped": bytes.swapcase}


class SlowPreparation(FlatDepth):
    """Holds every preparation but that of its own probe until ``door`` opens."""

    def __init__(self):
        super().__init__()
        self.door = threading.Event()
        self.inside = threading.Semaphore(0)

    def preprocess(self, request, images):
        if request.focal != 100:
            self.inside.release()
            self.door.wait(60)
        return super().preprocess(request, images)


class Hungry(FlatDepth):
    """Needs more memory than there is, in one of its stations."""

    def preprocess(self, request, images):
        if request.focal == 13:
            raise MemoryError
        return super().preprocess(request, images)

    def postprocess(self, request, item, raw, artifacts):
        if request.focal == 14:
            raise MemoryError
        return super().postprocess(request, item, raw, artifacts)


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_blob_is_missing_until_it_is_put_again(serve, tmp_path, damage):
    client, data = serve(FlatDepth()), picture(31)
    digest = sha256_of(data)
    at, body = f"/v1/blobs/{digest}", {"image": {"sha256": digest}}
    assert client.put(at, content=data).status_code == 201
    BlobStore(tmp_path / "blobs").path(digest).write_bytes(damage(data))
    assert client.head(at).status_code == 404
    problem(client.get(at), 404, "blob_not_found")
    problem(client.post(AT, json=body), 404, "blob_not_found")
    assert client.put(at, content=data).status_code == 201
    assert client.head(at).status_code == 200
    assert client.get(at).content == data
    assert client.post(AT, json=body).status_code == 200


def test_a_blob_of_many_pieces_is_stored_and_a_wrong_one_leaves_nothing(serve, tmp_path):
    client, data = serve(FlatDepth()), os.urandom(3_000_001)
    pieces = [data[start : start + 70_000] for start in range(0, len(data), 70_000)]
    at = f"/v1/blobs/{sha256_of(data)}"
    problem(client.put(at, content=iter([*pieces, b"more"])), 422, "hash_mismatch")
    assert [path for path in (tmp_path / "blobs").rglob("*") if path.name.startswith(".")] == []
    assert client.head(at).status_code == 404
    assert client.put(at, content=iter(pieces)).json()["size"] == len(data)
    assert client.get(at).content == data


@pytest.mark.parametrize(("method", "at"), [("POST", AT), ("PUT", "/v1/blobs/" + "0" * 64)])
def test_a_body_that_does_not_come_is_given_up(serve, tmp_path, method, at):
    client = serve(FlatDepth(), limits=RequestLimits(body_seconds=0.2))
    sent = client.portal.call(lambda: stall(client.app, method, at, b"x" * 1000))
    assert (sent[0]["status"], b"connection" in dict(sent[0]["headers"])) == (408, True)
    assert b"did not arrive within 0.2 s" in sent[1]["body"]
    assert not list((tmp_path / "blobs").glob("00/.*"))


def test_bodies_in_memory_are_bounded_together_and_blobs_are_not_held(serve):
    client = serve(FlatDepth(), limits=RequestLimits(held_bytes=10_000, body_seconds=30))
    big = inline_body(picture(7)) | {"focal": 7}

    async def meanwhile():
        """One body of 9 kB stalls while a request with 2 kB and a blob of 20 kB come."""
        stalled = asyncio.create_task(stall(client.app, "POST", AT, b"x" * 9000))
        await asyncio.sleep(0)
        busy = await stall(client.app, "POST", AT, b"y" * 2000)
        blob = os.urandom(20_000)
        kept = await stall(client.app, "PUT", f"/v1/blobs/{sha256_of(blob)}", blob, whole=True)
        stalled.cancel()
        await asyncio.gather(stalled, return_exceptions=True)
        return busy, kept

    busy, kept = client.portal.call(meanwhile)
    assert (busy[0]["status"], kept[0]["status"]) == (503, 201)
    assert b"retry-after" in dict(busy[0]["headers"])
    assert client.post(AT, json=big).status_code == 200


def test_images_are_weighed_together_before_any_is_decoded(reference, dataset):
    client = reference("reconstruct", limits=RequestLimits(request_pixels=64 * 48 * 2))
    images = [{"sha256": frame(dataset, index=index)} for index in range(3)]
    told = problem(client.post("/v1/reconstruct", json={"images": images}), 413, "too_large")
    assert "send fewer or smaller ones" in told.message
    assert client.post("/v1/reconstruct", json={"images": images[:2]}).status_code == 200
    assert client.get("/v1/info").json()["limits"]["request_pixels"] == 64 * 48 * 2


@pytest.mark.parametrize("focal", [13, 14])
def test_no_memory_left_is_a_reason_to_come_back(serve, focal):
    client = serve(Hungry())
    answer = client.post(AT, json=inline_body(picture(8), focal=focal))
    problem(answer, 503, "out_of_memory")
    assert answer.headers["retry-after"] == "5"
    assert client.post(AT, json=inline_body(picture(8), focal=15)).status_code == 200


def test_a_service_whose_threads_are_all_blocked_is_not_ready(serve):
    expert = SlowPreparation()
    client = serve(expert, batching=Batching(blocked=0.05, stuck=60))
    threads = min(4, os.cpu_count() or 1)
    body = inline_body(picture(8), focal=8)
    with ThreadPoolExecutor(threads) as pool:
        held = [pool.submit(client.post, AT, json=body) for _ in range(threads)]
        for _ in held:
            assert expert.inside.acquire(timeout=30)
        told = eventually(lambda: client.get("/readyz"), lambda r: r.status_code == 503)
        assert "every thread that prepares requests" in problem(told, 503, "busy").message
        assert client.get("/healthz").status_code == 200
        expert.door.set()
        assert {one.result().status_code for one in held} == {200}
    assert client.get("/readyz").status_code == 200


def test_a_preparation_that_hangs_makes_the_service_unhealthy(serve):
    expert = SlowPreparation()
    client = serve(expert, batching=Batching(stuck=0.05))
    with ThreadPoolExecutor(1) as pool:
        held = pool.submit(client.post, AT, json=inline_body(picture(8), focal=8))
        eventually(lambda: client.get("/healthz"), lambda r: r.status_code == 503)
        expert.door.set()
        assert held.result().status_code == 200
    assert client.get("/healthz").status_code == 200


def test_a_pool_that_has_a_free_thread_is_not_blocked():
    async def watched():
        pool, door = WatchedPool(2), threading.Event()
        first = asyncio.create_task(pool.run(lambda: door.wait(30)))
        await asyncio.to_thread(eventually, lambda: pool.longest, bool)
        free = pool.blocked
        second = asyncio.create_task(pool.run(lambda: door.wait(30)))
        await asyncio.to_thread(eventually, lambda: pool.blocked, bool)
        door.set()
        await asyncio.gather(first, second)
        after = pool.blocked, pool.longest
        pool.close()
        return free, after

    assert asyncio.run(watched()) == (0, (0, 0))


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:9", 200),
        ("LOCALHOST", 200),
        ("[::1]:20022", 200),
        ("experts.lan:1", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example:80", 421),
        ("", 421),
    ],
)
def test_a_service_on_loopback_is_called_by_its_own_names(serve, tmp_path, host, status):
    plan = LaunchPlan(
        state_dir=tmp_path, experts=(ExpertPlan(expert="depth"),), hosts=("experts.lan",)
    )
    client = serve(FlatDepth(), hosts=plan.settings("depth").hosts)
    for path in ("/v1/info", "/readyz", "/docs"):
        assert client.get(path, headers={"host": host}).status_code == status


def test_a_service_for_others_asks_for_its_token_instead(tmp_path):
    token = tmp_path / "token"
    token.write_text("s3cret")
    plan = LaunchPlan(
        state_dir=tmp_path,
        experts=(ExpertPlan(expert="depth"),),
        host="0.0.0.0",
        token_file=token,
    )
    assert plan.settings("depth").hosts == ()


def test_a_service_that_is_stopped_says_so_and_logs_no_traceback(tmp_path):
    plan = fake_plan(tmp_path / "state").model_copy(update={"grace": 2.0})
    with launch(plan) as handle:
        port = served(handle).port
        stalled = [unfinished_put(port, number) for number in range(5)]
        os.kill(served(handle).pid, signal.SIGTERM)
        answers = [everything(connection) for connection in stalled]
    assert {answer.split(b" ")[1] for answer in answers} == {b"503"}
    assert b"shutting down" in answers[0]
    logs = "".join(path.read_text() for path in (tmp_path / "state" / "logs").iterdir())
    assert "Traceback" not in logs


def unfinished_put(port, number):
    """A connection that has sent a part of what it announced, and that the service has read."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=60)
    head = f"PUT /v1/blobs/{number:064x} HTTP/1.1\r\nHost: localhost\r\n"
    head += "Content-Length: 100\r\nExpect: 100-continue\r\n\r\n"
    connection.sendall(head.encode())
    assert b" 100 " in connection.recv(1000)
    connection.sendall(b"abc")
    return connection


def everything(connection):
    """What a connection says until it is closed."""
    with connection, connection.makefile("rb") as file:
        return file.read()


async def stall(app, method, at, data, *, whole=False):
    """Send the beginning of a body and no more; the messages that come back."""
    scope = {
        "type": "http",
        "method": method,
        "path": at,
        "raw_path": at.encode(),
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"host", b"localhost")],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("expert", 80),
        "client": ("test", 1),
    }
    messages = [{"type": "http.request", "body": data, "more_body": not whole}]
    sent = []

    async def receive():
        return messages.pop(0) if messages else await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    return sent


def eventually(ask, fits):
    """The first answer that fits; fails after a minute."""
    end = time.monotonic() + 60
    while not fits(answer := ask()):
        assert time.monotonic() < end, f"waited in vain, the last answer was {answer}"
        time.sleep(0.01)
    return answer
