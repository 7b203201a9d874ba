"""A lean HTTP/1.1 client on asyncio streams: measuring a server must not cost more than serving."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Tally:
    """What many requests came to: latencies (s) by status, and requests without an answer."""

    latencies: dict[int, list[float]] = field(default_factory=dict)
    broken: int = 0
    seconds: float = 0.0

    def add(self, status: int, seconds: float) -> None:
        """Count one answer."""
        self.latencies.setdefault(status, []).append(seconds)

    def count(self, status: int) -> int:
        """Answers with this status."""
        return len(self.latencies.get(status, ()))

    def quantile(self, status: int, share: float) -> float:
        """Latency below which ``share`` of the answers with this status stayed."""
        ordered = sorted(self.latencies.get(status, ()))
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


class Connection:
    """One kept-alive connection."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, request: bytes) -> Reply:
        """Send the bytes of a whole request; `OSError` when the connection breaks."""
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 20)
        reader, writer = self._streams
        try:
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = await reader.readexactly(int(headers.get("content-length", "0")))
        except (asyncio.IncompleteReadError, OSError) as error:
            self.close()
            raise ConnectionError("the connection broke") from error
        if headers.get("connection") == "close":
            self.close()
        return Reply(int(head[0].split()[1]), headers, body)

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            with contextlib.suppress(OSError, RuntimeError):
                self._streams[1].close()
            self._streams = None


def request_bytes(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """A request ready to be sent; header names are given with underscores."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


async def hammer(port: int, requests: Iterable[bytes], clients: int, seconds: float) -> Tally:
    """``clients`` connections ask one request after another for ``seconds``.

    A refused client (503) waits a moment and goes on; every request is counted.
    """
    tally = Tally()
    pending = iter(requests)
    began = time.perf_counter()

    async def client() -> None:
        connection = Connection(port)
        while time.perf_counter() - began < seconds and (request := next(pending, None)):
            asked = time.perf_counter()
            try:
                reply = await connection.send(request)
            except OSError:
                tally.broken += 1
                continue
            tally.add(reply.status, time.perf_counter() - asked)
            if reply.status == 503:
                await asyncio.sleep(0.05)
        connection.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    tally.seconds = time.perf_counter() - began
    return tally


def cpu_seconds(pid: int) -> float:
    """CPU time that a process has used (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / float(os.sysconf("SC_CLK_TCK"))


def resident_bytes(pid: int) -> int:
    """Resident memory of a process (Linux)."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * int(os.sysconf("SC_PAGE_SIZE"))


def wait_until(condition: Callable[[], bool], seconds: float, what: str) -> None:
    """Poll another process; `TimeoutError` says what did not happen."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(f"{what} did not happen within {seconds:g} s")
        time.sleep(0.02)
