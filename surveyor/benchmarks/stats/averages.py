"""Scores in groups and clusters, and the ways of averaging them into one number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


class Averaging(StrEnum):
    """How group means become the overall score."""

    ROWS = "rows"
    """Every row weighs the same."""
    GROUPS = "groups"
    """Every group of rows weighs the same."""


@dataclass(frozen=True, slots=True)
class GroupedScores:
    """Sums and counts of row scores by cluster (rows) and group (columns), shape (C, G) each.

    ``parent_of[g]`` is the index of the parent that group g is averaged into; a group without a
    parent is its own. All averages are functions of these two tables, so that resampling clusters
    is one matrix product. Where guessing scores something, sums are of what is above that and
    counts of what is left above it. ``n_rows`` rows were tabulated.
    """

    sums: FloatArray
    counts: FloatArray
    groups: tuple[str, ...]
    parents: tuple[str, ...]
    parent_of: tuple[int, ...]
    averaging: Averaging
    n_rows: int

    @classmethod
    def of(
        cls,
        scores: Sequence[float],
        clusters: Sequence[str],
        groups: Sequence[str] | None = None,
        averaging: Averaging = Averaging.ROWS,
        parents: Mapping[str, str] | None = None,
        chances: Sequence[float] | None = None,
    ) -> GroupedScores:
        """Tabulate rows; ``scores``, ``clusters`` and ``groups`` run in parallel, and so do
        ``chances``, what guessing scores on each row (0 when left out).

        Raises `ValueError` for no rows or for sequences of different lengths.
        """
        labels = ["all"] * len(scores) if groups is None else list(groups)
        if not scores or not len(scores) == len(clusters) == len(labels):
            raise ValueError("scores, clusters and groups must be of one length, at least 1")
        cluster_names, cluster_index = np.unique(np.asarray(clusters, str), return_inverse=True)
        group_names, group_index = np.unique(np.asarray(labels, str), return_inverse=True)
        shape = (len(cluster_names), len(group_names))
        sums, counts = np.zeros(shape), np.zeros(shape)
        chance = np.zeros(len(scores)) if chances is None else np.asarray(chances, np.float64)
        np.add.at(sums, (cluster_index, group_index), np.asarray(scores, np.float64) - chance)
        np.add.at(counts, (cluster_index, group_index), 1.0 - chance)
        names = tuple(str(name) for name in group_names)
        owners = [(parents or {}).get(name, name) for name in names]
        parent_names = tuple(dict.fromkeys(owners))
        return cls(
            sums=sums,
            counts=counts,
            groups=names,
            parents=parent_names,
            parent_of=tuple(parent_names.index(owner) for owner in owners),
            averaging=averaging,
            n_rows=len(scores),
        )

    def overall(self, weights: FloatArray | None = None) -> FloatArray:
        """The overall average for each row of cluster weights (B, C); (1,) without weights.

        By groups: the mean over parents of the mean over their groups of the mean over rows; a
        group without rows under some weights is left out there. A draw without rows is NaN.
        """
        drawn = np.ones((1, self.sums.shape[0])) if weights is None else weights
        sums, counts = drawn @ self.sums, drawn @ self.counts
        if self.averaging is Averaging.ROWS:
            return _ratio(sums.sum(axis=1), counts.sum(axis=1))
        present = (counts > 0).astype(np.float64)
        means = np.where(counts > 0, _ratio(sums, counts), 0.0)
        membership = np.zeros((len(self.groups), len(self.parents)))
        membership[np.arange(len(self.groups)), list(self.parent_of)] = 1.0
        parent_counts = present @ membership
        parent_means = np.where(parent_counts > 0, _ratio(means @ membership, parent_counts), 0.0)
        return _ratio(parent_means.sum(axis=1), (parent_counts > 0).sum(axis=1))

    def group_means(self) -> dict[str, float]:
        """Mean over rows of every group."""
        means = _ratio(self.sums.sum(axis=0), self.counts.sum(axis=0))
        return dict(zip(self.groups, means.tolist(), strict=True))

    def parent_means(self) -> dict[str, float]:
        """Unweighted mean over its groups of every parent that is not itself a group."""
        means = self.group_means()
        return {
            parent: float(np.mean([means[g] for g, p in self._owned() if p == parent]))
            for parent in self.parents
            if parent not in self.groups
        }

    def _owned(self) -> list[tuple[str, str]]:
        return [(g, self.parents[i]) for g, i in zip(self.groups, self.parent_of, strict=True)]


def _ratio(numerator: FloatArray, denominator: NDArray[np.generic]) -> FloatArray:
    """Elementwise quotient, NaN where the denominator is 0."""
    bottom = denominator.astype(np.float64)
    out = np.full(np.shape(numerator), np.nan)
    np.divide(numerator, bottom, out=out, where=bottom > 0)
    return out
