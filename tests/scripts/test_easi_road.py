"""The lines of docs/benchmarks.md on hand-made rows: load, run, score, and a suite's table."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from surveyor.benchmarks.loaders.catalog import CATALOG, EASI_8, named
from surveyor.benchmarks.loaders.registry import loader_names
from surveyor.benchmarks.report.record import read_report
from surveyor.cli.main import app
from surveyor.core.errors import UserError
from surveyor.memory.runs import RunFolder
from tests.benchmarks.published import download
from tests.benchmarks.published_2026 import MAKE, download_2026
from tests.support.openai_server import RehearsalServer, Reply, Request, fails, says

FRAMES = {"vsi-bench": "uniform:2", "site": "uniform:2", "vsi-super": "uniform:2"}
REPLY = "I look at it.\nSo (B)."
PROMPTS = dict.fromkeys(("embspatial", "revsi", "vsi-super"), "agent")


def surveyor(*words: str) -> str:
    """What a command prints; it must succeed."""
    done = CliRunner().invoke(app, list(words))
    assert done.exit_code == 0, (done.output, done.exception)
    return done.output


def make(name: str, folder: Path) -> Path:
    """The dataset of a benchmark, made as the documentation says."""
    source = download_2026(name, folder) if name in MAKE else download(name, folder)
    out = folder / "datasets" / name
    rule = ("--frames", FRAMES[name]) if name in FRAMES else ()
    said = surveyor("load", name, str(source), str(out), *rule)
    assert f"surveyor run {out}" in said
    return out


@pytest.mark.parametrize("name", sorted(MAKE.keys() - set(EASI_8)))
def test_load_run_and_score(name: str, tmp_path: Path) -> None:
    dataset, run = make(name, tmp_path), tmp_path / "run"
    with RehearsalServer(lambda request: says(REPLY)) as server:
        chat = ("--planner", "chat", "--model", "m", "--base-url", server.url)
        prompt = ("--profile", PROMPTS.get(name, "official"), "--baseline", "no-tools")
        surveyor("run", str(dataset), *chat, *prompt, "--out", str(run))
    report = read_report(RunFolder.open(run))
    assert report.tally.scored + report.tally.failed == report.tally.scheduled > 0
    assert report.profiles.keys() == report.unread.keys() == report.headlines.keys()
    for profile in report.profiles:
        words = ("score", str(run), "--dataset", str(dataset), "--profile", profile, "--json")
        scored = json.loads(surveyor(*words))
        assert scored["overall"]["value"] == pytest.approx(report.profiles[profile])


def test_the_suite_runs_from_one_line_and_its_table_names_the_profiles(tmp_path: Path) -> None:
    for name in EASI_8:
        make(name, tmp_path)
    out = tmp_path / "out"
    words = ("--datasets", str(tmp_path / "datasets"), "--out", str(out), "--model", "m")
    with RehearsalServer(lambda request: says(REPLY)) as server:
        said = surveyor("reproduce", "easi-8", *words, "--base-url", server.url)
        asked = [request.json["messages"] for request in server.requests]
    assert all(message["role"] == "user" for messages in asked for message in messages)
    assert "| viewspatial | easi | score |" in said
    with (out / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    found = {(row["benchmark"], row["profile"]): row for row in rows}
    assert {name for name, _ in found} == {*EASI_8}
    assert found["3dsrbench", "official"]["figure"] == "circ_eval"
    assert found["3dsrbench", "easi"]["figure"] == "vanilla"
    assert found["site", "official"]["figure"] == "caa"
    site, viewspatial = found["site", "official"], found["viewspatial", "easi"]
    assert (site["unread"], site["guessed"]) == ("0.00", "0.00")  # (B) is read
    assert (viewspatial["score"], viewspatial["unread"]) == ("100.00", "0.00")
    assert float(found["embspatial", "lmms-eval"]["differs"]) == 0.0  # both wrong, one misread
    assert (out / "table.tex").read_text().startswith(r"\begin{tabular}{lll")
    again = surveyor(
        "benchmarks", "--table", str(out / "site"), "--as", "latex", "--profile", "easi"
    )
    assert again.count("site & easi & caa") == 1


def test_what_is_missing_is_told_with_the_line_that_fetches_it(tmp_path: Path) -> None:
    words = ("reproduce", "easi-8", "--model", "m", "--datasets", str(tmp_path))
    done = CliRunner().invoke(app, list(words))
    assert isinstance(done.exception, UserError)
    assert "8 datasets are not in" in str(done.exception)
    assert f"surveyor load site {tmp_path / 'site'} --hub franky-veteran/SITE-Bench" in str(
        done.exception
    )


def test_what_is_done_is_in_the_table_when_a_suite_stops(tmp_path: Path) -> None:
    for name in ("erqa", "robospatial"):
        make(name, tmp_path)
    words = ("reproduce", "erqa,robospatial", "--datasets", str(tmp_path / "datasets"))
    out = ("--out", str(tmp_path / "out"), "--profile", "official", "--model", "m")

    def script(request: Request) -> Reply:
        return fails(401) if "it fit" in request.body.decode() else says("B")

    with RehearsalServer(script) as server:
        done = CliRunner().invoke(app, [*words, *out, "--base-url", server.url])
    assert done.exit_code != 0
    assert "| erqa | easi | score | 100.0" in (tmp_path / "out/table.md").read_text()


def test_every_loader_is_in_the_list_with_the_line_that_fetches_it() -> None:
    assert set(CATALOG) == set(loader_names())
    said = surveyor("benchmarks")
    assert "surveyor load 3dsrbench datasets/3dsrbench --hub ccvl/3DSRBench" in said
    listed = json.loads(surveyor("benchmarks", "easi-8", "--json"))
    assert [entry["name"] for entry in listed] == list(EASI_8)
    assert all(entry["split"] in entry["splits"] for entry in listed)
    assert all(entry.split in entry.splits for entry in CATALOG.values())
    with pytest.raises(UserError, match="choose from: easi-8"):
        named("easi-9")
    with pytest.raises(UserError, match="name a suite"):
        named(",")
