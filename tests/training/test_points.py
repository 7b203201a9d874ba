"""Naming points from masks alone: what is exported, learnt, carried over and named by text."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from surveyor.cli.train import app as train_app
from surveyor.core.errors import UserError
from surveyor.training.points.probe import PointProbe, fit_probe, load_probe, mean_iou
from surveyor.training.points.pseudo_labels import (
    BACKGROUND,
    LabelledPoints,
    read_pseudo_labels,
    write_pseudo_labels,
)
from tests.support.labelled_room import KINDS, labelled, unseen_views
from tests.support.mask_room import room


@pytest.fixture(scope="module")
def probe() -> PointProbe:
    return fit_probe([labelled(room(12), spoilt=True)])


@pytest.fixture(scope="module")
def unseen() -> tuple[np.ndarray, np.ndarray]:
    return unseen_views()


def test_unseen_views_are_named_from_masks_alone(
    probe: PointProbe, unseen: tuple[np.ndarray, np.ndarray]
) -> None:
    points, truth = unseen
    assert mean_iou(probe.predict(points), truth, len(KINDS)) >= 0.3
    assert mean_iou(np.full(len(truth), BACKGROUND), truth, len(KINDS)) == 0.0


def test_classes_are_named_by_their_text(
    probe: PointProbe, unseen: tuple[np.ndarray, np.ndarray]
) -> None:
    points, truth = unseen
    own = probe.predict(points)
    swapped = probe.predict(points, tuple(reversed(KINDS)))
    again = np.where(swapped == BACKGROUND, BACKGROUND, len(KINDS) - 1 - swapped)
    assert (own == again).mean() > 0.999
    other = probe.predict(points, ("dining chair", "desk lamp", "sofas", "side table"))
    assert mean_iou(other, truth, len(KINDS)) > 0.3


def test_fine_tuning_moves_towards_the_labels_that_it_is_given(
    probe: PointProbe, unseen: tuple[np.ndarray, np.ndarray]
) -> None:
    points, truth = unseen
    given = LabelledPoints("boxes", points, truth, np.ones(len(truth)), KINDS)
    tuned = fit_probe([given], start=probe)
    before = mean_iou(probe.predict(points), truth, len(KINDS))
    assert mean_iou(tuned.predict(points), truth, len(KINDS)) > before
    held = fit_probe([given], start=probe, hold=1e9)
    for name, value in held.weights.items():
        assert np.abs(value - probe.weights[name]).max() < 1e-3


def test_labels_come_back_as_written(tmp_path: Path) -> None:
    made = labelled(room(6), spoilt=False)
    count = write_pseudo_labels(tmp_path / "labels", [made], 0.5)
    (again,) = read_pseudo_labels(tmp_path / "labels")
    assert count == int((made.labels >= 0).sum()) > 100
    np.testing.assert_array_equal(again.labels, made.labels)
    np.testing.assert_allclose(again.points, made.points, atol=1e-5)
    assert (again.names, again.scene_id) == (made.names, "boxes")
    with pytest.raises(UserError, match="exists"):
        write_pseudo_labels(tmp_path / "labels", [made], 0.5)
    with pytest.raises(UserError, match="no pseudo-labels"):
        read_pseudo_labels(tmp_path)


@pytest.mark.parametrize(
    "damage",
    [
        {"labels": np.array([99])},
        {"labels": np.array([-5])},
        {"labels": np.array([0.5])},
        {"labels": np.array([0, 1])},
        {"points": np.full((1, 3), np.nan, np.float32)},
        {"points": np.full((1, 3), 1e30, np.float32)},
        {"points": np.zeros((1, 2), np.float32)},
        {"points": np.array([["a", "b", "c"]])},
        {"points": np.zeros((0, 3), np.float32), "labels": np.zeros(0, int)},
        {"weights": np.ones((1, 1), np.float32)},
        {"weights": None},
        {"cut": 100},
        {"cut": 0},
    ],
)
def test_damaged_labels_are_refused_in_words(tmp_path: Path, damage: dict[str, object]) -> None:
    (tmp_path / "classes.json").write_text('{"classes": ["bed", "lamp"]}')
    arrays: dict[str, object] = {
        "points": np.zeros((1, 3), np.float32),
        "labels": np.array([0]),
        "weights": np.ones(1, np.float32),
    }
    file = tmp_path / "a.npz"
    cut = damage.get("cut")
    whole = {k: v for k, v in (arrays | damage).items() if v is not None and k != "cut"}
    np.savez(file, **whole)  # type: ignore[arg-type]
    if isinstance(cut, int):
        file.write_bytes(file.read_bytes()[:cut])
    with pytest.raises(UserError, match=r"a\.npz (cannot be read|holds no labelled points)"):
        read_pseudo_labels(tmp_path)


def test_the_verb_trains_tunes_and_tells_how_a_held_out_scene_is_met(tmp_path: Path) -> None:
    made = labelled(room(6), spoilt=False)
    scenes = [replace(made, scene_id=name) for name in ("one", "two")]
    write_pseudo_labels(tmp_path / "labels", scenes, 0.5)
    asked = ["points", str(tmp_path / "labels"), str(tmp_path / "probe"), "--hold-out", "two"]
    result = CliRunner().invoke(train_app, asked)
    found = re.search(r"two \(held out\): mIoU ([\d.]+); by chance ([\d.]+)", result.stdout)
    assert found is not None
    assert float(found[1]) > 0.3 > float(found[2])
    loaded = load_probe(tmp_path / "probe")
    some = made.points[:500]
    again = fit_probe(read_pseudo_labels(tmp_path / "labels")[:1])
    assert (loaded.predict(some) == again.predict(some)).all()
    asked[2] = str(tmp_path / "tuned")
    tuned = CliRunner().invoke(train_app, [*asked, "--start", str(tmp_path / "probe")])
    assert tuned.exit_code == 0
    with pytest.raises(UserError, match="no probe"):
        load_probe(tmp_path)
    for scene, why in (("three", "'three'"), ("one", "every scene")):
        refused = CliRunner().invoke(train_app, [*asked, "--hold-out", scene])
        assert isinstance(refused.exception, UserError)
        assert why in str(refused.exception)
