"""What `surveyor train points` does: a probe that names points, from exported pseudo-labels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from surveyor.core.errors import UserError
from surveyor.core.wording import many
from surveyor.skills.embed import make_embedder
from surveyor.training.points.probe import (
    PointProbe,
    fit_probe,
    load_probe,
    mean_iou,
    save_probe,
)
from surveyor.training.points.pseudo_labels import BACKGROUND, LabelledPoints, read_pseudo_labels


def train_points(
    labels: Path, out: Path, start: Path | None, held_out: Sequence[str], embedder: str
) -> Iterator[str]:
    """Fit to a folder of pseudo-labels, or go on from the probe ``start``; the lines to print.

    Scenes named in ``held_out`` are not learnt from: how well their labels are met is told.
    """
    scenes = read_pseudo_labels(labels)
    unknown = sorted({*held_out} - {one.scene_id for one in scenes})
    if unknown:
        raise UserError(f"{labels} has no scene {unknown[0]!r} to hold out")
    learnt = [one for one in scenes if one.scene_id not in held_out]
    if not learnt:
        raise UserError("every scene is held out; leave one to learn from")
    chosen = make_embedder(embedder)
    before = load_probe(start, chosen) if start is not None else None
    probe = fit_probe(learnt, chosen, before)
    save_probe(probe, out)
    count = sum(int((one.labels != BACKGROUND).sum()) for one in learnt)
    yield f"{out}: {len(probe.names)} classes from {count} points of {many(len(learnt), 'scene')}"
    for one in scenes:
        if one.scene_id in held_out:
            yield _told(probe, one)


def _told(probe: PointProbe, scene: LabelledPoints) -> str:
    """How far a probe meets a scene's labels, beside the same labels at random places."""
    kinds = len(scene.names)
    met = mean_iou(probe.predict(scene.points, scene.names), scene.labels, kinds)
    mixed = replace(scene, labels=np.random.default_rng(0).permutation(scene.labels))
    chance = mean_iou(mixed.labels, scene.labels, kinds)
    return f"{scene.scene_id} (held out): mIoU {met:.3f}; by chance {chance:.3f}"
