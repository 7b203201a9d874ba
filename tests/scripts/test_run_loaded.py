"""Datasets that came from elsewhere, as a user runs them: no truth, so no reference experts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from surveyor.benchmarks.report.record import read_report
from surveyor.memory.runs import RunFolder
from surveyor.scenes.datasets.vsi_meta import make_vsi_meta_dataset
from surveyor.services.launch import up
from tests.benchmarks.published import download
from tests.scripts.test_run_options import META, surveyor
from tests.support.openai_server import RehearsalServer, fails, says


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A benchmark, loaded by the command that a user types."""
    folder = tmp_path_factory.mktemp("loaded")
    source = download("vsi-bench", folder)
    done = surveyor(folder, "load", "vsi-bench", str(source), "vsi", "--frames", "uniform:2")
    assert done.returncode == 0, done.stderr
    assert "surveyor run vsi" in done.stdout
    return folder / "vsi"


@pytest.fixture(scope="module")
def experts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """A dataset of object tables, and the endpoints file of its one expert."""
    root = tmp_path_factory.mktemp("meta")
    make_vsi_meta_dataset(root / "meta", META)
    with up(["scene"], [root / "meta"], "perfect", root / "experts") as handle:
        yield root / "meta", handle.endpoints_file


def test_load_alone_lists_what_there_is(tmp_path: Path) -> None:
    done = surveyor(tmp_path, "load")
    assert done.returncode == 0, done.stderr
    assert "vsi-bench" in done.stdout
    assert "all_test" in done.stdout
    assert "surveyor load NAME FOLDER OUT" in done.stdout
    wrong = surveyor(tmp_path, "rnu")
    assert wrong.returncode == 2
    assert "did you mean 'run'?" in wrong.stderr


@pytest.mark.parametrize("baseline", ["no-tools", "blind"])
def test_a_loaded_benchmark_runs_without_tools_and_experts(
    tmp_path: Path, loaded: Path, baseline: str
) -> None:
    with RehearsalServer(lambda request: says("B")) as server:
        chat = ("--planner", "chat", "--model", "m", "--base-url", server.url)
        command = ("run", str(loaded), *chat, "--baseline", baseline, "--out", "r")
        done = surveyor(tmp_path, *command)
        assert done.returncode == 0, done.stderr
        asked = len(server.requests)
    folder = RunFolder.open(tmp_path / "r")
    assert read_report(folder).tally.incomplete == 0
    assert (folder.record.manifest.experts, folder.record.manifest.tools) == ((), ())
    assert not list(tmp_path.glob("r.experts*"))
    with RehearsalServer(lambda request: says("B")) as server:  # the same endpoint, another port
        chat = ("--planner", "chat", "--model", "m", "--base-url", server.url)
        again = surveyor(tmp_path, "run", str(loaded), *chat, "--baseline", baseline, "--out", "r")
        assert again.returncode == 0, again.stderr
        assert len(server.requests) < asked


def test_with_tools_one_sentence_says_which_experts_to_start(
    tmp_path: Path, loaded: Path, experts: tuple[Path, Path]
) -> None:
    done = surveyor(tmp_path, "run", str(loaded), "--out", "r")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    for told in ("--backend neural", "--expert detect", "--experts", "--baseline no-tools"):
        assert told in done.stderr
    assert not list(tmp_path.glob("r*"))
    done = surveyor(tmp_path, "run", str(loaded), "--experts", str(experts[1]), "--out", "r")
    assert done.returncode == 2
    assert "serves detect, segment, depth, reconstruct" in done.stderr
    assert not list(tmp_path.glob("r*"))


def test_a_model_is_offered_what_is_served_and_the_manifest_says_so(
    tmp_path: Path, experts: tuple[Path, Path]
) -> None:
    dataset, endpoints = experts
    with RehearsalServer(lambda request: says("B")) as server:
        chat = ("--planner", "chat", "--model", "m", "--base-url", server.url, "--limit", "1")
        command = ("run", str(dataset), "--experts", str(endpoints), *chat)
        done = surveyor(tmp_path, *command, "--without", "count,floor_area", "--out", "r")
        assert done.returncode == 0, done.stderr
        offered = server.requests[-1].json["tools"]
        unknown = surveyor(tmp_path, *command, "--tools", "detct", "--out", "x")
        unserved = surveyor(tmp_path, *command, "--tools", "detect,scene", "--out", "x")
        few = surveyor(tmp_path, *command, "--tools", "scene,size", "--out", "few")
        assert few.returncode == 0, few.stderr
        assert len(server.requests[-1].json["tools"]) == 2
    names = tuple(tool["function"]["name"] for tool in offered)
    assert names == RunFolder.open(tmp_path / "r").record.manifest.tools
    assert {"scene", "distance", "frames"} <= {*names}
    assert not {"detect", "depth", "reconstruct", "count", "floor_area"} & {*names}
    assert (unknown.returncode, unserved.returncode) == (2, 2)
    assert "there is no tool 'detct'; did you mean 'detect'?" in unknown.stderr
    assert "'detect' needs the expert 'detect', which is not running" in unserved.stderr


def test_a_failed_run_names_the_commonest_cause(tmp_path: Path, loaded: Path) -> None:
    with RehearsalServer(
        lambda request: says("B") if request.number < 4 else fails(400, "the prompt is purple")
    ) as server:
        chat = ("--planner", "chat", "--model", "m", "--base-url", server.url)
        command = ("run", str(loaded), *chat, "--baseline", "no-tools", "--concurrency", "1")
        done = surveyor(tmp_path, *command, "--out", "r")
    assert done.returncode == 0, done.stderr
    assert "the prompt is purple" in done.stdout
    assert "there is no prediction" not in done.stdout


def test_the_table_workflow_works_where_a_table_is_and_shards_are_scored(tmp_path: Path) -> None:
    dataset = tmp_path / "rooms"
    made = surveyor(
        tmp_path, "rooms", "make", str(dataset), "--rooms", "1", "--frames", "2",
        "--width", "64", "--height", "48",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    done = surveyor(tmp_path, "run", str(dataset), "--workflow", "table", "--out", "r")
    assert done.returncode == 0, done.stderr
    report = read_report(RunFolder.open(tmp_path / "r"))
    assert (report.tally.incomplete, report.tally.failed) == (0, 0)
    shard = surveyor(
        tmp_path, "run", str(dataset), "--workflow", "table", "--shard", "1/1", "--out", "s"
    )
    assert shard.returncode == 0, shard.stderr
    merged = surveyor(tmp_path, "merge", "whole", "s")
    assert merged.returncode == 0, merged.stderr
    assert "overall" in merged.stdout
    assert read_report(RunFolder.open(tmp_path / "whole")).overall == report.overall


def test_a_report_says_each_skill_once(tmp_path: Path) -> None:
    done = surveyor(tmp_path, "skills", "report", "--library", "none")
    assert done.returncode == 0, done.stderr
    heads = [line for line in done.stdout.splitlines() if "@" in line.partition(" ")[0]]
    assert len(heads) == len(set(heads)) == len({line.partition("@")[0] for line in heads})
