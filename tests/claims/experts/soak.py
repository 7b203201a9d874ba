"""Soak: many more clients than the queue holds, for a while."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Iterator
from pathlib import Path

from surveyor.core.blobs import sha256_of
from surveyor.services.settings import Batching
from tests.claims.claim import Claim
from tests.claims.experts.http_client import (
    Connection,
    Tally,
    hammer,
    request_bytes,
    resident_bytes,
)
from tests.claims.experts.load import BASE_MS, ITEM_MS, MAX_BATCH, picture
from tests.claims.experts.servers import ours

CLIENTS, QUEUE, SECONDS = 256, 64, 60.0
_WARM = 0.15  # of the time passes before memory is first read
_ROUNDS = 5


def soak_claims(
    folder: Path, seconds: float = SECONDS, clients: int = CLIENTS, queue: int = QUEUE
) -> Iterator[Claim]:
    """No failure but a polite refusal, no lost request, flat memory, bounded waiting."""
    data = picture(0, "JPEG", (64, 48))
    body = json.dumps({"image": {"sha256": sha256_of(data)}}).encode()
    request = request_bytes("POST", "/v1/depth", body, Content_Type="application/json")
    with ours(folder, Batching(queue=queue)) as server:
        asyncio.run(_upload(server.port, data))
        asyncio.run(hammer(server.port, itertools.repeat(request), clients, _WARM * seconds))
        tallies, memory = [], [resident_bytes(server.pid)]
        for _ in range(_ROUNDS):
            part = (1 - _WARM) * seconds / _ROUNDS
            requests = itertools.repeat(request)
            tallies.append(asyncio.run(hammer(server.port, requests, clients, part)))
            memory.append(resident_bytes(server.pid))
        refusal = asyncio.run(_refusal(server.port, request, 4 * queue))
    total = _joined(tallies)
    counts = {status: total.count(status) for status in sorted(total.latencies)}
    asked = f"{sum(counts.values())} answers in {total.seconds:.0f} s: {counts}"
    others = sum(count for status, count in counts.items() if status not in (200, 503))
    yield Claim.at_most(f"{clients} clients, queue of {queue}: other failures", others, 0, asked)
    yield Claim.at_most("requests without an answer", total.broken, 0)
    yield Claim.holds(
        "refusals say when to come back", refusal.isdigit(), f"Retry-After: {refusal}"
    )
    drift = max(abs(one / memory[0] - 1) for one in memory[1:])
    told = " ".join(f"{one / 2**20:.1f}" for one in memory) + " MiB"
    yield Claim.at_most("largest change of resident memory", drift, 0.05, told)
    batch = (BASE_MS + ITEM_MS * MAX_BATCH) / 1e3
    p99 = total.quantile(200, 0.99)
    yield Claim.at_most("p99 of accepted requests (s)", p99, 3 * batch * queue)


async def _upload(port: int, data: bytes) -> None:
    connection = Connection(port)
    await connection.send(request_bytes("PUT", f"/v1/blobs/{sha256_of(data)}", data))
    connection.close()


async def _refusal(port: int, request: bytes, burst: int) -> str:
    """`Retry-After` of a refusal in a burst that no queue can hold."""

    async def once() -> str | None:
        connection = Connection(port)
        reply = await connection.send(request)
        connection.close()
        return reply.headers.get("retry-after", "") if reply.status == 503 else None

    refused = [told for told in await asyncio.gather(*(once() for _ in range(burst))) if told]
    return refused[0] if refused else ""


def _joined(tallies: list[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        for status, latencies in tally.latencies.items():
            total.latencies.setdefault(status, []).extend(latencies)
        total.broken += tally.broken
        total.seconds += tally.seconds
    return total
