"""The index: always what a fresh fold says, whatever happened to it or to the logs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from surveyor.core.errors import UserError
from surveyor.memory.log import EpisodeLog
from surveyor.memory.runs import RunFolder
from surveyor.viewer.index import Filter, RunIndex, open_runs
from tests.viewer.stage import episode, geometry, make_run


def rows(index: RunIndex) -> list[dict[str, Any]]:
    return index.page(Filter(), 0, 200)["rows"]  # type: ignore[no-any-return]


def test_rows_are_there_before_any_log_is_read_and_complete_after(tmp_path: Path) -> None:
    index = RunIndex(make_run(tmp_path / "run", 9), tmp_path / "cache")
    assert [row["task"] for row in rows(index)] == [f"t{k}" for k in range(9)]
    assert index.refresh()
    assert not index.refresh()
    found = rows(index)
    assert [row["outcome"] for row in found] == ["right", "wrong"] * 4 + ["right"]
    assert found[1]["question"] == "How far is chair 1?"
    assert found[0]["calls"] == 6
    assert index.counts() == {
        "scheduled": 9, "read": 9, "ended": 9, "mean": pytest.approx(5 / 9), "scored": 9,
        "revision": index.counts()["revision"],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("wanted", "tasks"),
    [
        (Filter(type="kind_1"), ["t1", "t3", "t5"]),
        (Filter(outcome="right", scene="s0"), ["t0"]),
        (Filter(q="CHAIR 4"), ["t4"]),
        (Filter(tool="detect", sort="worst"), ["t1", "t3", "t5", "t0", "t2", "t4"]),
        (Filter(tool="detec"), []),
        (Filter(q="' OR 1=1 --"), []),
        (Filter(sort="nonsense; DROP TABLE episodes"), [f"t{k}" for k in range(6)]),
    ],
)
def test_filters_and_sorts(tmp_path: Path, wanted: Filter, tasks: list[str]) -> None:
    index = RunIndex(make_run(tmp_path / "run", 6), tmp_path / "cache")
    index.refresh()
    assert [row["task"] for row in index.page(wanted)["rows"]] == tasks


def test_neighbours_follow_the_filter(tmp_path: Path) -> None:
    index = RunIndex(make_run(tmp_path / "run", 6), tmp_path / "cache")
    index.refresh()
    near = index.neighbours(Filter(type="kind_0"), "t2", 0)
    assert near == {"before": {"task": "t0", "epoch": 0}, "after": {"task": "t4", "epoch": 0}}
    assert index.neighbours(Filter(type="kind_1"), "t2", 0) == {"before": None, "after": None}


def test_a_log_that_grows_is_followed_torn_lines_wait(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", 2, scored=False)
    index = RunIndex(folder, tmp_path / "cache")
    index.refresh()
    path = folder.episode_path("t1", 0)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])  # killed inside a line
    index.refresh()
    assert rows(index)[1]["outcome"] == "incomplete"
    path.write_bytes(whole)
    index.refresh()
    assert rows(index)[1]["outcome"] == "unscored"
    from surveyor.core.blobs import BlobStore

    kept = geometry(BlobStore(folder.path / "blobs"))
    with EpisodeLog(path) as log:  # a second attempt begins
        log.append(episode(1, "0" * 64, kept, "Once more?", "2")[0])
    index.refresh()
    assert rows(index)[1]["question"] == "Once more?"
    assert rows(index)[1]["outcome"] == "incomplete"


def test_damaged_lines_and_a_damaged_index_cost_nothing_but_time(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", 3)
    path = folder.episode_path("t0", 0)
    path.write_bytes(b"{broken\n[1]\n" + path.read_bytes())
    index = RunIndex(folder, tmp_path / "cache")
    index.refresh()
    expected = rows(index)
    index.path.write_bytes(b"this is no database" * 100)
    again = RunIndex(folder, tmp_path / "cache")
    again.refresh()
    assert rows(again) == expected


def test_an_index_killed_again_and_again_equals_a_fresh_one(tmp_path: Path) -> None:
    folder = make_run(tmp_path / "run", 120)
    fresh = RunIndex(folder, tmp_path / "fresh")
    fresh.refresh()
    program = (
        "import sys; from pathlib import Path; from surveyor.viewer import index as i; "
        "from surveyor.memory.runs import RunFolder; i._BATCH = 1; "
        "x = i.RunIndex(RunFolder.open(Path(sys.argv[1])), Path(sys.argv[2])); "
        "print('open', flush=True); x.refresh()"
    )
    for k in range(8):
        command = [sys.executable, "-c", program, str(folder.path), str(tmp_path / "killed")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.01 * k)
            os.kill(process.pid, signal.SIGKILL)
    killed = RunIndex(folder, tmp_path / "killed")
    killed.refresh()
    assert killed.page(Filter(), 0, 200)["rows"] == fresh.page(Filter(), 0, 200)["rows"]


def test_runs_are_found_in_folders_and_named_apart(tmp_path: Path) -> None:
    make_run(tmp_path / "a" / "same", 1)
    make_run(tmp_path / "b" / "same", 1)
    (tmp_path / "a" / "broken").mkdir()
    (tmp_path / "a" / "broken" / "run.json").write_text("{")
    make_run(tmp_path / "b" / ".half-made-by-one-killed", 1)
    make_run(tmp_path / "places" / "kitchen" / "ask-1", 1)
    found = open_runs([tmp_path])
    assert len(found) == 3
    assert {"same", "ask-1"} <= found.keys()
    assert all(isinstance(folder, RunFolder) for folder in found.values())
    with pytest.raises(UserError, match="is no run and holds none"):
        open_runs([tmp_path / "nowhere"])
