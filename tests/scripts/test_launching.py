"""Runs in shards, repeated runs and probed runs, as a user types them."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from surveyor.benchmarks.report.record import read_report
from surveyor.benchmarks.run.config import RunConfig
from surveyor.benchmarks.run.repeat import config_of
from surveyor.compose.configuration import configured
from surveyor.compose.session import Request
from surveyor.compose.shards import launch
from surveyor.core.errors import UserError
from surveyor.memory.runs import RunFolder
from surveyor.scenes.datasets.vsi_meta import make_vsi_meta_dataset
from surveyor.services.launch import up

META = Path(__file__).parents[1] / "fixtures" / "vsi_meta"


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("launching") / "meta"
    make_vsi_meta_dataset(path, META)
    return path


@pytest.fixture(scope="module")
def experts(dataset: Path, tmp_path_factory: pytest.TempPathFactory):
    with up(["scene"], [dataset], "perfect", tmp_path_factory.mktemp("experts")) as handle:
        yield handle.endpoints_file


def surveyor(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "surveyor.cli.main", *arguments],
        cwd=cwd,
        env={**os.environ, "SURVEYOR_CACHE": str(cwd / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_shards_merge_into_the_run_that_one_process_makes(
    tmp_path: Path, dataset: Path, experts: Path
) -> None:
    common = ("run", str(dataset), "--experts", str(experts))
    whole = surveyor(tmp_path, *common, "--out", "whole")
    assert whole.returncode == 0, whole.stderr
    store = f"file://{tmp_path}/store"
    parts = surveyor(tmp_path, *common, "--out=parts", "--shards", "2", "--store", store)
    assert parts.returncode == 0, parts.stderr
    shared = sorted(path.name for path in (tmp_path / "store" / "runs").iterdir())
    assert shared == ["parts.shard-1-of-2", "parts.shard-2-of-2"], "merged from there"
    one, two = (RunFolder.open(tmp_path / name) for name in ("whole", "parts"))
    assert read_report(one).overall == read_report(two).overall
    assert {task.id for task in one.schedule} == {task.id for task in two.schedule}
    assert (tmp_path / "parts" / "report.html").stat().st_size > 1000
    again = surveyor(tmp_path, *common, "--out", "parts", "--shards", "2")
    assert again.returncode == 2
    assert "exists already" in again.stderr


def test_how_a_dataset_is_made_is_not_said_again_to_its_parts(tmp_path: Path) -> None:
    made = ("run", "vsi-meta", "--meta", str(META), "--seed=3", "--limit", "24")
    parts = surveyor(tmp_path, *made, "--out", "parts", "--shards", "2")
    assert parts.returncode == 0, parts.stderr
    assert len(RunFolder.open(tmp_path / "parts").schedule) == 24


def test_the_slurm_script_runs_the_shard_that_it_is_told(
    tmp_path: Path, dataset: Path, experts: Path
) -> None:
    common = ("run", str(dataset), "--experts", str(experts), "--out", "slurm", "--shards", "3")
    printed = surveyor(tmp_path, *common, "--launcher", "slurm")
    assert printed.returncode == 0, printed.stderr
    assert "#SBATCH --array=1-3" in printed.stdout
    done = subprocess.run(
        ["bash", "-c", printed.stdout],
        cwd=tmp_path,
        env={**os.environ, "SLURM_ARRAY_TASK_ID": "2", "SURVEYOR_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shard = config_of(RunFolder.open(tmp_path / "slurm.shard-2-of-3")).shard
    assert str(shard) == "2/3"
    merge = next(line for line in printed.stdout.splitlines() if "merge" in line)
    missing = surveyor(tmp_path, *shlex.split(merge.partition("surveyor ")[2]))
    assert missing.returncode == 2
    assert "is not a run" in missing.stderr


def test_a_run_is_repeated_beside_itself_and_says_what_differs(
    tmp_path: Path, dataset: Path, experts: Path
) -> None:
    common = ("run", str(dataset), "--experts", str(experts), "--out", "first")
    first = surveyor(tmp_path, *common, "--type", "object_counting", "--epochs", "2")
    assert first.returncode == 0, first.stderr
    again = surveyor(tmp_path, "run", "--from", "first", "--experts", str(experts))
    assert again.returncode == 0, again.stderr
    one, two = (RunFolder.open(tmp_path / name) for name in ("first", "first-again"))
    assert config_of(one) == config_of(two)
    assert read_report(one).overall == read_report(two).overall
    assert "not as in" not in again.stdout


def test_a_probed_run_is_compared_with_the_honest_one(
    tmp_path: Path, dataset: Path, experts: Path
) -> None:
    common = ("run", str(dataset), "--experts", str(experts))
    types = ("--type", "object_counting", "--type", "object_size_estimation")
    assert surveyor(tmp_path, *common, *types, "--out", "honest").returncode == 0
    probed = surveyor(tmp_path, *common, *types, "--out", "probed", "--corrupt", "0.5")
    assert probed.returncode == 0, probed.stderr
    compared = surveyor(tmp_path, "compare", "honest", "probed", "--json")
    assert compared.returncode == 0, compared.stderr
    probe = json.loads(compared.stdout)["probe"]
    assert probe["lied_to"] > 0
    assert probe["moved"] / probe["lied_to"] > 0.8  # some counts are said by a vote or a bound
    assert probe["drifted"] == 0
    told = surveyor(tmp_path, "compare", "probed", "honest").stdout
    assert f"tools lied in {probe['lied_to']} episodes" in told


def test_what_cannot_be_launched_is_refused_first(tmp_path: Path, dataset: Path) -> None:
    request = Request(RunConfig(dataset=str(dataset)), out=tmp_path / "r")
    with pytest.raises(UserError, match="no launcher 'pbs'"):
        launch(request, 2, "pbs", ["run", str(dataset)])
    sharded = Request(RunConfig(dataset=str(dataset)).changed(shard="1/2"), out=tmp_path / "r")
    with pytest.raises(UserError, match="not both"):
        launch(sharded, 2, "here", ["run", str(dataset)])
    with pytest.raises(UserError, match="name a dataset"):
        configured(None, None, {"dataset": ""})
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "tool", "share"),
    [("detect:0.2", "detect", 0.2), ("0.3", "", 0.3), ("detect", "detect", 0.5), (":0.4", "", 0.4)],
)
def test_a_probe_is_written_short(text: str, tool: str, share: float) -> None:
    corruption = RunConfig(dataset="s").changed(corruption=text).corruption
    assert corruption is not None
    assert (corruption.tool, corruption.share) == (tool, share)
    with pytest.raises(UserError, match="corruption"):
        RunConfig(dataset="s").changed(corruption="detect:2")


def test_a_repetition_may_be_split_although_the_original_was_not(
    tmp_path: Path, dataset: Path, experts: Path
) -> None:
    common = ("run", str(dataset), "--experts", str(experts), "--out", "first")
    assert surveyor(tmp_path, *common, "--limit", "60").returncode == 0
    parts = ("--experts", str(experts), "--shards", "2")
    split = surveyor(tmp_path, "run", "--from", "first", "--out", "again", *parts)
    assert split.returncode == 0, split.stderr
    one, two = (RunFolder.open(tmp_path / name) for name in ("first", "again"))
    assert {task.id for task in one.schedule} == {task.id for task in two.schedule}


def test_more_shards_than_scenes_are_refused_before_anything_is_made(
    tmp_path: Path, dataset: Path, experts: Path
) -> None:
    asked = ("run", str(dataset), "--experts", str(experts), "--limit", "1", "--shards", "2")
    refused = surveyor(tmp_path, *asked, "--out", "r")
    assert refused.returncode == 2
    assert "cannot be split into 2 shards" in refused.stderr
    assert not list(tmp_path.glob("r*"))
