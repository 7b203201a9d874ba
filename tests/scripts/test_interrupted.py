"""Ctrl-C where it had hung, waited or been told as a failure: real processes, real signals."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from surveyor.compose.session import ended
from surveyor.memory.runs import RunFolder
from tests.support.openai_server import RehearsalServer, Reply, Request, says
from tests.viewer.stage import photo

META = Path(__file__).parents[1] / "fixtures" / "vsi_meta"
SURVEYOR = [sys.executable, "-m", "surveyor.cli.main"]


Thinking = tuple[tuple[str, ...], threading.Event]
"""The options that name a model which is asked and does not answer, and when it was asked."""


@contextmanager
def started(*words: str, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """A command in a session of its own, which Ctrl-C reaches as a whole."""
    child = subprocess.Popen(
        [*SURVEYOR, *words],
        cwd=cwd,
        env={**os.environ, "SURVEYOR_CACHE": str(cwd / "cache")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield child
    finally:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def line_with(child: subprocess.Popen[str], pattern: str) -> str:
    """The first line that has the pattern."""
    assert child.stdout is not None
    seen = []
    for line in child.stdout:
        seen.append(line)
        if re.search(pattern, line):
            return line
    raise AssertionError("".join(seen))


@pytest.fixture
def thinking(tmp_path: Path) -> Iterator[Thinking]:
    """The model, beside a photo to ask it about."""
    (tmp_path / "a.jpg").write_bytes(photo())
    asked, go = threading.Event(), threading.Event()

    def script(_: Request) -> Reply:
        asked.set()
        go.wait(120)
        return says("<answer>yes</answer>")

    with RehearsalServer(script) as server:
        yield ("--model", "m", "--base-url", server.url), asked
        go.set()


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_finishes_what_is_begun_and_a_second_one_drops_it(
    tmp_path: Path, times: int
) -> None:
    size = ("--per-type", "1", "--frames", "6", "--width", "96", "--height", "72")
    with started("rooms", "make", "r", "--rooms", "40", *size, cwd=tmp_path) as child:
        line_with(child, "room 1 of")
        for _ in range(times):
            os.killpg(child.pid, signal.SIGINT)
        said, _ = child.communicate(timeout=120)
    assert child.returncode == 130, said
    made = sum(1 for _ in tmp_path.glob("r.part/truth/scenes/*/truth.json"))
    saved = f"stopped: {made} scenes? of 40 saved; run the same command again to resume"
    assert re.search(saved, said), said
    if times == 1:
        assert "stopping: what is begun is finished first; Ctrl-C again drops it" in said
    assert "Traceback" not in said


def test_shards_that_are_stopped_say_so_once(tmp_path: Path) -> None:
    slow = ("--concurrency", "1", "--epochs", "60", "--shards", "2", "--out", "parts")
    with started("run", "vsi-meta", "--meta", str(META), *slow, cwd=tmp_path) as child:
        while not any(tmp_path.glob("parts.shard-?-of-2/episodes/*")):
            assert child.poll() is None
            time.sleep(0.01)
        os.killpg(child.pid, signal.SIGINT)
        said, _ = child.communicate(timeout=120)
    assert child.returncode == 130, said
    assert said.count("stopped") == 1, said
    told = re.search(r"stopped: (\d+) of (\d+) episodes saved in the shards of parts; run", said)
    assert told is not None, said
    parts = [RunFolder.open(path) for path in tmp_path.glob("parts.shard-?-of-2")]
    assert int(told[1]) == sum(map(ended, parts)) < int(told[2])
    assert int(told[2]) >= sum(60 * len(part.schedule) for part in parts)


def test_a_question_that_is_stopped_is_no_failure(tmp_path: Path, thinking: Thinking) -> None:
    model, asked = thinking
    with started("ask", "a.jpg", "Is it nice?", *model, cwd=tmp_path) as child:
        assert asked.wait(120)
        os.killpg(child.pid, signal.SIGINT)
        said, _ = child.communicate(timeout=120)
    assert (child.returncode, said.strip()) == (130, "stopped")


def test_the_viewer_ends_without_waiting_for_an_answer(tmp_path: Path, thinking: Thinking) -> None:
    model, asked = thinking
    subprocess.run([*SURVEYOR, "ask", "a.jpg", "Is it?", "--place", "p"], cwd=tmp_path, check=False)
    with started("view", "--ask", "--no-token", *model, cwd=tmp_path) as child:
        address = line_with(child, "http://").strip().removesuffix("places")
        said: list[httpx2.Response] = []

        def ask() -> None:
            body = json.dumps({"question": "Is it nice?"})
            same = {"sec-fetch-site": "same-origin"}
            said.append(
                httpx2.post(f"{address}api/place/p/ask", content=body, headers=same, timeout=120)
            )

        asks = threading.Thread(target=ask)
        asks.start()
        assert asked.wait(120)
        os.killpg(child.pid, signal.SIGINT)
        printed, _ = child.communicate(timeout=100)  # the model would not have answered by then
        asks.join(120)
    assert child.returncode == 130, printed
    assert said[0].json()["detail"] == "stopped; nothing was answered"
    assert "Traceback" not in printed
