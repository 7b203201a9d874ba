"""A small model that names points, trained on pseudo-labels alone: numpy, seconds, no weights.

It sees the shape of a point's surroundings at several radii and its height, never where a point
lies. A small network (`surveyor.training.points.network`) takes that into the space of a text
embedder, trained so that points of a class agree with its name more than with others. A class is
then named by its text alone: a set of names that was not trained on is only other embeddings, as
good as the embedder (`surveyor.skills.embed`) knows that two names are near.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from surveyor.core.errors import UserError
from surveyor.core.geometry import Float
from surveyor.skills.embed import Embedder, LexicalEmbedder
from surveyor.training.checkpoints import write_folder
from surveyor.training.points.network import (
    Single,
    TaughtScene,
    Weights,
    around,
    new_weights,
    outputs,
    trained,
)
from surveyor.training.points.pseudo_labels import BACKGROUND, LabelledPoints

_RADII = (0.1, 0.25, 0.6)
_MOST_NEAR = 48
_LEAST, _EACH, _MOST, _SEED = 250, 60, 4000, 0
"""Steps in all and a scene, at least; and of how many points each."""
_OTHER = "something else"


@dataclass(frozen=True, slots=True, eq=False)
class PointProbe:
    """``weights`` of the network into the embedder's space; ``middle`` and ``spread`` are what raw
    features are normalised by."""

    names: tuple[str, ...]
    weights: Weights
    middle: Float
    spread: Float
    embedder: Embedder

    def predict(self, points: Float, names: Sequence[str] | None = None) -> NDArray[np.int64]:
        """(N,) index of each point's class among ``names`` (those trained on by default), or
        `BACKGROUND`. Names that were not trained on are told by their text."""
        asked = tuple(names or self.names)
        texts = self.embedder.documents([*asked, _OTHER])
        if not len(points):
            return np.zeros(0, np.int64)
        found = outputs(self.weights, self.features(points), around(points)) @ texts.T
        best = found.argmax(axis=1)
        return np.where(best == len(asked), BACKGROUND, best).astype(np.int64)

    def features(self, points: Float) -> Single:
        """(N, F) features of points among themselves."""
        return ((shapes_of(points) - self.middle) / self.spread).astype(np.float32)


def save_probe(probe: PointProbe, out: Path) -> None:
    """A folder with ``probe.npz`` and ``probe.json``; `UserError` where it exists."""

    def fill(folder: Path) -> None:
        arrays = {**probe.weights, "middle": probe.middle, "spread": probe.spread}
        np.savez_compressed(folder / "probe.npz", **arrays)  # type: ignore[arg-type]
        about = {"classes": list(probe.names), "embedder": probe.embedder.name}
        (folder / "probe.json").write_text(json.dumps(about, indent=1) + "\n")

    if out.exists():
        raise UserError(f"{out} exists; choose another folder")
    write_folder(out, fill)


def load_probe(folder: Path, embedder: Embedder | None = None) -> PointProbe:
    """What `save_probe` wrote; ``embedder`` must be the one that it was fitted with."""
    try:
        about = json.loads((folder / "probe.json").read_text())
        names, made_with = tuple(about["classes"]), about["embedder"]
        with np.load(folder / "probe.npz", allow_pickle=False) as kept:
            middle, spread = kept["middle"], kept["spread"]
            weights = {name: kept[name] for name in new_weights(1, 1, _SEED)}
    except (OSError, ValueError, KeyError, TypeError, BadZipFile):
        raise UserError(f"{folder} holds no probe; make one with surveyor train points") from None
    chosen = embedder or LexicalEmbedder()
    if chosen.name != made_with:
        raise UserError(f"{folder} was fitted with {made_with}; name that embedder, not another")
    return PointProbe(names, weights, middle, spread, chosen)


def fit_probe(
    scenes: Sequence[LabelledPoints],
    embedder: Embedder | None = None,
    start: PointProbe | None = None,
    hold: float = 1.0,
) -> PointProbe:
    """Train on labelled points, each as heavy as it is sure; a class with few points weighs more.

    With ``start`` it is fine-tuned: the nearer to the weights it had, the larger ``hold``.
    """
    chosen = embedder or (start.embedder if start else LexicalEmbedder())
    names = scenes[0].names
    rng = np.random.default_rng(_SEED)
    some = [rng.permutation(len(one.points))[:_MOST] for one in scenes]
    raw = [shapes_of(one.points)[kept] for one, kept in zip(scenes, some, strict=True)]
    labels = [
        np.where(one.labels < 0, len(names), one.labels)[kept]
        for one, kept in zip(scenes, some, strict=True)
    ]
    middle = start.middle if start else np.concatenate(raw).mean(axis=0)
    spread = start.spread if start else np.concatenate(raw).std(axis=0) + 1e-6
    counts = np.bincount(np.concatenate(labels), minlength=len(names) + 1)
    # Halfway between points and classes equally heavy: else the shell drowns the things, or
    # everything is taken for one.
    lessons = [
        TaughtScene(
            ((shapes - middle) / spread).astype(np.float32),
            around(one.points[kept]),
            mine,
            (one.weights[kept] / np.sqrt(counts[mine])).astype(np.float32),
        )
        for one, kept, shapes, mine in zip(scenes, some, raw, labels, strict=True)
    ]
    texts = chosen.documents([*names, _OTHER])
    steps = max(_LEAST, _EACH * len(lessons))
    before = start.weights if start else new_weights(len(middle), texts.shape[1], _SEED)
    fitted = trained(before, lessons, texts, steps, hold if start else 1.0, _SEED)
    return PointProbe(names, fitted, middle, spread, chosen)


def shapes_of(points: Float) -> Float:
    """(N, R) height above the lowest point and, at each radius, how the surroundings spread: the
    sorted eigenvalues of their scatter, how upright its normal is, and how far they reach up and
    down. Nothing depends on where a scene lies or how it is turned about the vertical."""
    low = float(np.quantile(points[:, 2], 0.01)) if len(points) else 0.0
    columns = [points[:, 2:3] - low]
    for radius in _RADII:
        near = min(_MOST_NEAR, len(points))
        # A fixed number of neighbours from a thinned cloud reaches as far as the radius wants.
        some = points[_thinned(points, radius / 4)]
        distance, index = cKDTree(some).query(points, k=min(near, len(some)))
        distance = np.asarray(distance).reshape(len(points), -1)
        around = some[np.asarray(index).reshape(len(points), -1)]
        inside = (distance <= radius)[..., None]
        count = np.maximum(inside.sum(axis=1), 1)
        mean = (around * inside).sum(axis=1) / count
        apart = (around - mean[:, None]) * inside
        scatter = np.swapaxes(apart, 1, 2) @ apart / count[..., None]
        values, vectors = np.linalg.eigh(scatter)
        rise = np.where(inside[..., 0], around[..., 2] - points[:, None, 2], 0.0)
        columns += [
            np.sqrt(np.maximum(values, 0)) / radius,
            np.abs(vectors[:, 2:3, 0]),
            rise.max(axis=1, keepdims=True) / radius,
            rise.min(axis=1, keepdims=True) / radius,
            mean[:, 2:3] - low,
        ]
    shapes: Float = np.concatenate(columns, axis=1)
    return shapes


def _thinned(points: Float, cell: float) -> NDArray[np.intp]:
    _, first = np.unique(np.floor(points / cell).astype(np.int64), axis=0, return_index=True)
    return first


def mean_iou(found: NDArray[np.int64], truth: NDArray[np.int64], classes: int) -> float:
    """Mean IoU of classes that are there or were said, background left out (0..1)."""
    ious = []
    for number in range(classes):
        said, true = found == number, truth == number
        if said.any() or true.any():
            ious.append(float((said & true).sum() / (said | true).sum()))
    return float(np.mean(ious)) if ious else 0.0
