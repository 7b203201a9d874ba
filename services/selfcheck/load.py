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

from memory.blobs import sha256_of
from memory.claims import Claim
from services.selfcheck.peer import has_flask
from services.selfcheck.servers import Served, ours, peer
from services.selfcheck.wire import Connection, cpu_seconds, hammer, request_bytes
from services.tensors import MEDIA_TYPE

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


def load_claims(folder: Path, seconds: float = 4.0) -> Iterator[Claim]:
    """Ratios to the plain server, and how much of the model's own ceiling batching reaches."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [(picture(n, "JPEG"), picture(n, "PNG")) for n in range(PICTURES)]
    with ours(folder) as our, peer(folder) as plain:
        asyncio.run(_upload(our.port, [jpeg for jpeg, _ in pictures]))
        by_hash = [_depth_request({"sha256": sha256_of(jpeg)}) for jpeg, _ in pictures]
        inside = [_inline_request(jpeg) for jpeg, _ in pictures]
        peers = [_peer_request(png) for _, png in pictures]
        reference, inline, other = _in_turns(
            [(our, by_hash), (our, inside), (plain, peers)], seconds
        )
    kind = "Flask" if has_flask() else "standard library threads (Flask is not installed)"
    note = f"ours {reference.per_second:.0f}/s, {reference.cpu_ms:.2f} ms CPU; " + (
        f"{kind} {other.per_second:.1f}/s, {other.cpu_ms:.0f} ms CPU"
    )
    ratio, share = reference.per_second / other.per_second, reference.cpu_ms / other.cpu_ms
    yield Claim.at_least("requests/s by reference, times a plain server", ratio, 10, note)
    yield Claim.at_most("server CPU per request by reference, share of a plain server", share, 0.1)
    told = f"image in the request, array in the answer: {inline.per_second:.0f}/s"
    ratio = inline.per_second / other.per_second
    yield Claim.at_least("requests/s inline, times a plain server", ratio, 4, told)
    yield from batching_claims(folder, seconds)


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


def _depth_request(image: dict[str, str], **headers: str) -> bytes:
    body = json.dumps({"image": image}).encode()
    return request_bytes("POST", "/v1/depth", body, Content_Type=_JSON, **headers)


def _inline_request(jpeg: bytes) -> bytes:
    data = base64.b64encode(jpeg).decode()
    return _depth_request({"data": data, "media_type": "image/jpeg"}, Accept=MEDIA_TYPE)


def _peer_request(png: bytes) -> bytes:
    body = json.dumps({"image": base64.b64encode(png).decode()}).encode()
    return request_bytes("POST", "/infer", body, Content_Type=_JSON)
