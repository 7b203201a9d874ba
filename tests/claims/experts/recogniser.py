"""A small recogniser of cropped things: gradients and colours into a linear classifier.

Not an expert: the yardstick by which the error models' belief in restored pixels is set
(`tests.claims.experts.calibration`). Deliberately simple and trained on clean crops only,
like a model that has never seen the dark.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from surveyor.core.geometry import Float
from surveyor.services.images import Pixels
from surveyor.services.reference.quality import luma

SIDE = 64
_CELL = 8
_TURNS = 9
_GRID = 8


def features(crop: Pixels) -> NDArray[np.float32]:
    """Histograms of oriented gradients (Dalal and Triggs 2005) and a coarse colour grid of a
    crop (h, w, 3), resized to a square."""
    from PIL import Image

    square = Image.fromarray(crop).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    pixels = np.asarray(square)
    grid = np.asarray(square.resize((_GRID, _GRID), Image.Resampling.BOX), np.float32) / 255
    grid = (grid - grid.mean()) / max(float(grid.std()), 0.02)
    return np.concatenate([_gradients(luma(pixels)), 0.1 * grid.ravel()]).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Recogniser:
    """A trained classifier: ``weights`` (features + 1, classes) over standardised features."""

    classes: tuple[str, ...]
    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
    weights: Float

    def recognise(self, rows: NDArray[np.float32]) -> list[str]:
        """The likeliest class of each row (N, features)."""
        scores = _with_one((rows - self.mean) / self.spread) @ self.weights
        return [self.classes[int(best)] for best in scores.argmax(axis=1)]


def train(rows: NDArray[np.float32], names: list[str], penalty: float = 1e-3) -> Recogniser:
    """Multinomial logistic regression with an L2 ``penalty``, by L-BFGS."""
    from scipy.optimize import minimize

    classes = tuple(sorted(set(names)))
    index = {name: k for k, name in enumerate(classes)}
    target = np.eye(len(classes))[[index[name] for name in names]]
    # Every class counts alike, however often it stands in rooms.
    each = (1 / np.maximum(target.sum(axis=0), 1))[target.argmax(axis=1)]
    each /= each.sum()
    mean, spread = rows.mean(axis=0), rows.std(axis=0) + 1e-3
    inputs = _with_one((rows - mean) / spread)

    def loss(flat: Float) -> tuple[float, Float]:
        weights = flat.reshape(inputs.shape[1], -1)
        scores = inputs @ weights
        scores -= scores.max(axis=1, keepdims=True)
        likely = np.exp(scores)
        likely /= likely.sum(axis=1, keepdims=True)
        entropy = -each @ np.log(np.maximum((likely * target).sum(axis=1), 1e-12))
        slope = inputs.T @ ((likely - target) * each[:, None]) + 2 * penalty * weights
        return float(entropy + penalty * np.sum(weights**2)), slope.ravel()

    start = np.zeros(inputs.shape[1] * len(classes))
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 150})
    return Recogniser(classes, mean, spread, found.x.reshape(inputs.shape[1], -1))


def _gradients(bright: NDArray[np.float32]) -> NDArray[np.float32]:
    """Unsigned gradient histograms in cells, normalised over blocks of 2 x 2 cells."""
    dy, dx = np.gradient(np.sqrt(bright))
    strength = np.hypot(dx, dy)
    turn = np.mod(np.arctan2(dy, dx), np.pi) / np.pi * _TURNS
    low = np.floor(turn).astype(int)
    part = turn - low
    cells = SIDE // _CELL
    histogram = np.zeros((cells, cells, _TURNS), np.float32)
    rows, columns = np.mgrid[:SIDE, :SIDE] // _CELL
    np.add.at(histogram, (rows, columns, low % _TURNS), strength * (1 - part))
    np.add.at(histogram, (rows, columns, (low + 1) % _TURNS), strength * part)
    blocks = [histogram[i : cells - 1 + i, j : cells - 1 + j] for i in (0, 1) for j in (0, 1)]
    block = np.concatenate(blocks, axis=-1)
    norm = np.sqrt(np.sum(block**2, axis=-1, keepdims=True) + 1e-3)
    return np.asarray(np.minimum(block / norm, 0.2).ravel(), np.float32)


def _with_one(rows: NDArray[np.float32]) -> Float:
    return np.concatenate([rows, np.ones((len(rows), 1))], axis=1).astype(np.float64)
