"""A real headless Chromium, driven over its own protocol; skips where there is none."""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
LOADED = "Page.loadEventFired"
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--enable-unsafe-swiftshader",
    "--remote-debugging-port=0",
)


@dataclass
class Tab:
    """One page. ``problems`` collects console errors and requests that left the page, or ``home``,
    the one origin that it may ask."""

    socket: ClientConnection
    home: str = ""
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    problems: list[str] = field(default_factory=list)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the DevTools protocol, and its result."""
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv(timeout=20))
            if message.get("id") == number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result
            self._notice(message)

    def show(self, url: str, width: int, height: int, dark: bool = False) -> None:
        """Load a page in a window of that many CSS pixels, and wait until it is loaded."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.enable")
        self.call("Runtime.enable")
        self.call("Network.enable")
        self.call("Page.navigate", url=url)
        while (message := json.loads(self.socket.recv(timeout=20))).get("method") != LOADED:
            self._notice(message)

    def value(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, expression: str, seconds: float = 20) -> bool:
        """Wait until a JavaScript expression is true."""
        end = time.monotonic() + seconds
        safe = f"(() => {{ try {{ return Boolean({expression}); }} catch {{ return false; }} }})()"
        while not (value := self.value(safe)):
            assert time.monotonic() < end, (expression, self.value("document.body.innerText"))
            time.sleep(0.05)
        return bool(value)

    def press(self, key: str) -> None:
        """One key, as typed."""
        text = "\r" if key == "Enter" else key if len(key) == 1 else ""
        event = {"key": key, "text": text} if text else {"key": key}
        event |= {"windowsVirtualKeyCode": {"Enter": 13, "Escape": 27, "Tab": 9}.get(key, 0)}
        self.call("Input.dispatchKeyEvent", type="keyDown", **event)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key)

    def picture(self) -> bytes:
        """A screenshot as PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def _notice(self, message: dict[str, Any]) -> None:
        method, told = message.get("method"), message.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.problems.append(str(told))
        if method == "Network.requestWillBeSent":
            url = told["request"]["url"]
            allowed = ("data:", "file:", "blob:", *([f"{self.home}/"] if self.home else []))
            if not url.startswith(allowed):
                self.problems.append(url)
        if method == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.problems.append(str(told["entry"]))


@contextmanager
def browser(*more: str) -> Iterator[Tab]:
    """A fresh browser with one tab, started with ``more`` flags."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip("no Chromium on this machine")
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        subprocess.Popen(
            [program, *FLAGS, *more, f"--user-data-dir={profile}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        assert process.stderr is not None
        try:
            told = next(line for line in process.stderr if "DevTools listening on" in line)
            host = told.split("ws://")[1].split("/")[0]
            with urllib.request.urlopen(f"http://{host}/json") as answer:
                tabs = json.load(answer)
            page = next(tab for tab in tabs if tab["type"] == "page")
            with connect(page["webSocketDebuggerUrl"], max_size=None) as socket:
                yield Tab(socket)
        finally:
            process.kill()
            process.communicate()
