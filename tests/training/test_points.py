"""Naming points from masks alone: what is exported, learnt, carried over and named by text."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from surveyor.cli.main import app
from surveyor.core.errors import UserError
from surveyor.training.points.probe import PointProbe, fit_probe, mean_iou, read_probe
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
    assert np.abs(held.weights - probe.weights).max() < 1e-3


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


def test_the_verb_fits_keeps_and_fine_tunes(tmp_path: Path) -> None:
    one, other = labelled(room(6), spoilt=False), labelled(room(4), spoilt=True)
    few = slice(0, 1500)
    scenes = [
        LabelledPoints(name, had.points[few], had.labels[few], had.weights[few], KINDS)
        for name, had in (("one", one), ("other", other))
    ]
    write_pseudo_labels(tmp_path / "labels", scenes, 0.5)
    labels, first, second = (str(tmp_path / name) for name in ("labels", "a", "b"))
    run = CliRunner().invoke(app, ["train", "points", labels, first, "--test", "other"])
    assert run.exit_code == 0, run.output
    assert "other, not fitted to: mean IoU" in run.output
    tuned = CliRunner().invoke(app, ["train", "points", labels, second, "--start", first])
    assert tuned.exit_code == 0, tuned.output
    before, after = read_probe(Path(first)), read_probe(Path(second))
    assert before.names == after.names == KINDS
    assert np.abs(before.weights - after.weights).max() > 0
    with pytest.raises(UserError, match="holds no probe"):
        read_probe(tmp_path / "labels")
    refused = CliRunner().invoke(app, ["train", "points", labels, first, "--test", "third"])
    assert refused.exit_code != 0
