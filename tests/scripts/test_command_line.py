"""The command line: fast to start, clear when misused."""

from __future__ import annotations

import errno
import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import surveyor
from surveyor.benchmarks.run.config import RunConfig
from surveyor.cli.verbs import was_typed
from surveyor.core.errors import UserError
from surveyor.core.sqlite import Schema, connect
from surveyor.scenes.datasets.vsi_meta import make_vsi_meta_dataset

META = Path(__file__).parents[1] / "fixtures" / "vsi_meta"

SURVEYOR = [sys.executable, "-m", "surveyor.cli.main"]


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def test_help_costs_less_than_half_a_second_of_cpu() -> None:
    before = _children_cpu()
    done = subprocess.run([*SURVEYOR, "--help"], capture_output=True, text=True, check=True)
    assert _children_cpu() - before < 0.5
    assert "demo" in done.stdout


def test_a_verb_offers_no_completion_of_its_own() -> None:
    done = subprocess.run([*SURVEYOR, "load", "--help"], capture_output=True, text=True, check=True)
    assert "--hub" in done.stdout
    assert "completion" not in done.stdout


def test_unknown_verb_is_a_usage_error() -> None:
    done = subprocess.run([*SURVEYOR, "mesure"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "mesure" in done.stderr
    assert "Traceback" not in done.stderr


def test_names_of_earlier_versions_are_read_with_one_line_of_notice(tmp_path: Path) -> None:
    done = subprocess.run(
        [*SURVEYOR, "evolve", "--suite", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[0] == "surveyor: --suite is called --dataset now"
    assert "--suite" not in done.stderr.split("\n", 1)[1]
    done = subprocess.run([*SURVEYOR, "proofs"], capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "make claims" in done.stderr


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("serve list", "there is no command 'list'; there are: up, record"),
        ("rooms mak out", "there is no command 'mak'; did you mean 'make'?"),
        ("export nope", "there is no command 'nope'; there are: inspect"),
        ("load vsibench a b", "There is no benchmark 'vsibench'; did you mean 'vsi-bench'?"),
        ("run rooms --tools detec", "there is no tool 'detec'; did you mean 'detect'?"),
        ("run rooms --without nope", "there is no tool 'nope'; there are: survey"),
        ("run rooms --corrupt nope:0.5", "there is no tool 'nope'"),
        ("run rooms --preset nope", "there is no preset 'nope'; choose one of: perfect"),
        ("run rooms --skills nope", "there are no skills 'nope'; choose none, builtin"),
        ("run rooms --planner chat --model m --profile nope", "there is no prompt profile 'nope'"),
        ("run rooms --experts nope.json", "nope.json does not exist"),
        ("run rooms --budget foo=1", "budget: foo: is no setting"),
        ("run rooms --limits turns=x", "limits: turns: must be a whole number"),
        ("run rooms --mcp x", "--mcp 'x': write --mcp NAME=VALUE"),
        ("run rooms --out /dev/null/r", "/dev/null is a file and no folder; choose another"),
        ("skills export /dev/null/s", "cannot export to /dev/null/s"),
        ("evolve --dataset x --library /dev/null", "/dev/null is a file and no folder; choose"),
        ("evolve --dataset x --preset nope", "there is no preset 'nope'; choose one of: perfect"),
        ("serve up --dataset x --state /dev/null/s", "cannot write /dev/null/s/plan.json"),
        ("train compact /dev/null", "/dev/null is a file and no folder; choose another folder"),
        ("train reinforce x /dev/null --dataset x", "/dev/null is a file and no folder; choose"),
        (
            "run rooms --meta x",
            "--meta says how vsi-meta is made and means nothing for the dataset",
        ),
        ("run vsi-meta --scenes 2", "--scenes says how rooms is made and means nothing for the da"),
        ("view --ask --dataset nope", "nope holds no dataset"),
        ("run rooms --launcher ray", "--launcher says where shards run; say --shards N too"),
        ("run rooms --model m", "planner_options.model is for a model: say --planner chat"),
        ("run rooms --out file:///tmp/r", "is a URL; give a path on this machine"),
        ("store pull file:///a/runs/r file:b/c", "file:b/c is a URL; give a path"),
        ("store push s3://lab/one s3://lab", "s3:/lab/one is a URL; give a path"),
        ("rooms make file:///tmp/r", "is a URL; give a path"),
    ],
)
def test_a_wrong_word_is_answered_before_anything_is_made(
    typed: str, told: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "surveyor", *typed.split()]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_addresses_of_experts_are_asked_and_given_right(tmp_path: Path) -> None:
    def told(url: str, *typed: str) -> str:
        one = {"expert": "detect", "url": url, "pid": 1, "backend": "x"}
        text = json.dumps({"contract": "1", "supervisor": 1, "experts": [one]})
        (tmp_path / "endpoints.json").write_text(text)
        command = [sys.executable, "-m", "surveyor", *typed]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == (0 if done.stdout else 2), done.stderr
        assert done.stderr.count("\n") == (0 if done.stdout else 1), done.stderr
        return done.stdout + done.stderr

    there = "http://127.0.0.1:9"
    assert told(there, "serve", "url", "detect", "--state", ".") == f"{there}\n"
    assert "did you mean 'detect'?" in told(there, "serve", "url", "detct", "--state", ".")
    assert "running now: detect" in told(there, "serve", "url", "nonsense", "--state", ".")
    said = told("127.0.0.1:9", "run", "rooms", "--experts", "endpoints.json")
    assert "endpoints.json is not an endpoints file (experts.0.url: " in said
    both = ("--experts", "endpoints.json", "--preset", "harsh")
    for typed in (
        ("run", "rooms", *both),
        ("program", "count(scene())", "--scene", "one", *both),
        ("evolve", "train", "--dry-run", *both),
        ("train", "grpo", "checkpoint", "out", "--prompts", "rows", *both),
    ):
        assert "--preset is for experts that this run starts, not for --experts" in told(
            there, *typed
        )


def test_a_dataset_that_is_there_is_made_no_more(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/dataset.json").write_text("{}")
    command = [sys.executable, "-m", "surveyor", "run", "d", "--seed", "0"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    told = "surveyor: --seed says how rooms or vsi-meta is made and means nothing for the folder d"
    assert done.stderr == f"{told}; leave it out\n"


def test_a_place_that_was_typed_and_cannot_be_used_is_one_sentence(tmp_path: Path) -> None:
    make_vsi_meta_dataset(tmp_path / "meta", META)
    surveyor.run(tmp_path / "meta", limit=2, out=tmp_path / "run")
    (tmp_path / "file").touch()
    (tmp_path / "said.jsonl").write_text("no JSON")
    command = [sys.executable, "-m", "surveyor", "score", "meta", "said.jsonl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.stderr.startswith("surveyor: said.jsonl: Line 1 is not valid JSON"), done.stderr
    command = [*SURVEYOR, "score", "Line 1", "said.jsonl"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.stderr.startswith("surveyor: Line 1 holds no dataset"), "no line of the file"
    for out in ("file/log.json", "file/deeper/log.json"):
        command = [sys.executable, "-m", "surveyor", "export", "inspect", "run", out]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert done.stderr == f"surveyor: {out}: Not a directory; name another place\n"


@pytest.mark.parametrize(
    "typed",
    [
        "train rollouts train {}",
        "ask photos Where? --out {}",
        "merge {} one two",
        "view --ask --places {}",
    ],
)
def test_a_place_that_cannot_be_written_is_refused_by_name(tmp_path: Path, typed: str) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "file").touch()
    for place, told in (("file/x", f"{tmp_path}/file is a file and no"), ("/proc/x", "cannot wri")):
        command = [*SURVEYOR, *typed.format(place).split()]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert done.returncode == 2
        assert done.stderr.startswith(f"surveyor: {told}"), done.stderr
        assert done.stderr.count("\n") == 1


def test_a_database_that_cannot_be_made_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for place in (tmp_path / "file" / "db", Path("/proc/db")):
        with pytest.raises(UserError, match=f"{place} cannot be made"):
            connect(place, Schema("thing", 1, 1, ""))


def test_errors_of_files_that_nobody_typed_stay_ours(tmp_path: Path) -> None:
    def fault(path: Path, number: int = errno.EACCES) -> OSError:
        return OSError(number, "why", str(path))

    file, folder = tmp_path / "file", tmp_path / "folder"
    file.touch()
    folder.mkdir()
    assert was_typed(fault(file), {"run": file})
    assert was_typed(fault(file), {"shards": ["", f"{file}/x.png"]}), "a file on the way"
    assert not was_typed(fault(folder), {"run": folder / "x"}), "a folder on the way is no fault"
    assert was_typed(fault(folder / "deep" / "x"), {"out": folder}), "theirs to open to us"
    assert not was_typed(fault(folder / "x", errno.ENOENT), {"out": folder}), "we should have it"
    assert not was_typed(fault(Path("cache.db"), errno.ENOENT), {"what": ".", "dataset": Path()})
    assert not was_typed(fault(Path("/elsewhere/cache.db")), {"out": folder})
    assert not was_typed(OSError("no file"), {"run": file, "limit": None})


def test_a_folder_of_a_dataset_is_run_whatever_its_name(tmp_path: Path) -> None:
    (tmp_path / "rooms").mkdir()
    (tmp_path / "rooms/dataset.json").write_text("{}")
    command = [sys.executable, "-m", "surveyor", "run", "rooms"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert "rooms" in done.stderr
    assert not (tmp_path / "out/datasets").exists()


def test_a_file_of_settings_may_have_a_mark_and_no_abyss(tmp_path: Path) -> None:
    file = tmp_path / "f.toml"
    file.write_bytes(b'\xef\xbb\xbfdataset = "rooms"\nlimit = 3\n')
    assert RunConfig.read(file).limit == 3
    file.write_text("limit = " + "[" * 3000 + "]" * 3000)
    with pytest.raises(UserError, match="nested too deeply"):
        RunConfig.read(file)
