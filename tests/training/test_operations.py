"""Jobs, their configuration and their memory, without a cluster."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from surveyor.cli.main import app
from surveyor.core.errors import UserError
from surveyor.training.operations.cluster import (
    Cluster,
    Sharding,
    accelerate_yaml,
    read_cluster,
    slurm_script,
)
from surveyor.training.operations.memory import MARGIN, fit
from surveyor.training.operations.metrics import read_metrics

yaml = pytest.importorskip("yaml")
COMMAND = ("train", "sft", "/models/a b", "out", "--data", "rows:2")


@pytest.mark.parametrize("nodes", [1, 4])
@pytest.mark.parametrize("sharding", Sharding)
def test_one_configuration_makes_jobs_of_any_size(
    nodes: int, sharding: Sharding, tmp_path: Path
) -> None:
    cluster = Cluster(command=COMMAND, nodes=nodes, gpus=8, sharding=sharding, partition="gpu")
    config = yaml.safe_load(accelerate_yaml(cluster))
    assert config["num_processes"] == 8 * nodes
    assert config["num_machines"] == nodes
    kinds = {"none": "MULTI_GPU", "zero3": "DEEPSPEED", "fsdp": "FSDP"}
    assert config["distributed_type"] == kinds[sharding]
    script = tmp_path / "job.sh"
    script.write_text(slurm_script(cluster))
    assert f"#SBATCH --nodes={nodes}\n" in script.read_text()
    assert subprocess.run(["bash", "-n", str(script)], check=False).returncode == 0
    # What the job starts on each node, with stand-ins for SLURM's and accelerate's commands.
    tools = tmp_path / "bin"
    tools.mkdir()
    (tools / "scontrol").write_text("#!/bin/sh\nprintf 'n1\\nn2\\n'\n")
    (tools / "srun").write_text('#!/bin/sh\nshift\nexec "$@"\n')
    (tools / "accelerate").write_text('#!/bin/sh\nfor word in "$@"; do echo "[$word]"; done\n')
    for tool in tools.iterdir():
        tool.chmod(0o755)
    env = {"PATH": f"{tools}:/usr/bin:/bin", "SLURM_JOB_NODELIST": "n[1-2]", "SLURM_NODEID": "0"}
    done = subprocess.run(
        ["bash", str(script)], env=env, capture_output=True, text=True, check=True
    )
    words = done.stdout.split("\n")
    assert words[words.index("[--main_process_ip]") + 1] == "[n1]"
    assert words[words.index("[-m]") + 2 :][: len(COMMAND)] == [f"[{word}]" for word in COMMAND]


def test_a_configuration_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "job.toml"
    file.write_text('command = ["train", "sft"]\nnodes = 0\n')
    with pytest.raises(UserError, match="nodes"):
        read_cluster(file)
    file.write_text("command =")
    with pytest.raises(UserError, match="no TOML"):
        read_cluster(file)
    with pytest.raises(UserError, match="cannot read"):
        read_cluster(tmp_path / "none.toml")


def test_the_verb_prints_or_writes_a_job(tmp_path: Path) -> None:
    file = tmp_path / "job.toml"
    file.write_text('command = ["train", "sft", "/models/x", "out"]\nnodes = 2\n')
    shown = CliRunner().invoke(app, ["train", "job", str(file), "--print"])
    assert shown.exit_code == 0, shown.output
    assert "#SBATCH --nodes=2" in shown.output
    assert "zero_stage: 3" in shown.output
    made = CliRunner().invoke(app, ["train", "job", str(file), "--out", str(tmp_path / "job")])
    assert made.exit_code == 0, made.output
    assert sorted(p.name for p in (tmp_path / "job").iterdir()) == ["accelerate.yaml", "job.sh"]


@given(st.integers(0, 10**10), st.integers(1, 10**9), st.integers(1, 512), st.integers(1, 16))
def test_what_is_planned_fits_and_reaches_what_is_wanted(
    base: int, each: int, wanted: int, devices: int
) -> None:
    measured = {1: base + each, 3: base + 3 * each}
    available = 24 * 10**9
    try:
        found = fit(measured, available, wanted, devices)
    except UserError:
        assert base + each > MARGIN * available - 2
        return
    assert base + each * found.batch <= MARGIN * available + 1
    reached = found.batch * found.accumulate * devices
    assert wanted <= reached
    assert (found.batch - 1) * found.accumulate * devices < wanted, "no episode more than need be"


def test_our_own_lines_are_watched_and_an_empty_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no training yet"):
        read_metrics(tmp_path)
    (tmp_path / "metrics.jsonl").write_text('{"step": 1, "loss": 0.5}\n{"step": 2, "lo')
    assert read_metrics(tmp_path) == [{"step": 1, "loss": 0.5}], "a torn line is left out"
