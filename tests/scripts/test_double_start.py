"""Two starts of one run: the first goes on, the second ends with one sentence."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from surveyor.compose.session import is_complete
from surveyor.core.errors import UserError
from surveyor.core.locks import claimed
from surveyor.scenes.datasets.vsi_meta import make_vsi_meta_dataset
from tests.scripts.test_run_options import ROOT, surveyor

META = Path(__file__).parents[1] / "fixtures" / "vsi_meta"
STARTS = 3
"""Pairs of starts, some moments apart; twenty were tried when this was written."""


@pytest.mark.parametrize("pause", [round(0.4 * k, 1) for k in range(STARTS)])
def test_a_second_start_never_kills_the_first(tmp_path: Path, pause: float) -> None:
    dataset = tmp_path / "meta"
    make_vsi_meta_dataset(dataset, META)
    command = [sys.executable, "-m", "surveyor.cli.main", "run", str(dataset), "--epochs", "8"]
    command += ["--concurrency", "1", "--out", "r"]
    environment = {**os.environ, "SURVEYOR_CACHE": str(tmp_path / "c"), "PYTHONPATH": str(ROOT)}

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            command, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip

    first = start()
    while not (tmp_path / ".r.lock").exists():
        assert first.poll() is None
        os.sched_yield()
    threading.Event().wait(pause)
    second = start()
    _, told = second.communicate(timeout=120)
    assert second.returncode == 2, told
    assert told.count("\n") == 1, told
    assert "another process is working on r" in told
    _, told = first.communicate(timeout=240)
    assert first.returncode == 0, told
    assert is_complete(tmp_path / "r")
    assert not (tmp_path / ".r.lock").exists()


def test_a_name_is_held_by_one_and_leaves_nothing(tmp_path: Path) -> None:
    place = tmp_path / "new" / "runs" / "r"
    refused = pytest.raises(UserError, match="another process is working on")
    with claimed(place), refused, claimed(tmp_path / "new" / "." / "runs" / "r"):
        raise AssertionError("both hold it")
    assert list(tmp_path.iterdir()) == []
    with claimed(place):
        place.mkdir()
    assert [path.name for path in place.parent.iterdir()] == ["r"]
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot write to"), claimed(tmp_path / "file" / "r"):
        raise AssertionError("a file holds no run")


HOLDER = """
import sys
from pathlib import Path
from surveyor.core.errors import UserError
from surveyor.core.locks import claimed
place, held = Path(sys.argv[1]), 0
while held < 40:
    try:
        with claimed(place):
            with open(sys.argv[2], "x"):
                pass
            Path(sys.argv[2]).unlink()
            held += 1
    except UserError:
        pass
"""


def test_many_processes_never_hold_a_name_at_once(tmp_path: Path) -> None:
    arguments = [str(tmp_path / "deep" / "r"), str(tmp_path / "proof")]
    holders = [subprocess.Popen([sys.executable, "-c", HOLDER, *arguments]) for _ in range(4)]
    assert [holder.wait(120) for holder in holders] == [0] * 4
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_files_where_folders_are_needed_are_told_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    asked = (
        ("run", "vsi-meta", "--meta", str(META)),
        ("run", "vsi-meta", "--meta", str(META), "--out", "out"),
        ("run", "vsi-meta", "--meta", str(META), "--out", "out/r"),
    )
    for arguments in asked:
        done = surveyor(tmp_path, *arguments)
        assert done.returncode == 2, done.stderr
        assert done.stderr.count("\n") == 1
        assert "is a file and no folder" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
