"""The examples of docs/experts.md really run."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from surveyor.core.dataset import BLOBS
from surveyor.services.config import ServeConfig
from surveyor.services.launch import up
from surveyor.services.reference.presets import preset
from tests.services.world import frame

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs" / "experts.md"
NEEDS_CURL = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


def blocks(language, page=DOCS):
    """Code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


def is_free(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@NEEDS_CURL
@pytest.mark.skipif(not is_free(20022), reason="another expert listens at port 20022")
def test_the_curl_lines_of_the_readme(dataset, tmp_path):
    (script,) = [block for block in blocks("bash", ROOT / "README.md") if "curl" in block]
    (tmp_path / "out" / "demo").mkdir(parents=True)
    (tmp_path / "out" / "demo" / "rooms-0-6").symlink_to(dataset)
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "bin").symlink_to(Path(sys.executable).parent)
    done = subprocess.run(
        ["bash", "-euc", script], cwd=tmp_path, capture_output=True, text=True, timeout=90
    )
    assert done.returncode == 0, done.stderr
    assert '"sha256"' in done.stdout
    assert '"detections"' in done.stdout


@NEEDS_CURL
def test_the_curl_lines(dataset, tmp_path):
    (script,) = [block for block in blocks("bash") if "curl" in block]
    digest = frame(dataset)
    shutil.copy(dataset / BLOBS / digest[:2] / digest[2:], tmp_path / "room.jpg")
    with up(["detect"], [dataset], "perfect", tmp_path / "out" / "experts"):
        done = subprocess.run(
            ["bash", "-euc", script], cwd=tmp_path, capture_output=True, text=True, timeout=30
        )
    assert done.returncode == 0, done.stderr
    stored, found = (json.loads(part) for part in done.stdout.replace("}{", "}\n{").splitlines())
    assert stored["sha256"] == digest
    assert {one["phrase"] for one in found["detections"]} == {"chair", "table"}


def test_the_configuration_is_valid():
    (text,) = blocks("toml")
    config = ServeConfig.model_validate(tomllib.loads(text))
    assert set(config.experts) == {"detect", "scene"}


def test_the_knobs_exist():
    named = re.findall(r"--preset (\S+:\S+)", DOCS.read_text())
    assert named
    assert all(preset(name).name == name for name in named)
