"""The printed array script on a real Slurm: run in parts, merged, and TERM reaches a part."""

from __future__ import annotations

import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from surveyor.benchmarks.report.record import read_report
from surveyor.memory.runs import RunFolder
from surveyor.scenes.datasets.vsi_meta import make_vsi_meta_dataset
from tests.support.slurm_cluster import NoCluster, slurm_cluster

META = Path(__file__).parents[1] / "fixtures" / "vsi_meta"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    folder = tmp_path_factory.mktemp("slurm")
    try:
        with slurm_cluster(folder) as env:
            yield env
    except NoCluster as reason:
        pytest.skip(str(reason))


def _ran(command: list[str], cwd: Path, env: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_an_array_on_slurm_is_the_run_that_one_process_makes(
    tmp_path: Path, cluster: dict[str, str]
) -> None:
    make_vsi_meta_dataset(tmp_path / "meta", META)
    env = {**cluster, "SURVEYOR_CACHE": str(tmp_path / "cache")}
    surveyor = [sys.executable, "-m", "surveyor.cli.main"]
    common = ["run", str(tmp_path / "meta")]
    _ran([*surveyor, *common, "--out", str(tmp_path / "whole")], tmp_path, env)
    asked = ["--out", str(tmp_path / "parts"), "--shards", "3", "--launcher", "slurm"]
    script = tmp_path / "parts.sh"
    script.write_text(_ran([*surveyor, *common, *asked], tmp_path, env))
    _ran(["sbatch", "--wait", str(script)], tmp_path, env)
    assert len(list(tmp_path.glob("parts-*-[123].log"))) == 3  # Slurm ran it, part by part
    merge = next(line for line in script.read_text().splitlines() if "merge" in line)
    _ran([*surveyor, *shlex.split(merge.partition("surveyor ")[2])], tmp_path, env)
    _ran([*surveyor, "score", str(tmp_path / "parts"), "--dataset", common[1]], tmp_path, env)
    whole, parts = (RunFolder.open(tmp_path / name) for name in ("whole", "parts"))
    assert read_report(whole).overall == read_report(parts).overall
    assert {task.id for task in whole.schedule} == {task.id for task in parts.schedule}


def test_a_preempted_part_hears_of_it_and_is_begun_again(
    tmp_path: Path, cluster: dict[str, str]
) -> None:
    from surveyor.benchmarks.run.launch import Shards, slurm_script

    told = tmp_path / "told"
    listens = f"trap 'echo heard >> {told}; exit 1' TERM; echo begun >> {told}; sleep 60 & wait"
    printed = slurm_script(Shards(("bash", "-c", listens), tmp_path / "r", 1))
    assert "#SBATCH --signal=B:TERM@60" in printed  # without B: only steps hear it, and we are none
    script = tmp_path / "r.sh"
    script.write_text(printed)
    job = _ran(["sbatch", "--parsable", str(script)], tmp_path, dict(cluster)).strip()
    _until(lambda: told.exists())
    _ran(["scontrol", "requeue", f"{job}_1"], tmp_path, dict(cluster))
    _until(lambda: "heard" in told.read_text())
    _until(lambda: _restarts(job, cluster) == 1)
    _ran(["scancel", job], tmp_path, dict(cluster))


def _restarts(job: str, env: dict[str, str]) -> int:
    command = ["scontrol", "--oneliner", "show", "job", f"{job}_1"]
    shown = subprocess.run(command, env=env, capture_output=True, text=True, check=False).stdout
    return int(shown.partition("Restarts=")[2].split()[0]) if "Restarts=" in shown else 0


def _until(true: Callable[[], bool], seconds: float = 120.0) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it never came"
        time.sleep(0.2)
