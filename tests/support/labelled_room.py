"""The room of boxes with labels that votes over masks give, and seen from other places."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from surveyor.tools.geometry.mask_votes import vote
from surveyor.training.points.pseudo_labels import BACKGROUND, LabelledPoints
from tests.support.box_room import poses_around
from tests.support.mask_room import NAMES, MaskRoom

KINDS = tuple(sorted(set(NAMES)))
KIND_OF = np.array([*(KINDS.index(name) for name in NAMES), BACKGROUND])


def labelled(seen: MaskRoom, spoilt: bool) -> LabelledPoints:
    """Points with the labels that a vote over masks gives, no truth among them."""
    labels = np.full(len(seen.surface.points), BACKGROUND)
    weights = np.full(len(labels), 0.5)
    known = {point.tobytes(): k for k, point in enumerate(seen.surface.points)}
    for thing, name in enumerate(NAMES):
        masks = seen.masks(thing)
        if spoilt:
            masks = seen.spoilt(thing, np.random.default_rng(thing), hallucinated=1, dropped=1)
        found = vote(seen.surface, seen.views, masks)
        places = [known[point.tobytes()] for point in np.ascontiguousarray(found.points)]
        labels[places], weights[places] = KINDS.index(name), found.confidence
    some = np.random.default_rng(0).permutation(len(labels))[:8000]
    return LabelledPoints("boxes", seen.surface.points[some], labels[some], weights[some], KINDS)


def unseen_views() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """The room from between the cameras that masks came from, with its true classes."""
    seen = MaskRoom.of(poses_around(24)[1::2])
    some = np.random.default_rng(1).permutation(len(seen.labels))[:8000]
    return seen.surface.points[some], KIND_OF[seen.labels[some]]
