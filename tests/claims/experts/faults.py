"""Faults on purpose: what happened, and what the client saw."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

from surveyor.core.blobs import sha256_of
from surveyor.services.contract import Problem
from surveyor.services.launch import SupervisorHandle, launch
from surveyor.services.plan import read_endpoints
from surveyor.services.settings import Batching
from tests.claims.claim import Claim
from tests.claims.experts.fake_model import HANG, OUT_OF_MEMORY
from tests.claims.experts.http_client import Connection, Reply, Tally, request_bytes, wait_until
from tests.claims.experts.load import picture
from tests.claims.experts.servers import fake_plan, served

_CLIENTS = 16
_PATIENCE = 30.0
_JSON = "application/json"


def fault_claims(folder: Path) -> Iterator[Claim]:
    """One row for each fault; the value is what the client saw, the note what happened."""
    folder.mkdir(parents=True, exist_ok=True)
    # Unhealthy after one second in one batch, looked at ten times a second.
    plan = fake_plan(folder / "faults", Batching(stuck=1.0))
    plan = plan.model_copy(update={"health_period": 0.1})
    data = picture(0, "JPEG", (64, 48))
    with launch(plan) as handle:
        asyncio.run(_put(_port(handle), data))
        yield from _killed(handle, data)
        yield from _out_of_memory(handle, data)
        yield from _hanging(handle, data)
        yield from _disk_full(handle, data)
        yield from _port_taken(handle, folder)
    yield from _token(folder, data)


def _killed(handle: SupervisorHandle, data: bytes) -> Iterator[Claim]:
    """``kill -9`` of the worker while 16 clients ask."""
    tally = asyncio.run(_under_load(handle, data))
    seen = {status: tally.count(status) for status in sorted(tally.latencies)}
    ok = not set(seen) - {200, 503} and tally.broken <= _CLIENTS and _answers(handle, data)
    longest = max((max(times) for times in tally.latencies.values()), default=0.0)
    note = (
        f"{tally.broken} connections broke with the process (clients ask again); those that "
        f"connected meanwhile waited at most {longest:.1f} s for the next one, at the same address"
    )
    yield Claim.holds("worker killed with -9 under load", ok, str(seen), note)


async def _under_load(handle: SupervisorHandle, data: bytes) -> Tally:
    tally = Tally()
    began = time.perf_counter()
    port, pid = _port(handle), _pid(handle)

    async def client() -> None:
        connection = Connection(port)
        while time.perf_counter() - began < 1.0 or _pid(handle) == pid:
            asked = time.perf_counter()
            try:
                reply = await connection.send(_depth(data))
            except OSError:
                tally.broken += 1
                await asyncio.sleep(0.02)
                continue
            tally.add(reply.status, time.perf_counter() - asked)
            await asyncio.sleep(0.05 if reply.status == 503 else 0)
        connection.close()

    async def killer() -> None:
        await asyncio.sleep(0.5)
        os.kill(pid, signal.SIGKILL)

    async with asyncio.timeout(_PATIENCE):
        await asyncio.gather(killer(), *(client() for _ in range(_CLIENTS)))
    return tally


def _out_of_memory(handle: SupervisorHandle, data: bytes) -> Iterator[Claim]:
    """The model runs out of memory on one of eight requests that share a batch."""
    requests = [_depth(data, focal=OUT_OF_MEMORY if i == 3 else 100.0 + i) for i in range(8)]
    replies = asyncio.run(_together(_port(handle), requests))
    bad = replies.pop(3)
    ok = bad.status == 503 and _problem(bad).code == "out_of_memory"
    ok = ok and all(reply.status == 200 for reply in replies)
    note = "the batch was halved until the culprit was alone; its seven neighbours were answered"
    yield Claim.holds("model out of memory", ok, f"{bad.status} {_problem(bad).code}", note)


def _hanging(handle: SupervisorHandle, data: bytes) -> Iterator[Claim]:
    """The model never comes back."""
    pid, port = _pid(handle), _port(handle)
    request = _depth(data, focal=HANG, X_Request_Timeout="0.5")
    began = time.monotonic()
    reply = asyncio.run(_ask(port, request))
    waited = time.monotonic() - began
    ok = reply.status == 504 and waited < 3.0
    wait_until(lambda: _pid(handle) != pid, _PATIENCE, "the replacement of a hanging worker")
    ok = ok and _answers(handle, data)
    note = (
        f"the caller was told after {waited:.1f} s; the worker called itself unhealthy and was "
        f"replaced {time.monotonic() - began:.1f} s after it hung"
    )
    yield Claim.holds("model hanging", ok, f"{reply.status} {_problem(reply).code}", note)


def _disk_full(handle: SupervisorHandle, data: bytes) -> Iterator[Claim]:
    """The blob store cannot be written: a file lies where new blobs would go."""
    other = picture(1, "JPEG", (64, 48))
    digest = sha256_of(other)
    shelf = handle.plan.blob_dir / digest[:2]
    made = not shelf.exists()
    if made:
        shelf.write_bytes(b"")
    put = request_bytes("PUT", f"/v1/blobs/{digest}", other)
    reply = asyncio.run(_ask(_port(handle), put))
    if made:
        shelf.unlink()
    again = asyncio.run(_ask(_port(handle), put))
    ok = reply.status == 507 and again.status == 201 and _answers(handle, data)
    note = "nothing half-written; the same PUT succeeds once there is room"
    yield Claim.holds("disk full for blobs", ok, f"{reply.status} {_problem(reply).code}", note)


def _port_taken(handle: SupervisorHandle, folder: Path) -> Iterator[Claim]:
    """The wanted port belongs to somebody else."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        wanted = taken.getsockname()[1]
        plan = fake_plan(folder / "taken")
        expert = plan.experts[0].model_copy(update={"port": wanted})
        with launch(plan.model_copy(update={"experts": (expert,)})) as other:
            got = _port(other)
    ok = got not in (wanted, _port(handle))
    note = "another port was taken and written to the endpoints file"
    yield Claim.holds("port taken", ok, f"{wanted} -> {got}" if ok else str(got), note)


def _token(folder: Path, data: bytes) -> Iterator[Claim]:
    """A token is asked for and is missing or wrong."""
    token_file = folder / "token"
    token_file.write_text("right")
    plan = fake_plan(folder / "token-state").model_copy(update={"token_file": token_file})
    digest = sha256_of(data)
    with launch(plan) as handle:
        statuses = []
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer right"}):
            put = request_bytes("PUT", f"/v1/blobs/{digest}", data, **headers)
            statuses.append(asyncio.run(_ask(_port(handle), put)).status)
    note = "missing, wrong, right"
    yield Claim.holds("token missing or wrong", statuses == [401, 401, 201], str(statuses), note)


def _answers(handle: SupervisorHandle, data: bytes) -> bool:
    """Whether the expert answers again."""

    def answered() -> bool:
        return asyncio.run(_ask(_port(handle), _depth(data))).status == 200

    wait_until(answered, _PATIENCE, "an answer after the fault")
    return True


def _depth(data: bytes, focal: float = 100.0, **headers: str) -> bytes:
    body = json.dumps({"image": {"sha256": sha256_of(data)}, "focal": focal}).encode()
    return request_bytes("POST", "/v1/depth", body, Content_Type=_JSON, **headers)


async def _put(port: int, data: bytes) -> None:
    await _ask(port, request_bytes("PUT", f"/v1/blobs/{sha256_of(data)}", data))


async def _ask(port: int, request: bytes) -> Reply:
    connection = Connection(port)
    try:
        return await connection.send(request)
    finally:
        connection.close()


async def _together(port: int, requests: list[bytes]) -> list[Reply]:
    return list(await asyncio.gather(*(_ask(port, request) for request in requests)))


def _problem(reply: Reply) -> Problem:
    return Problem.model_validate_json(reply.body)


def _port(handle: SupervisorHandle) -> int:
    return served(handle).port


def _pid(handle: SupervisorHandle) -> int:
    return read_endpoints(handle.endpoints_file).experts[0].pid
