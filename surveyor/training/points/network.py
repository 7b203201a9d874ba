"""A small network over points and their surroundings, trained by gradient: numpy, a CPU, seconds.

Two layers, after PointNet++ (Qi et al. 2017) in small: the first sees a point's own features, the
second also what the first says on average of the points around, in cells of two sizes. Its output
is a vector in a text embedder's space. Gradients are written out, so that no framework is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from surveyor.core.geometry import Float

Single = NDArray[np.float32]

WIDTH = 64
CELLS = (0.3, 0.9)
"""Metres; the larger holds most of a chair or a table."""
Weights = Mapping[str, Single]
_RATE, _DECAY, _NOISE = 4e-3, 1e-4, 0.1
_FIRST, _SECOND = 0.9, 0.999


@dataclass(frozen=True, slots=True, eq=False)
class TaughtScene:
    """One scene: features (N, F), the points around each (`around`), targets (N,) among K texts,
    and how much each point counts (N,)."""

    features: Single
    around: Sequence[csr_matrix]
    targets: NDArray[np.int64]
    heavy: Single


def new_weights(features: int, dim: int, seed: int) -> Weights:
    """Weights of a network that has learnt nothing."""
    rng = np.random.default_rng(seed)

    def layer(inputs: int, outputs: int) -> Single:
        return rng.normal(0, np.sqrt(2 / inputs), (inputs, outputs)).astype(np.float32)

    inner = WIDTH * (1 + len(CELLS))
    return {
        "own": layer(features, WIDTH),
        "own_bias": np.zeros(WIDTH, np.float32),
        "joint": layer(inner, WIDTH),
        "joint_bias": np.zeros(WIDTH, np.float32),
        "text": np.zeros((WIDTH, dim), np.float32),
    }


def around(points: Float) -> list[csr_matrix]:
    """Per cell size, (N, N) in effect: the mean over the points of a point's cell."""
    found = []
    for edge in CELLS:
        cells = np.floor((points - points.min(axis=0)) / edge).astype(np.int64)
        _, cell = np.unique(cells, axis=0, return_inverse=True)
        cell = np.asarray(cell).ravel()
        share = (1 / np.sqrt(np.bincount(cell)[cell])).astype(np.float32)
        found.append(csr_matrix((share, (np.arange(len(points)), cell))))
    return found


def outputs(weights: Weights, features: Single, near: Sequence[csr_matrix]) -> Single:
    """(N, D) vectors of points in the space of texts."""
    vectors: Single = _forward(weights, features, near)[-1] @ weights["text"]
    return vectors


def _forward(weights: Weights, features: Single, near: Sequence[csr_matrix]) -> list[Single]:
    own = np.maximum(features @ weights["own"] + weights["own_bias"], 0)
    inner = np.concatenate([own, *(member @ (member.T @ own) for member in near)], axis=1)
    joint = np.maximum(inner @ weights["joint"] + weights["joint_bias"], 0)
    return [own, inner, joint]


def trained(
    start: Weights,
    lessons: Sequence[TaughtScene],
    texts: Single,
    steps: int,
    hold: float,
    seed: int,
) -> Weights:
    """``start`` after ``steps`` of Adam, one scene each in turn; the larger ``hold``, the slower.

    The loss is the cross-entropy of a point's vector with the texts (K, D): from masks' labels
    alone. Features are jittered, so that a place's own accidents teach little.
    """
    rng = np.random.default_rng(seed)
    weights = {name: value.copy() for name, value in start.items()}
    means = {name: np.zeros_like(value) for name, value in weights.items()}
    squares = {name: np.zeros_like(value) for name, value in weights.items()}
    for step in range(1, steps + 1):
        lesson = lessons[(step - 1) % len(lessons)]
        rate = _RATE * min(1.0, 2 * (1 - step / (steps + 1))) / hold
        for name, slope in _slopes(weights, lesson, texts, rng).items():
            means[name] += (1 - _FIRST) * (slope - means[name])
            squares[name] += (1 - _SECOND) * (slope**2 - squares[name])
            mean = means[name] / (1 - _FIRST**step)
            square = squares[name] / (1 - _SECOND**step)
            change = mean / (np.sqrt(square) + 1e-8) + _DECAY * weights[name]
            weights[name] -= np.float32(rate) * change
    return weights


def _slopes(
    weights: Weights, lesson: TaughtScene, texts: Single, rng: np.random.Generator
) -> dict[str, Single]:
    features = lesson.features + np.float32(_NOISE) * rng.standard_normal(
        lesson.features.shape, np.float32
    )
    own, inner, joint = _forward(weights, features, lesson.around)
    logits = joint @ (weights["text"] @ texts.T)
    logits -= logits.max(axis=1, keepdims=True)
    said = np.exp(logits)
    said /= said.sum(axis=1, keepdims=True)
    said[np.arange(len(said)), lesson.targets] -= 1
    wrong = said * (lesson.heavy / lesson.heavy.sum())[:, None]
    to_texts = wrong @ texts
    to_joint = (to_texts @ weights["text"].T) * (joint > 0)
    to_inner = to_joint @ weights["joint"].T
    parts = np.split(to_inner, 1 + len(lesson.around), axis=1)
    to_own = parts[0]
    for member, part in zip(lesson.around, parts[1:], strict=True):
        to_own = to_own + member @ (member.T @ part)
    to_own = to_own * (own > 0)
    return {
        "own": features.T @ to_own,
        "own_bias": to_own.sum(axis=0),
        "joint": inner.T @ to_joint,
        "joint_bias": to_joint.sum(axis=0),
        "text": joint.T @ to_texts,
    }
