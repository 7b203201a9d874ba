"""Claims about what was found by attacking the expert services: memory, readiness, repair, end."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import os
import random
import re
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from surveyor.core.blobs import BlobStore, sha256_of
from surveyor.services.launch import launch
from surveyor.services.plan import LaunchPlan
from surveyor.services.settings import Batching, RequestLimits
from tests.claims.claim import Claim
from tests.claims.experts.http_client import Connection, Reply, request_bytes, resident_bytes
from tests.claims.experts.servers import Served, fake_plan, served

STALLED, STALLED_BYTES = 60, 8 << 20
IMAGES, SIDE = 40, 6324  # 40 megapixels each
_GIB = float(1 << 30)
_BODY_SECONDS = 10.0
_BLOCKED = 1.0
_SCANS = 1200
_JSON = "application/json"
_CUT = 0


def measure() -> Iterator[Claim]:
    """Every row, each with a service of its own; about two minutes."""
    with tempfile.TemporaryDirectory(prefix="surveyor-proofs-") as name:
        folder = Path(name)
        yield from _stalled(folder / "stalled")
        yield from _many_pixels(folder / "pixels")
        yield from _scans(folder / "scans")
        yield from _repaired(folder / "repaired")
        yield from _ended(folder / "ended")


def _stalled(folder: Path) -> Iterator[Claim]:
    """Uploads and bodies that stop half-way."""
    plan = _plan(folder, RequestLimits(body_seconds=_BODY_SECONDS))
    with launch(plan) as handle:
        at = served(handle)
        for method, held in (("PUT", "on disk"), ("POST", "in memory, within one bound")):
            codes = asyncio.run(_stall_all(at.port, method))
            name = f"{STALLED} stalled {method}s of {STALLED_BYTES >> 20} MiB: peak memory (GiB)"
            yield Claim.at_most(name, _peak(at.pid), 1.0, f"kept {held}")
            ok = sum(codes.values()) == STALLED and set(codes) <= {_CUT, 408, 503}
            note = f"{_CUT}: cut off while it still sent"
            yield Claim.holds(f"stalled {method}s are let go", ok, str(dict(codes)), note)
        left = [path for path in plan.blob_dir.rglob("*") if path.is_file()]
        yield Claim.at_most("files that they leave behind", len(left), 1)  # the probe's own answer


async def _stall_all(port: int, method: str) -> Counter[int]:
    """Status codes of requests that announce twice what they send."""
    piece = os.urandom(STALLED_BYTES)

    async def one(number: int) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        path = f"/v1/blobs/{number:064x}" if method == "PUT" else "/v1/depth"
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {_JSON}\r\n"
        head += f"Content-Length: {2 * STALLED_BYTES}\r\n\r\n"
        with suppress(OSError):  # refused and closed while it sends
            writer.write(head.encode() + piece)
            await writer.drain()
        try:
            line = await asyncio.wait_for(reader.readline(), 6 * _BODY_SECONDS)
            return int(line.split()[1])
        except (OSError, IndexError):
            return _CUT
        except TimeoutError:
            return 1
        finally:
            writer.close()

    return Counter(await asyncio.gather(*map(one, range(STALLED))))


def _many_pixels(folder: Path) -> Iterator[Claim]:
    """One request with far more pixels than fit, and one with as many as are let in."""
    with launch(
        _plan(folder, RequestLimits(), "reconstruct", "reference", folder / "dataset")
    ) as handle:
        at = served(handle)
        for count, expected in ((IMAGES, 413), (4, 404)):
            images = [_inline(_png(SIDE, number)) for number in range(count)]
            reply = _ask(at.port, "reconstruct", {"images": images})
            name = f"one request with {count} PNGs of 40 MP: peak memory (GiB)"
            yield Claim.at_most(name, _peak(at.pid), 1.0, reply.body.decode()[:120])
            yield Claim.holds("it is answered", reply.status == expected, str(reply.status))


def _scans(folder: Path) -> Iterator[Claim]:
    """As many progressive JPEGs with thousands of scans as there are preparing threads."""
    bombs = min(4, os.cpu_count() or 1)
    plan = _plan(folder, RequestLimits(), batching=Batching(blocked=_BLOCKED))
    with launch(plan) as handle:
        at = served(handle)
        share, codes, seconds = asyncio.run(_watched(at, [_scan_bomb(n) for n in range(bombs)]))
        told = f"{bombs} of {len(_scan_bomb(0)) >> 10} kB: {dict(codes)} within {seconds:.1f} s"
        # A thread is free again a moment before its request is answered.
        name = "scan bombs: share of polls that say not ready while all threads decode"
        yield Claim.at_least(name, share, 0.9, told)
        yield Claim.at_most("scan bombs: peak memory (GiB)", _peak(at.pid), 1.0)


async def _watched(at: Served, bombs: list[bytes]) -> tuple[float, Counter[int], float]:
    """Share of the late polls without any bomb's answer that said 503 (1 if there was none),
    answers by status, seconds."""
    began = time.monotonic()
    asked = [asyncio.create_task(_depth(at.port, bomb)) for bomb in bombs]
    told: list[int] = []
    while not any(task.done() for task in asked):
        polled = time.monotonic()
        reply = await _get(at.port, "/readyz")
        if polled - began > 3 * _BLOCKED and not any(task.done() for task in asked):
            told.append(reply.status)
        await asyncio.sleep(0.1)
    codes = Counter([(await task).status for task in asked])
    share = told.count(503) / len(told) if told else 1.0
    return share, codes, time.monotonic() - began


def _repaired(folder: Path) -> Iterator[Claim]:
    """A blob that the disk damaged, and a name that is not the service's."""
    plan = _plan(folder, RequestLimits())
    data = random.Random(0).randbytes(100_000)
    path = f"/v1/blobs/{sha256_of(data)}"
    with launch(plan) as handle:
        port = served(handle).port
        seen = [_send(port, "PUT", path, data).status]
        stored = BlobStore(plan.blob_dir).path(sha256_of(data))
        stored.write_bytes(data[:50_000])
        for method, body in (("GET", b""), ("PUT", data), ("GET", b"")):
            seen.append(_send(port, method, path, body).status)
        ok = seen == [201, 404, 201, 200] and stored.read_bytes() == data
        yield Claim.holds(
            "a damaged blob is missing, and heals when it is put again", ok, str(seen)
        )
        request = request_bytes("GET", "/v1/info").replace(b"Host: ", b"Host: evil.")
        refused = asyncio.run(_once(port, request)).status
        yield Claim.holds("a foreign Host is refused", refused == 421, str(refused))


def _ended(folder: Path) -> Iterator[Claim]:
    """SIGTERM while requests wait."""
    plan = _plan(folder, RequestLimits())
    with launch(plan) as handle:
        at = served(handle)
        codes = asyncio.run(_stopped(at))
    logs = "".join(path.read_text() for path in plan.log_dir.iterdir())
    told = f"24 unfinished requests were told {dict(codes)}"
    yield Claim.at_most("tracebacks in the logs after SIGTERM", logs.count("Traceback"), 0, told)


async def _stopped(at: Served) -> Counter[int]:
    async def one(number: int) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", at.port)
        head = f"PUT /v1/blobs/{number:064x} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n"
        writer.write(head.encode() + b"Expect: 100-continue\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        ready.release()
        line = await reader.readline()
        writer.close()
        return int(line.split()[1]) if line else 0

    ready = asyncio.Semaphore(0)
    waiting = [asyncio.create_task(one(number)) for number in range(24)]
    for _ in waiting:
        await ready.acquire()
    os.kill(at.pid, signal.SIGTERM)
    return Counter(await asyncio.gather(*waiting))


def _plan(
    folder: Path,
    limits: RequestLimits,
    expert: str = "depth",
    backend: str = "fake",
    dataset: Path | None = None,
    batching: Batching | None = None,
) -> LaunchPlan:
    plan = fake_plan(folder / "state", batching)
    if dataset is not None:
        from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset

        make_rooms_dataset(dataset, [8900], settings=RoomsSettings(n_frames=2, size=(64, 48)))
        one = plan.experts[0].model_copy(update={"expert": expert, "backend": backend})
        plan = plan.model_copy(update={"experts": (one,), "datasets": (dataset,)})
    return plan.model_copy(update={"limits": limits})


def _png(side: int, number: int) -> bytes:
    """A PNG file of one bit a pixel, different for each number."""
    from PIL import Image

    image = Image.new("1", (side, side))
    image.putpixel((number, 0), 1)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _scan_bomb(number: int) -> bytes:
    """A progressive JPEG whose last scan is there thousands of times."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.new("L", (2000, 2000 + number), 90).save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    last = [match.start() for match in re.finditer(rb"\xff\xda", data)][-1]
    return data[:last] + data[last:-2] * _SCANS + data[-2:]


def _inline(data: bytes) -> dict[str, str]:
    kind = "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"
    return {"data": base64.b64encode(data).decode(), "media_type": kind}


def _peak(pid: int) -> float:
    """Largest resident memory that a process ever had, GiB."""
    told = Path(f"/proc/{pid}/status").read_text()
    match = re.search(r"VmHWM:\s+(\d+) kB", told)
    return (int(match[1]) * 1024 if match else resident_bytes(pid)) / _GIB


def _ask(port: int, expert: str, body: dict[str, object]) -> Reply:
    return _send(port, "POST", f"/v1/{expert}", json.dumps(body).encode())


def _send(port: int, method: str, path: str, body: bytes) -> Reply:
    return asyncio.run(_once(port, request_bytes(method, path, body, Content_Type=_JSON)))


async def _depth(port: int, data: bytes) -> Reply:
    body = json.dumps({"image": _inline(data)}).encode()
    return await _once(port, request_bytes("POST", "/v1/depth", body, Content_Type=_JSON))


async def _get(port: int, path: str) -> Reply:
    return await _once(port, request_bytes("GET", path))


async def _once(port: int, request: bytes) -> Reply:
    connection = Connection(port)
    try:
        return await connection.send(request)
    finally:
        connection.close()
