"""A small random forest over binary features, for auditing questions without seeing a scene.

Plain (Breiman 2001): bootstrap rows, a random subset of features at each node, splits by squared
error. What the leaves hold is given apart from what the splits are made for, so that a forest
can predict the expected score of every possible answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Features = NDArray[np.float32]
Float = NDArray[np.float64]
Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True, eq=False)
class _Node:
    """An inner node asks whether ``feature`` is set; a leaf (``feature`` -1) holds a value."""

    feature: int
    absent: int
    present: int
    value: Float | None


class Forest:
    """A fitted forest."""

    def __init__(self, trees: list[list[_Node]], n_outputs: int) -> None:
        self._trees = trees
        self._n_outputs = n_outputs

    @classmethod
    def fit(
        cls,
        features: Features,
        target: Float,
        values: Float,
        rng: np.random.Generator,
        n_trees: int = 20,
        max_depth: int = 10,
    ) -> Forest:
        """Fit splits to a target (N,) on binary features (N, F); leaves average values (N, K)."""
        min_leaf = max(3, len(features) // 400)
        column = target.astype(np.float32)
        trees = []
        for _ in range(n_trees):
            rows = rng.integers(0, len(features), len(features))
            trees.append(_grow(features, column, values, rows, rng, min_leaf, max_depth))
        return cls(trees, values.shape[1])

    def predict(self, features: Features) -> Float:
        """(M, K) mean of the trees' leaves for each of M new rows."""
        total = np.zeros((len(features), self._n_outputs))
        for tree in self._trees:
            pending = [(0, np.arange(len(features)))]
            while pending:
                index, here = pending.pop()
                node = tree[index]
                if node.value is not None:
                    total[here] += node.value
                    continue
                present = features[here, node.feature] > 0
                pending += [(node.absent, here[~present]), (node.present, here[present])]
        mean: Float = total / len(self._trees)
        return mean


def _grow(
    features: Features,
    target: Features,
    values: Float,
    rows: Rows,
    rng: np.random.Generator,
    min_leaf: int,
    max_depth: int,
) -> list[_Node]:
    nodes: list[_Node | None] = [None]
    pending = [(0, rows, 0)]
    tried = min(features.shape[1], max(4, int(2 * np.sqrt(features.shape[1]))))
    while pending:
        index, here, depth = pending.pop()
        feature = -1
        if depth < max_depth and len(here) >= 2 * min_leaf:
            chosen = rng.choice(features.shape[1], tried, replace=False)
            split = _best_split(features[np.ix_(here, chosen)], target[here], min_leaf)
            feature = -1 if split is None else int(chosen[split])
        if feature < 0:
            nodes[index] = _Node(-1, -1, -1, values[here].mean(axis=0))
            continue
        present = features[here, feature] > 0
        nodes[index] = _Node(feature, len(nodes), len(nodes) + 1, None)
        pending += [(len(nodes), here[~present], depth + 1)]
        pending += [(len(nodes) + 1, here[present], depth + 1)]
        nodes += [None, None]
    return [node for node in nodes if node is not None]


def _best_split(features: Features, target: Features, min_leaf: int) -> int | None:
    """The column whose two sides differ most in the mean of the target, weighted by their size."""
    n = len(features)
    inside = features.sum(axis=0)
    allowed = (inside >= min_leaf) & (n - inside >= min_leaf)
    if not allowed.any():
        return None
    sums = target @ features
    total = float(target.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        gain = sums**2 / inside + (total - sums) ** 2 / (n - inside)
    gain = np.where(allowed, gain - total**2 / n, -1)
    best = int(gain.argmax())
    return best if gain[best] > 1e-6 else None
