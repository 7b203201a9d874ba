"""Loading by Hugging Face id, from the hub library's own cache, without a network."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from surveyor.core.dataset import Dataset, read_manifest
from tests.benchmarks.published import download

COMMIT = "0123456789abcdef0123456789abcdef01234567"
needs_hub = pytest.mark.skipif(
    importlib.util.find_spec("huggingface_hub") is None, reason="huggingface_hub is not installed"
)


def cached(root: Path, repo: str, name: str) -> Path:
    """A data set as the hub library keeps it after a download, its videos in an archive."""
    files = download(name, root / "made")
    home = root / "hf" / "hub" / ("datasets--" + repo.replace("/", "--"))
    snapshot = home / "snapshots" / COMMIT
    snapshot.mkdir(parents=True)
    (home / "refs").mkdir()
    (home / "refs" / "main").write_text(COMMIT)
    for item in files.iterdir():
        if item.is_dir():
            with zipfile.ZipFile(snapshot / f"{item.name}.zip", "w") as packed:
                for path in sorted(item.rglob("*.jpg")):
                    packed.write(path, path.relative_to(files))
        else:
            item.rename(snapshot / item.name)
    return root / "hf"


def load(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        **os.environ,
        "HF_HOME": str(root / "hf"),
        "HF_HUB_OFFLINE": "1",
        "SURVEYOR_CACHE": str(root / "cache"),
    }
    return subprocess.run(
        [sys.executable, "-m", "surveyor.cli.main", "load", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@needs_hub
def test_a_dataset_is_loaded_by_its_id_and_its_revision_is_recorded(tmp_path: Path) -> None:
    cached(tmp_path, "nyu-visionx/VSI-Bench", "vsi-bench")
    out = tmp_path / "dataset"
    done = load(tmp_path, "vsi-bench", str(out), "--hub", "nyu-visionx/VSI-Bench")
    assert done.returncode == 0, done.stderr
    assert f"revision {COMMIT}" in done.stdout
    assert read_manifest(out).settings["revision"] == COMMIT
    assert all(len(task.frames) == 6 for task in Dataset.open(out).tasks())
    again = load(
        tmp_path,
        *("vsi-bench", str(tmp_path / "again"), "--hub", "nyu-visionx/VSI-Bench"),
        *("--revision", COMMIT, "--frames", "uniform:2"),
    )
    assert again.returncode == 0, again.stderr
    other = read_manifest(tmp_path / "again")
    assert other.settings["files"] == read_manifest(out).settings["files"]
    assert [path.name for path in (tmp_path / "cache" / "hub").rglob("*.part*")] == []


@needs_hub
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--hub", "nobody/nothing"), "neither fetched nor found"),
        (("--hub", "nyu-visionx/VSI-Bench", "--revision", "v9"), "neither fetched nor found"),
        (("--hub", "not an id"), "not an id"),
    ],
)
def test_what_cannot_be_fetched_is_said_in_one_sentence(
    tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    cached(tmp_path, "nyu-visionx/VSI-Bench", "vsi-bench")
    done = load(tmp_path, "vsi-bench", str(tmp_path / "dataset"), *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.strip().count("\n") == 0
    assert not (tmp_path / "dataset").exists()


def test_the_hub_library_is_optional(tmp_path: Path) -> None:
    if importlib.util.find_spec("huggingface_hub") is not None:
        pytest.skip("huggingface_hub is installed here")
    done = load(tmp_path, "vsi-bench", str(tmp_path / "dataset"), "--hub", "a/b")
    assert done.returncode == 2
    assert "pip install '.[hub]'" in done.stderr


def test_a_source_and_an_id_are_one_too_many(tmp_path: Path) -> None:
    done = load(tmp_path, "vsi-bench", str(tmp_path), str(tmp_path / "dataset"), "--hub", "a/b")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert load(tmp_path, "vsi-bench", str(tmp_path)).returncode == 2
