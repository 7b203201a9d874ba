"""`surveyor run` as a user types it: real processes, real experts, interrupted and refused."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

import surveyor
from surveyor.benchmarks.run.config import RunConfig
from surveyor.benchmarks.run.preflight import check_place
from surveyor.compose.session import Request, dataset_folder, dataset_place, is_complete
from surveyor.core.errors import UserError
from surveyor.scenes.datasets.vsi_meta import make_vsi_meta_dataset
from tests.claims.runner.bad_input import refusals

META = Path(__file__).parents[1] / "fixtures" / "vsi_meta"
SURVEYOR = [sys.executable, "-m", "surveyor.cli.main"]
MARK = "SURVEYOR_TEST_MARK"


def _environment(cache: Path) -> dict[str, str]:
    return {**os.environ, "SURVEYOR_CACHE": str(cache), MARK: str(cache)}


def _marked(mark: str) -> list[int]:
    """Processes of this test that are still there."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            environment = (place / "environ").read_bytes()
        except OSError:
            continue
        if f"{MARK}={mark}".encode() in environment.split(b"\0"):
            found.append(int(place.name))
    return found


@pytest.fixture
def run(tmp_path: Path) -> list[str]:
    """A run over real scans' boxes that starts its own expert."""
    return [
        *SURVEYOR,
        *("run", "vsi-meta", "--meta", str(META), "--concurrency", "1", "--epochs", "8"),
        *("--out", str(tmp_path / "run")),
    ]


def test_an_interrupted_run_leaves_no_process_and_is_completed_by_the_same_command(
    tmp_path: Path, run: list[str]
) -> None:
    environment = _environment(tmp_path / "cache")
    with (tmp_path / "err").open("wb") as errors:
        child = subprocess.Popen(run, cwd=tmp_path, env=environment, stdout=errors, stderr=errors)
        episodes = tmp_path / "run" / "episodes"
        deadline = time.monotonic() + 60
        while not (episodes.is_dir() and any(episodes.iterdir())):
            assert time.monotonic() < deadline, (tmp_path / "err").read_text()
            assert child.poll() is None, (tmp_path / "err").read_text()
            os.sched_yield()
        child.send_signal(signal.SIGINT)
        assert child.wait(60) == 130, (tmp_path / "err").read_text()
    said = (tmp_path / "err").read_text()
    assert re.search(r"stopped: \d+ of \d+ episodes saved in .*; run the same command again", said)
    assert _marked(str(tmp_path / "cache")) == []
    assert not is_complete(tmp_path / "run")

    done = subprocess.run(
        run, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert is_complete(tmp_path / "run")
    assert "overall" in done.stdout
    assert (tmp_path / "run" / "report.html").stat().st_size > 1000


def test_what_cannot_be_done_is_said_in_one_sentence(tmp_path: Path) -> None:
    missed = [claim for claim in refusals(tmp_path / "bad") if not claim.ok]
    assert missed == []


def test_a_place_that_cannot_be_written_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    check_place(tmp_path / "new" / "run")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        check_place(tmp_path / "file" / "run")
    with pytest.raises(UserError, match="cannot write to /proc"):
        check_place(Path("/proc/run"))


def test_metadata_that_is_not_there_is_missed_even_where_a_dataset_was_made_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = Request(RunConfig(dataset="vsi-meta"), meta=tmp_path)
    made = dataset_place(asked)
    made.mkdir(parents=True)
    with pytest.raises(UserError, match=r"there is no nope; --meta"):
        dataset_place(replace(asked, meta=Path("nope")))


def test_a_dataset_of_other_metadata_is_not_taken_for_these(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked = Request(RunConfig(dataset="vsi-meta"), meta=META)
    made = dataset_folder(asked)
    assert dataset_folder(asked) == made
    other = tmp_path / "other"
    shutil.copytree(META, other)
    (other / "scannet_meta_info_val.json").write_text("{}")
    with pytest.raises(UserError, match=r"was made of other metadata than .*other"):
        dataset_folder(replace(asked, meta=other))
    with pytest.raises(UserError, match=r"is missing from"):
        dataset_folder(replace(asked, meta=tmp_path))


def test_a_tool_that_does_not_exist_cannot_lie_and_no_folder_is_made(tmp_path: Path) -> None:
    command = [*SURVEYOR, "run", "vsi-meta", "--meta", str(META), "--out", str(tmp_path / "run")]
    done = subprocess.run(
        [*command, "--corrupt", "detct:0.2"],
        cwd=tmp_path,
        env=_environment(tmp_path / "cache"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "there is no tool 'detct'; did you mean 'detect'?" in done.stderr
    assert not list(tmp_path.glob("run*"))


def test_a_run_files_what_it_found_in_the_memory_that_it_is_given(
    tmp_path: Path, run: list[str]
) -> None:
    from surveyor.memory.scenes.store import SceneMemory

    memory = tmp_path / "memory.sqlite"
    command = [*run, "--limit", "3", "--memory", str(memory)]
    environment = _environment(tmp_path / "cache")
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    with SceneMemory(memory) as kept:
        assert len(kept) == 3 * 8
        assert kept.search("how", limit=1) or kept.search("what", limit=1)


def test_a_refused_run_leaves_no_folder_of_experts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SURVEYOR_CACHE", str(tmp_path / "cache"))
    make_vsi_meta_dataset(tmp_path / "meta", META)
    surveyor.run(tmp_path / "meta", limit=2, out=tmp_path / "run")
    shutil.rmtree(tmp_path / "run.experts")  # as where the run was pulled or moved here
    with pytest.raises(UserError, match="already holds a run with types = unset, not object_count"):
        surveyor.run(tmp_path / "meta", limit=2, out=tmp_path / "run", types=["object_counting"])
    assert not (tmp_path / "run.experts").exists()
