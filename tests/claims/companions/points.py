"""Naming points without labels (MLLM-For3D): B6, in unseen views and in unseen places."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from surveyor.core.dataset import read_manifest
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from surveyor.scenes.datasets.truth import scene_truth
from surveyor.tools.geometry.mask_votes import vote
from surveyor.training.points.probe import fit_probe, mean_iou
from surveyor.training.points.pseudo_labels import BACKGROUND, LabelledPoints
from tests.claims.claim import Claim
from tests.claims.companions.masks import seen_place
from tests.support.labelled_room import KINDS, labelled, unseen_views
from tests.support.mask_room import MaskRoom, room

SETTINGS = RoomsSettings(
    n_frames=14,
    size=(160, 120),
    light_rays=1,
    types=("refer_seg",),
    per_type=2,
    balance=False,
)
ROOMS, LEARNT, _COMMON = range(9200, 9216), 12, 3


def measure() -> Iterator[Claim]:
    """Both rows of B6."""
    yield from unseen_angles()
    with tempfile.TemporaryDirectory() as place:
        make_rooms_dataset(Path(place) / "rooms", ROOMS, settings=SETTINGS)
        yield from distilled(Path(place) / "rooms")


def unseen_angles() -> Iterator[Claim]:
    """As it is asked for: from spoilt masks of one room to views of it that had none."""
    seen = labelled(room(12), spoilt=True)
    points, truth = unseen_views()
    started = time.process_time()
    probe = fit_probe([seen])
    spent = time.process_time() - started
    iou = mean_iou(probe.predict(points), truth, len(KINDS))
    note = f"{len(KINDS)} classes of boxes, trained in {spent:.0f} s of a processor"
    yield Claim.at_least("B6 label-free backbone: mIoU in unseen views of a place", iou, 0.3, note)


def distilled(dataset: Path) -> Iterator[Claim]:
    """Trained on what votes over spoilt masks say of twelve places, asked in four others.

    Masks are the rooms' own, of every thing that two frames show, one of them hallucinated and one
    dropped; the truth of points is only what is scored against. Classes are those that three or
    more of the twelve places hold. Unseen places are scored as one set of points.
    """
    scenes = list(read_manifest(dataset).scenes)
    kinds = {
        name: {item.instance_id: item.category for item in scene_truth(dataset, name).objects}
        for name in scenes
    }
    held = Counter(kind for name in scenes[:LEARNT] for kind in {*kinds[name].values()})
    names = tuple(sorted(kind for kind, count in held.items() if count >= _COMMON))
    learnt = []
    for name in scenes[:LEARNT]:
        learnt.append(_voted(seen_place(dataset, name), kinds[name], names, name))
    started = time.process_time()
    probe = fit_probe(learnt)
    spent = time.process_time() - started
    said, true = [], []
    for name in scenes[LEARNT:]:
        seen = seen_place(dataset, name)
        said.append(probe.predict(seen.surface.points))
        true.append(_classes(seen, kinds[name], names))
    found, truth = np.concatenate(said), np.concatenate(true)
    chance = mean_iou(np.random.default_rng(0).permutation(truth), truth, len(names))
    note = f"{len(names)} classes, {LEARNT} places learnt, {len(said)} asked; by chance "
    note += f"{chance:.3f}; trained in {spent:.0f} s of a processor"
    iou = mean_iou(found, truth, len(names))
    yield Claim.at_least("B6 label-free backbone: mIoU in unseen places", iou, 0.15, note)


def _voted(
    seen: MaskRoom, kinds: Mapping[int, str], names: tuple[str, ...], scene: str
) -> LabelledPoints:
    """Labels of a place's points by votes over spoilt masks; the surest is kept."""
    labels = np.full(len(seen.surface.points), BACKGROUND)
    sure = np.full(len(labels), 0.5)
    known = {point.tobytes(): k for k, point in enumerate(seen.surface.points)}
    for number, kind in kinds.items():
        if kind not in names or len(seen.masks(number)) < 2:
            continue
        masks = seen.spoilt(number, np.random.default_rng(number), hallucinated=1, dropped=1)
        found = vote(seen.surface, seen.views, masks)
        mine = np.array([known[point.tobytes()] for point in np.ascontiguousarray(found.points)])
        mine = mine[(labels[mine] == BACKGROUND) | (sure[mine] < found.confidence)]
        labels[mine], sure[mine] = names.index(kind), found.confidence
    return LabelledPoints(scene, seen.surface.points, labels, sure, names)


def _classes(seen: MaskRoom, kinds: Mapping[int, str], names: tuple[str, ...]) -> np.ndarray:
    number_of = {number: names.index(kind) for number, kind in kinds.items() if kind in names}
    return np.array([number_of.get(int(one), BACKGROUND) for one in seen.labels])
