"""The measuring tools measure: attacks are attacks, tallies count, a slice of the fuzz is clean."""

from __future__ import annotations

import asyncio
import base64
import io
import itertools
import json
import os
import random

import numpy as np

from tests.claims.experts.fuzz import fuzz, fuzz_claims
from tests.claims.experts.http_client import Connection, Tally, hammer, request_bytes
from tests.claims.experts.load import load_claims, picture
from tests.claims.experts.mutations import _KINDS, attack, bomb
from tests.claims.experts.plain_server import infer, server_name
from tests.claims.experts.servers import peer
from tests.services.test_app import inline_body
from tests.services.world import picture as png


def test_every_kind_of_broken_request_is_refused_by_every_expert(dataset, tmp_path):
    found = asyncio.run(fuzz(dataset, tmp_path, 600, 1, "realistic"))
    assert found.wrong == []
    assert set(found.kinds) == set(_KINDS)
    claims = list(fuzz_claims(dataset, tmp_path, 20))
    assert all(claim.ok for claim in claims)


def test_attacks_repeat_for_a_seed():
    body = {"image": {"sha256": "0" * 64}}
    one, two = (attack(body, b"x" * 100, random.Random(5)) for _ in range(2))
    assert one == two
    assert len(bomb()) < 500_000


def test_a_tally_knows_quantiles():
    tally = Tally()
    for number in range(100):
        tally.add(200, number / 100)
    assert tally.quantile(200, 0.99) == 0.99
    assert tally.quantile(503, 0.5) == 0
    assert tally.count(200) == 100


def test_the_lean_client_speaks_http_and_counts_what_breaks():
    async def server(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi")
        await writer.drain()
        writer.close()

    async def main():
        listening = await asyncio.start_server(server, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        reply = await Connection(port).send(request_bytes("GET", "/", X_Extra="1"))
        tally = await hammer(port, itertools.repeat(request_bytes("GET", "/"), 20), 4, 5)
        listening.close()
        await listening.wait_closed()
        gone = await hammer(port, itertools.repeat(request_bytes("GET", "/"), 3), 1, 5)
        return reply, tally, gone

    reply, tally, gone = asyncio.run(main())
    assert (reply.status, reply.body) == (200, b"hi")
    assert tally.count(200) == 20
    assert gone.broken == 3


def test_the_plain_server_answers_on_its_own_wire():
    data = inline_body(png(1))["image"]["data"]
    answer = infer({"image": data}, 0, 0)
    assert len(answer["depth"]) == 48
    assert (answer["depth_min"], answer["depth_max"]) == (1, 2)
    packed = infer({"image": data}, 0, 0, "npz")
    with np.load(io.BytesIO(base64.b64decode(packed["raw_depth_npz"]))) as arrays:
        assert arrays["depth"].tolist() == answer["depth"]


def test_the_plain_server_is_a_process_of_its_own_and_says_what_it_is(tmp_path):
    with peer(tmp_path, "npz") as server:
        assert server.pid != os.getpid()
        body = json.dumps({"image": inline_body(png(1))["image"]["data"]}).encode()
        request = request_bytes("POST", "/infer", body, Content_Type="application/json")
        reply = asyncio.run(Connection(server.port).send(request))
        served_by = reply.headers["server"]
    assert reply.status == 200
    assert json.loads(reply.body)["shape"] == [48, 64]
    assert ("werkzeug" in served_by) == server_name().startswith("Flask")


def test_ratios_to_the_plain_server_are_printed_with_what_it_is(tmp_path):
    claims = list(load_claims(tmp_path, 0.2))
    names = [claim.name for claim in claims]
    assert sum("by reference" in name for name in names) == 5
    assert all(server_name() in claim.note for claim in claims[:2])
    assert all(isinstance(claim.value, float) and claim.value > 0 for claim in claims)


def test_pictures_to_measure_with_are_all_different():
    assert len({picture(number, "JPEG", (64, 48)) for number in range(8)}) == 8
