"""Load: requests per second and server CPU per request, ours beside a plain server's.

The same fake model (5 ms a batch and 1 ms an item) stands behind both, and the same client asks
both in turn, so the ratios hold on a busy machine where the absolute numbers do not.
"""

from __future__ import annotations

import asyncio
import base64
import io
import itertools
import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from surveyor.core.blobs import sha256_of
from surveyor.core.tensors import MEDIA_TYPE
from tests.claims.claim import Claim
from tests.claims.experts.http_client import Connection, cpu_seconds, hammer, request_bytes
from tests.claims.experts.plain_server import server_name
from tests.claims.experts.servers import Served, ours, peer

CLIENTS = 16
ROUNDS = 3
SIZE = (640, 480)
PICTURES = 32
_JSON = "application/json"
BASE_MS, ITEM_MS, MAX_BATCH = 5.0, 1.0, 8


@dataclass(frozen=True, slots=True)
class Speed:
    """One way of asking: requests per second and server CPU milliseconds per request."""

    per_second: float
    cpu_ms: float

    def __str__(self) -> str:
        return f"{self.per_second:.4g}/s, {self.cpu_ms:.3g} ms CPU"


def load_claims(folder: Path, seconds: float = 4.0) -> Iterator[Claim]:
    """Ratios to the plain server, and how much of the model's own ceiling batching reaches."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [(picture(n, "JPEG"), picture(n, "PNG")) for n in range(PICTURES)]
    files = [jpeg for jpeg, _ in pictures]
    with ours(folder) as our, peer(folder, "json") as lists, peer(folder, "npz") as packed:
        fetches = asyncio.run(_uploaded(our.port, files))
        by_hash = [_depth_request({"sha256": sha256_of(jpeg)}) for jpeg in files]
        both = [one for pair in zip(by_hash, fetches, strict=True) for one in pair]
        peers = [_peer_request(png) for _, png in pictures]
        reference, fetched, inline, plain, compact = _in_turns(
            [
                (our, by_hash),
                (our, both),
                (our, [_inline_request(jpeg) for jpeg in files]),
                (lists, peers),
                (packed, peers),
            ],
            seconds,
        )
    fetched = Speed(fetched.per_second / 2, fetched.cpu_ms * 2)  # two requests for each depth map
    plain_name = "a plain server"
    yield from _against(plain_name, f"{server_name()}, lists", reference, plain, (10, 0.1))
    yield _faster("inline, image in and array out", plain_name, inline, plain, 4)
    yield _faster("by reference, array fetched as well", plain_name, fetched, plain, 4)
    packed_name = f"{server_name()}, base64 of .npz and PNG"
    yield from _against("one that packs arrays", packed_name, reference, compact, (4, 0.25))
    yield from batching_claims(folder, seconds)


def _against(
    whom: str, named: str, reference: Speed, other: Speed, bounds: tuple[float, float]
) -> Iterator[Claim]:
    """Requests per second and CPU beside another server; ``bounds`` of both ratios."""
    yield _faster("by reference", whom, reference, other, bounds[0], f"; {named}: {other}")
    share = reference.cpu_ms / other.cpu_ms
    name = f"server CPU per request by reference, share of {whom}"
    yield Claim.at_most(name, share, bounds[1], f"1/{1 / share:.0f}; beside {named}")


def _faster(how: str, whom: str, speed: Speed, other: Speed, bound: float, more: str = "") -> Claim:
    name = f"requests/s {how}, times {whom}"
    return Claim.at_least(name, speed.per_second / other.per_second, bound, f"ours {speed}{more}")


def batching_claims(folder: Path, seconds: float = 4.0) -> Iterator[Claim]:
    """Throughput as a share of what the model's batch time allows at best."""
    small = [picture(n, "JPEG", (64, 48)) for n in range(PICTURES)]
    ceiling = MAX_BATCH / (BASE_MS + ITEM_MS * MAX_BATCH) * 1e3
    with ours(folder) as our:
        asyncio.run(_upload(our.port, small))
        requests = [_depth_request({"sha256": sha256_of(jpeg)}) for jpeg in small]
        speeds = [_measure(our, requests, seconds, 4 * CLIENTS) for _ in range(ROUNDS)]
    reached = max(speed.per_second for speed in speeds)
    note = f"{reached:.0f} of {ceiling:.0f} requests/s, 64 clients, batches of up to {MAX_BATCH}"
    yield Claim.at_least("batching, share of the model's own ceiling", reached / ceiling, 0.9, note)


def picture(number: int, kind: str, size: tuple[int, int] = SIZE) -> bytes:
    """A photo-like image file: smooth shapes with fine noise."""
    from PIL import Image

    rng = np.random.default_rng(number)
    width, height = size
    rows, columns = np.mgrid[:height, :width]
    waves = [
        np.sin(rows / rng.uniform(20, 90) + columns / rng.uniform(20, 90)) * 60 for _ in range(3)
    ]
    pixels = 128 + np.stack(waves, axis=-1) + rng.normal(0, 3, (height, width, 3))
    buffer = io.BytesIO()
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    image.save(buffer, kind, **({"quality": 90} if kind == "JPEG" else {}))
    return buffer.getvalue()


def _in_turns(ways: Sequence[tuple[Served, list[bytes]]], seconds: float) -> list[Speed]:
    """Median of several rounds in which every way has its turn."""
    rounds = [
        [_measure(server, requests, seconds, CLIENTS) for server, requests in ways]
        for _ in range(ROUNDS)
    ]
    return [
        Speed(
            statistics.median(speed.per_second for speed in column),
            statistics.median(speed.cpu_ms for speed in column),
        )
        for column in zip(*rounds, strict=True)
    ]


def _measure(server: Served, requests: list[bytes], seconds: float, clients: int) -> Speed:
    before = cpu_seconds(server.pid)
    tally = asyncio.run(hammer(server.port, itertools.cycle(requests), clients, seconds))
    answered = tally.count(200)
    if answered == 0:
        raise RuntimeError(f"no request was answered: {sorted(tally.latencies)}")
    used = cpu_seconds(server.pid) - before
    return Speed(answered / tally.seconds, used / answered * 1e3)


async def _upload(port: int, files: list[bytes]) -> None:
    connection = Connection(port)
    for data in files:
        await connection.send(request_bytes("PUT", f"/v1/blobs/{sha256_of(data)}", data))
    connection.close()


async def _uploaded(port: int, files: list[bytes]) -> list[bytes]:
    """Upload pictures and ask about each once; the requests that fetch their depth maps."""
    await _upload(port, files)
    connection, fetches = Connection(port), []
    for data in files:
        reply = await connection.send(_depth_request({"sha256": sha256_of(data)}))
        depth = json.loads(reply.body)["depth"]["sha256"]
        fetches.append(request_bytes("GET", f"/v1/blobs/{depth}"))
    connection.close()
    return fetches


def _depth_request(image: dict[str, str], **headers: str) -> bytes:
    body = json.dumps({"image": image}).encode()
    return request_bytes("POST", "/v1/depth", body, Content_Type=_JSON, **headers)


def _inline_request(jpeg: bytes) -> bytes:
    data = base64.b64encode(jpeg).decode()
    return _depth_request({"data": data, "media_type": "image/jpeg"}, Accept=MEDIA_TYPE)


def _peer_request(png: bytes) -> bytes:
    body = json.dumps({"image": base64.b64encode(png).decode()}).encode()
    return request_bytes("POST", "/infer", body, Content_Type=_JSON)
