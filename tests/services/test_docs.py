"""The examples of docs/experts.md really run."""

from __future__ import annotations

import json
import os
import re
import shutil
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


@pytest.fixture
def shell(tmp_path):
    """Runs a block in an empty folder whose `surveyor` is this checkout's; ends what it started,
    also when it failed half-way."""
    program = tmp_path / ".venv" / "bin" / "surveyor"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m surveyor.cli.main "$@"\n')
    program.chmod(0o755)
    path = os.pathsep.join((str(program.parent), os.environ["PATH"]))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path}

    def run(*command):
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300
        )

    yield lambda script: run("bash", "-euc", script)
    run(str(program), "serve", "down")


@NEEDS_CURL
def test_the_curl_lines_of_the_readme(dataset, tmp_path, shell):
    (script,) = [block for block in blocks("bash", ROOT / "README.md") if "curl" in block]
    (tmp_path / "out" / "demo").mkdir(parents=True)
    (tmp_path / "out" / "demo" / "rooms-0-6").symlink_to(dataset)
    done = shell(script)
    assert done.returncode == 0, done.stderr
    assert '"sha256"' in done.stdout
    assert '"detections"' in done.stdout


@NEEDS_CURL
def test_the_curl_lines(dataset, tmp_path, shell):
    (script,) = [block for block in blocks("bash") if "curl" in block]
    digest = frame(dataset)
    shutil.copy(dataset / BLOBS / digest[:2] / digest[2:], tmp_path / "room.jpg")
    with up(["detect"], [dataset], "perfect", tmp_path / "out" / "experts"):
        done = shell(script)
    assert done.returncode == 0, done.stderr
    stored, found = (json.loads(part) for part in done.stdout.replace("}{", "}\n{").splitlines())
    assert stored["sha256"] == digest
    assert {one["phrase"] for one in found["detections"]} == {"chair", "table"}


@NEEDS_CURL
def test_the_expert_of_ones_own(dataset, tmp_path, shell):
    (adapter,) = (block for block in blocks("python") if "class Brightest" in block)
    (script,) = blocks("sh")
    (tmp_path / "mine.py").write_text(adapter)
    digest = frame(dataset)
    shutil.copy(dataset / BLOBS / digest[:2] / digest[2:], tmp_path / "room.jpg")
    # The checkout is put on the path here, as an installed package would be.
    done = shell(script.replace("PYTHONPATH=.", f"PYTHONPATH=.:{ROOT}"))
    assert done.returncode == 0, done.stderr
    assert '"model":"brightest"' in done.stdout.replace(" ", "")
    assert '"phrase":"lamp"' in done.stdout.replace(" ", "")


def test_the_configuration_is_valid():
    (text,) = blocks("toml")
    config = ServeConfig.model_validate(tomllib.loads(text))
    assert set(config.experts) == {"detect", "scene"}


def test_the_knobs_exist():
    named = re.findall(r"--preset (\S+:\S+)", DOCS.read_text())
    assert named
    assert all(preset(name).name == name for name in named)
