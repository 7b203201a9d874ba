"""The examples of docs/experts.md really run."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from scenes.suite import BLOBS
from services.config import ServeConfig
from services.launch import up
from services.reference.presets import preset
from tests.services.world import frame

DOCS = Path(__file__).resolve().parents[2] / "docs" / "experts.md"


def blocks(language):
    """Code blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", DOCS.read_text(), re.DOTALL)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_curl_lines(suite, tmp_path):
    (script,) = [block for block in blocks("bash") if "curl" in block]
    digest = frame(suite)
    shutil.copy(suite / BLOBS / digest[:2] / digest[2:], tmp_path / "room.jpg")
    with up(["detect"], [suite], "perfect", tmp_path / "out" / "experts"):
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
