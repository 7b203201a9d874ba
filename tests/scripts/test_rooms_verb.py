"""`surveyor rooms` as it is typed: controls, question types, pairs, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from surveyor.compose.rooms import types_of
from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.scenes.datasets import truth as dataset_truth
from surveyor.scenes.questions.asking import GENERATORS
from tests.claims.rooms.bad_input import bad_rooms

SMALL = ("--rooms", "1", "--seed", "12", "--frames", "4", "--width", "96", "--height", "72")


def rooms(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "surveyor.cli.main", "rooms", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_controls_hold_in_what_is_built(tmp_path: Path) -> None:
    controls = ("--kind", "office", "--shape", "l_shape", "--area", "20", "--objects", "14")
    done = rooms(tmp_path, "make", "s", *SMALL, *controls, "--type", "scanqa", "--type", "vsi")
    assert done.returncode == 0, done.stderr
    (truth,) = dataset_truth.scene_truths(tmp_path / "s")
    assert truth.room_area == pytest.approx(20, abs=0.2)
    assert len(truth.rooms[0]) == 6
    assert len(truth.objects) >= 14
    settings = Dataset.open(tmp_path / "s").manifest.settings
    assert settings["controls"] == {
        "kind": "office", "shape": "l_shape", "area": 20.0, "objects": 14,
    }  # fmt: skip
    assert settings["types"] == ["scanqa", *tuple(GENERATORS)[:10]]


def test_without_controls_settings_are_what_they_always_were(tmp_path: Path) -> None:
    assert rooms(tmp_path, "make", "s", *SMALL).returncode == 0
    assert "controls" not in Dataset.open(tmp_path / "s").manifest.settings


def test_pairs_are_filmed_and_joined(tmp_path: Path) -> None:
    done = rooms(tmp_path, "make", "p", *SMALL, "--pairs", "relit", "--per-type", "2")
    assert done.returncode == 0, done.stderr
    assert "1 pair of rooms" in done.stdout
    assert Dataset.open(tmp_path / "p").manifest.scenes == ("room_000012", "room_000012-relit")
    assert all(target.pair for target in dataset_truth.targets(tmp_path / "p"))


def test_long_walks_are_made_and_refuse_what_only_rooms_have(tmp_path: Path) -> None:
    small = ("--walk", "--rooms", "1", "--frames", "96", "--width", "96", "--height", "72")
    done = rooms(tmp_path, "make", "w", *small, "--seed", "1", "--type", "object_abs_distance")
    assert done.returncode == 0, done.stderr
    assert "1 place of 96 frames" in done.stdout
    manifest = Dataset.open(tmp_path / "w").manifest
    assert (manifest.generator, manifest.scenes) == ("walks", ("walk_000001",))
    done = rooms(tmp_path, "make", "x", *small, "--kind", "office")
    assert (done.returncode, done.stdout) == (2, "")
    assert "long walks take no --kind" in done.stderr
    done = rooms(tmp_path, "make", "x", "--walk", "--frames", "10")
    assert done.returncode == 2
    assert "at least 32" in done.stderr
    assert not (tmp_path / "x").exists()


def test_types_by_name_and_group() -> None:
    assert types_of(["all"]) == tuple(GENERATORS)
    assert len(types_of(["vsi"])) == 10
    assert types_of(["scanqa", "vsi", "scanqa"])[:2] == ("scanqa", "object_counting")
    assert len(types_of(())) == 8


def test_what_cannot_be_made_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    done = rooms(tmp_path, "make", "s", *SMALL, "--area", "4", "--objects", "60")
    assert done.returncode == 2
    assert not list(tmp_path.iterdir())


def test_every_bad_input_of_the_proofs_is_refused() -> None:
    missed = [claim for claim in bad_rooms() if not claim.ok]
    assert missed == []


def test_a_dataset_without_their_questions_is_told_how_to_get_them(tmp_path: Path) -> None:
    from surveyor.scenes.formats.registry import export_dataset

    assert rooms(tmp_path, "make", "s", *SMALL).returncode == 0
    with pytest.raises(UserError, match="rooms make --type all"):
        export_dataset(tmp_path / "s", tmp_path / "out", "grounding")
    assert not (tmp_path / "out").exists()
