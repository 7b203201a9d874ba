"""A damaged cache costs answers, never a run."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from surveyor.services.contract import DepthAnswer, DepthRequest, ImageByHash
from surveyor.tools.cache import ResultCache
from tests.support.box_room import BoxRoom
from tests.tools.conftest import make_client

ROWS = 200


def filled(path: Path) -> dict[str, bytes]:
    rows = {f"k{i:03d}": f'{{"answer": {i}, "pad": "{"x" * 900}"}}'.encode() for i in range(ROWS)}
    cache = ResultCache(path)
    for key, body in rows.items():
        cache.put(key, "detect", "1", body)
    cache.close()
    return rows


@pytest.mark.parametrize("where", [0, 20, 4096, 5 * 4096, 20 * 4096, -4096])
@pytest.mark.parametrize("length", [16, 4096])
def test_a_damaged_file_gives_misses_and_never_a_wrong_answer(
    tmp_path: Path, where: int, length: int, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "answers.sqlite"
    rows = filled(path)
    data = bytearray(path.read_bytes())
    begin = where % len(data)
    data[begin : begin + length] = bytes(b ^ 0xFF for b in data[begin : begin + length])
    path.write_bytes(data)
    with caplog.at_level(logging.WARNING):
        cache = ResultCache(path)
        found = {key: cache.get(key) for key in rows}
        assert all(body in (None, rows[key]) for key, body in found.items())
        for key, body in rows.items():
            cache.put(key, "detect", "1", body)
        assert {key: cache.get(key) for key in rows} == rows
        cache.close()
    assert len(caplog.records) <= 1, "said once"
    aside = path.with_name("answers.sqlite.damaged")
    assert aside.exists() == bool(caplog.records)
    again = ResultCache(path)
    assert {key: again.get(key) for key in rows} == rows
    again.close()


def test_a_cut_file_and_text_in_its_place_are_set_aside(tmp_path: Path) -> None:
    for content in (b"not a database at all " * 400, None):
        path = tmp_path / "answers.sqlite"
        rows = filled(path)
        path.write_bytes(content or path.read_bytes()[: 3 * 4096 + 100])
        cache = ResultCache(path)
        assert cache.get("k000") in (None, rows["k000"])
        for key, body in rows.items():
            cache.get(key)
            cache.put(key, "detect", "1", body)
        assert {key: cache.get(key) for key in rows} == rows
        cache.close()
        assert path.with_name("answers.sqlite.damaged").exists()
        path.unlink()


def test_a_changed_body_is_a_miss(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    filled(path)
    with sqlite3.connect(path) as raw:
        raw.execute(
            "UPDATE answers SET body = CAST(replace(body, '7', '8') AS BLOB) WHERE key = 'k007'"
        )
    raw.close()
    cache = ResultCache(path)
    assert cache.get("k007") is None
    assert cache.get("k008") is not None
    assert len(cache) == ROWS - 1
    cache.close()


def test_a_cache_of_an_older_version_is_read(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    with sqlite3.connect(path) as raw:
        raw.execute(
            "CREATE TABLE answers (key TEXT PRIMARY KEY, expert TEXT NOT NULL, "
            "version TEXT NOT NULL, body BLOB NOT NULL) WITHOUT ROWID"
        )
        raw.execute("INSERT INTO answers VALUES ('old', 'detect', '1', ?)", (b"{}",))
    raw.close()
    cache = ResultCache(path)
    cache.put("new", "detect", "1", b"[]")
    assert (cache.get("old"), cache.get("new")) == (b"{}", b"[]")
    cache.close()


OTHER = """
import sys
from pathlib import Path
from surveyor.tools.cache import ResultCache
cache = ResultCache(Path(sys.argv[1]))
cache.get("k000")
print("open", flush=True)
sys.stdin.readline()
for i in range(200):
    cache.get(f"k{i:03d}")
    cache.put(f"other{i}", "detect", "1", b"{}")
print({cache.get(f"other{i}") for i in range(200)} <= {b"{}", None}, flush=True)
cache.close()
"""


def test_two_processes_recover_from_the_same_damage(tmp_path: Path) -> None:
    path = tmp_path / "answers.sqlite"
    rows = filled(path)
    with subprocess.Popen(
        [sys.executable, "-c", OTHER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdin is not None
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(bytes(30 * 4096))
        mine = ResultCache(path)
        for key, body in rows.items():
            mine.get(key)
            mine.put(key, "detect", "1", body)
        other.stdin.write("\n")
        other.stdin.flush()
        assert other.stdout.readline() == "True\n"
        assert other.wait(60) == 0
    assert {key: mine.get(key) for key in rows} == rows
    mine.close()
    last = ResultCache(path)
    assert {key: last.get(key) for key in rows} == rows
    last.close()


def test_a_row_that_is_no_answer_and_a_damaged_array_are_asked_again(
    room: BoxRoom, tmp_path: Path
) -> None:
    room.holds.update(frame.image.sha256 for frame in room.frames)
    request = DepthRequest(image=ImageByHash(sha256=room.frames[0].image.sha256))
    path, arrays = tmp_path / "answers.sqlite", []

    def spoil_nothing() -> None:
        pass

    def spoil_row() -> None:
        with sqlite3.connect(path) as raw:
            raw.execute("UPDATE answers SET body = ?, digest = NULL", (b'{"half": ',))
        raw.close()

    def spoil_blob() -> None:
        for blob in (tmp_path / "blobs").glob("??/*"):
            blob.write_bytes(blob.read_bytes()[:-7])

    for asked, spoil in enumerate((spoil_nothing, spoil_row, spoil_blob), start=1):
        spoil()
        client = make_client(room, tmp_path, ResultCache(path))
        reply = asyncio.run(client.ask("depth", request, DepthAnswer))
        arrays.append(asyncio.run(client.array("depth", reply.answer.depth)))
        asyncio.run(client.aclose())
        assert room.asked["depth"] == asked
    assert all(np.array_equal(array, arrays[0]) for array in arrays)
