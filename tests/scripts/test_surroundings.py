"""Environment variables of a deployment: below what is typed, validated, and told."""

from __future__ import annotations

from pathlib import Path

import pytest

from surveyor.benchmarks.run.config import RunConfig
from surveyor.benchmarks.run.surroundings import Surroundings
from surveyor.compose.configuration import configured, environment_experts
from surveyor.core.errors import UserError
from surveyor.memory.runs import RunFolder
from surveyor.scenes.datasets.vsi_meta import make_vsi_meta_dataset
from surveyor.tools.endpoints import EndpointsFile, url_of
from tests.scripts.test_run_options import META, surveyor


def test_the_environment_goes_below_files_and_what_is_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RETRIEVAL_TOP_K", "7")
    monkeypatch.setenv("MAX_WORKERS", " 3 ")
    file = tmp_path / "f.toml"
    file.write_text('dataset = "s"\nconcurrency = 5\n')
    assert configured(None, None, {"dataset": "s"}).concurrency == 3
    made = configured(file, None, {})
    assert (made.concurrency, made.top_k) == (5, 7)
    assert configured(None, None, {"dataset": "s", "top_k": 1}).top_k == 1


def test_only_variables_that_decide_something_are_told() -> None:
    around = Surroundings.read(
        {"MAX_WORKERS": "3", "RETRIEVAL_TOP_K": "", "DEPTH_SERVER_URL": "http://host:20019/"}
    )
    used = around.used(RunConfig(dataset="s", concurrency=3), servers=True)
    assert used == {"MAX_WORKERS": "3", "DEPTH_SERVER_URL": "http://host:20019"}
    assert around.used(RunConfig(dataset="s", concurrency=4), servers=False) == {}


def test_servers_become_endpoints(tmp_path: Path) -> None:
    around = Surroundings.read(
        {"PI3_SERVER_URL": "http://a:1", "DETECTION_SERVER_URL": "https://b/detect"}
    )
    path = environment_experts(around, tmp_path)
    assert path is not None
    read = EndpointsFile(path).read()
    assert url_of(read, "render_view") == url_of(read, "reconstruct") == "http://a:1"
    assert url_of(read, "detect") == "https://b/detect"
    assert environment_experts(Surroundings(), tmp_path) is None


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("MAX_WORKERS", "many", "MAX_WORKERS=many"),
        ("MAX_WORKERS", "0", "greater than or equal to 1"),
        ("RETRIEVAL_TOP_K", "-1", "RETRIEVAL_TOP_K=-1"),
        ("DEPTH_SERVER_URL", "localhost:20019", "http://HOST:PORT"),
        ("SWINIR_SERVER_URL", "http://u:secret@host", "SWINIR_SERVER_URL"),
        ("PI3_SERVER_URL", "http://[", "PI3_SERVER_URL"),
        ("IMAGE_BASE_PATH", "/nowhere/at/all", "no folder"),
    ],
)
def test_a_wrong_variable_is_one_sentence(name: str, value: str, words: str) -> None:
    with pytest.raises(UserError, match=words) as told:
        Surroundings.read({name: value})
    assert "secret" not in str(told.value)


def test_a_run_tells_and_keeps_what_the_environment_decided(tmp_path: Path) -> None:
    dataset = tmp_path / "meta"
    make_vsi_meta_dataset(dataset, META)
    typed = ("run", str(dataset), "--baseline", "blind", "--limit", "2", "--out", "r")
    done = surveyor(tmp_path, *typed, environment={"MAX_WORKERS": "2"})
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("from the environment: MAX_WORKERS=2 (concurrency)\n")
    folder = RunFolder.open(tmp_path / "r")
    assert folder.record.manifest.environment == {"MAX_WORKERS": "2"}
    assert folder.record.config["concurrency"] == 2

    asked = {"DETECTION_SERVER_URL": "http://127.0.0.1:9"}
    refused = surveyor(tmp_path, "run", str(dataset), "--out", "q", environment=asked)
    assert refused.returncode == 2
    assert "DETECTION_SERVER_URL=http://127.0.0.1:9 (detect)" in refused.stderr
    assert "serves scene" in refused.stderr
    assert "Traceback" not in refused.stderr
