"""The measuring tools measure: attacks are attacks, tallies count, a slice of the fuzz is clean."""

from __future__ import annotations

import asyncio
import itertools
import random

from services.selfcheck.fuzz import fuzz, fuzz_claims
from services.selfcheck.load import picture
from services.selfcheck.mutations import _KINDS, attack, bomb
from services.selfcheck.peer import infer
from services.selfcheck.wire import Connection, Tally, hammer, request_bytes
from tests.services.test_app import inline_body
from tests.services.world import picture as png


def test_every_kind_of_broken_request_is_refused_by_every_expert(suite, tmp_path):
    found = asyncio.run(fuzz(suite, tmp_path, 600, 1, "realistic"))
    assert found.wrong == []
    assert set(found.kinds) == set(_KINDS)
    claims = list(fuzz_claims(suite, tmp_path, 20))
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
    answer = infer({"image": inline_body(png(1))["image"]["data"]}, 0, 0)
    assert len(answer["depth"]) == 48
    assert (answer["depth_min"], answer["depth_max"]) == (1, 2)


def test_pictures_to_measure_with_are_all_different():
    assert len({picture(number, "JPEG", (64, 48)) for number in range(8)}) == 8
