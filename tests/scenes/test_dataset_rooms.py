"""Rooms as datasets: filmed, asked, and answerable from their frames."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from surveyor.core.dataset import Dataset
from surveyor.core.errors import UserError
from surveyor.scenes.capture.visibility import fuse
from surveyor.scenes.datasets import truth as dataset_truth
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from surveyor.scenes.questions.recover import Perceived, agrees, recompute
from surveyor.scenes.questions.vsi import MEASURED_TYPES

SMALL = RoomsSettings(
    n_frames=10, size=(128, 96), light_rays=1, conditions=("clean", "dark"), balance=False
)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rooms") / "dataset"
    make_rooms_dataset(path, [101, 102], settings=SMALL)
    return path


def test_a_room_gives_at_least_twenty_questions_of_every_measured_type(path: Path) -> None:
    dataset = Dataset.open(path)
    assert sum(dataset.manifest.questions.values()) >= 40
    assert set(dataset.manifest.questions) == set(MEASURED_TYPES)
    assert {task.scene_id for task in dataset.tasks()} == {"room_000101", "room_000102"}


def test_the_truth_counts_the_pixels_of_its_own_maps(path: Path) -> None:
    truth = dataset_truth.scene_truth(path, "room_000102")
    ids = dataset_truth.frame_maps(path, "room_000102", 5).ids
    assert [int((ids == o.instance_id).sum()) for o in truth.objects] == list(
        truth.visible_pixels[5]
    )
    assert len(truth.cameras) == len(Dataset.open(path).captures["room_000102"].frames) == 10


def test_every_answer_follows_from_ids_and_depth_alone(path: Path) -> None:
    seen = {}
    for name in Dataset.open(path).manifest.scenes:
        truth = dataset_truth.scene_truth(path, name)
        maps = [dataset_truth.frame_maps(path, name, k) for k in range(10)]
        seen[name] = Perceived(fuse(truth.cameras, maps).measured())
    for target in dataset_truth.targets(path):
        letter = "ABCD".find(target.answer) if target.options else -1
        answer = target.options[letter][3:] if target.options else target.answer
        operands = target.proof["operands"]
        found = recompute(target.question_type, operands, seen[target.task_id.split(".")[0]])  # type: ignore[arg-type]
        assert agrees(answer, found), (target.task_id, answer, found)


def test_asked_objects_were_shown_twice(path: Path) -> None:
    truths = {t.scene_id: t for t in dataset_truth.scene_truths(path)}
    for target in dataset_truth.targets(path):
        truth = truths[target.task_id.split(".")[0]]
        shown = np.array(truth.visible_pixels) >= 400 / (640 * 480) * 128 * 96
        index = {o.instance_id: k for k, o in enumerate(truth.objects)}
        for ids in target.proof["operands"].get("objects", {}).values():  # type: ignore[union-attr]
            assert all(shown[:, index[k]].sum() >= 2 for k in ids)  # type: ignore[index, union-attr]


def test_a_degraded_scene_keeps_its_clean_twins_hidden(path: Path) -> None:
    clean, dark = dataset_truth.scene_truths(path)
    assert clean.conditions == () == clean.clean_frames
    assert dark.conditions == ("dark",)
    shown = Dataset.open(path)
    for frame, twin in zip(shown.captures[dark.scene_id].frames, dark.clean_frames, strict=True):
        assert twin.sha256 not in shown.blobs
        seen = _brightness(shown.blobs.get(frame.image.sha256))
        meant = _brightness(dataset_truth.clean_blobs(path).get(twin.sha256))
        assert seen < 0.75 * meant


def _brightness(data: bytes) -> float:
    return float(np.asarray(Image.open(io.BytesIO(data))).mean())


def test_two_makings_are_equal(tmp_path: Path) -> None:
    tiny = SMALL.model_copy(update={"n_frames": 4, "size": (96, 72)})
    made = [make_rooms_dataset(tmp_path / name, [5], settings=tiny) for name in "ab"]
    assert made[0] == made[1]
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*.*"))
    assert all(
        (tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files
    )


def test_impossible_orders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="at least one"):
        make_rooms_dataset(tmp_path / "s", [])
    with pytest.raises(UserError, match="each seed once"):
        make_rooms_dataset(tmp_path / "s", [1, 1])
    with pytest.raises(UserError, match="no question type 'nonsense'"):
        make_rooms_dataset(
            tmp_path / "s", [1], settings=SMALL.model_copy(update={"types": ("nonsense",)})
        )
