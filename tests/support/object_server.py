"""A real S3 server on this machine, over HTTP: moto's, in a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx2
import pytest

BUCKET = "lab"
SECRET = "wJalr-not-a-real-secret"


class ObjectServer:
    """Started, killed and started again at one address. It keeps objects in memory, so that a
    killed one has lost them all."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def environment(self) -> dict[str, str]:
        """What a client of the server has to have in its environment."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_ACCESS_KEY_ID": "AKIANOTREAL",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def start(self, more: Mapping[str, str] | None = None, *, bucket: bool = True) -> None:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self._port)]
        quiet = subprocess.DEVNULL
        known = {**os.environ, **self.environment, **(more or {})}
        self._process = subprocess.Popen(command, env=known, stdout=quiet, stderr=quiet)
        for _ in range(600):
            try:
                httpx2.get(f"{self.url}/moto-api/data.json", timeout=5)
                break
            except httpx2.TransportError:
                assert self._process.poll() is None, "moto's server did not start"
                time.sleep(0.1)
        if bucket:
            assert httpx2.put(f"{self.url}/{BUCKET}", timeout=30).status_code == 200

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None


@contextmanager
def object_server() -> Iterator[ObjectServer]:
    """A running server with one empty bucket; skips where moto or s3fs is not installed."""
    pytest.importorskip("moto", reason="moto is not installed: no S3 server here")
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    server = ObjectServer()
    server.start()
    try:
        yield server
    finally:
        server.kill()
