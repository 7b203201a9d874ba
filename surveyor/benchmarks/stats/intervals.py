"""A mean with its interval, clustered by scene: a t interval and a seeded bootstrap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from surveyor.benchmarks.stats.averages import FloatArray, GroupedScores

_CHUNK: Final = 512
"""Bootstrap draws per matrix product: bounds memory at any number of scenes."""


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and its two-sided interval, in the scores' own unit.

    ``low``, ``high`` and ``standard_error`` are None when there are fewer than two clusters: one
    scene says nothing about how much scenes differ.
    """

    estimate: float
    low: float | None
    high: float | None
    standard_error: float | None
    level: float
    n_rows: int
    n_clusters: int
    method: str


def clustered_mean(
    scores: Sequence[float], clusters: Sequence[str], level: float = 0.95
) -> Interval:
    """Mean over rows with a cluster-robust t interval on (clusters - 1) degrees of freedom.

    Variance: C/(C-1) · Σ_c (Σ_{i in c} (x_i - mean))² / n², the sandwich estimator for a mean
    (Liang and Zeger 1986) with the usual correction for the number of clusters C.
    """
    from scipy.special import stdtrit

    table = GroupedScores.of(scores, clusters)
    n_clusters, n_rows = table.sums.shape[0], len(scores)
    mean = float(table.overall()[0])
    if n_clusters < 2:
        return Interval(mean, None, None, None, level, n_rows, n_clusters, "cluster-t")
    residuals = table.sums.sum(axis=1) - mean * table.counts.sum(axis=1)
    variance = n_clusters / (n_clusters - 1) * float(residuals @ residuals) / n_rows**2
    error = variance**0.5
    half = float(stdtrit(n_clusters - 1, 0.5 + level / 2)) * error
    return Interval(mean, mean - half, mean + half, error, level, n_rows, n_clusters, "cluster-t")


def cluster_bootstrap(
    table: GroupedScores, level: float = 0.95, n_resamples: int = 2000, seed: int = 0
) -> Interval:
    """Overall average with a percentile interval from resampling whole clusters.

    The same seed gives the same interval. Works for any averaging, so also for benchmarks whose
    overall score is a mean of task means.
    """
    n_clusters = table.sums.shape[0]
    estimate, n_rows = float(table.overall()[0]), table.n_rows
    if n_clusters < 2:
        return Interval(estimate, None, None, None, level, n_rows, n_clusters, "cluster-bootstrap")
    draws = np.concatenate(
        [table.overall(weights) for weights in resampled(n_clusters, n_resamples, seed)]
    )
    low, high = np.quantile(draws, [0.5 - level / 2, 0.5 + level / 2])
    return Interval(
        estimate=estimate,
        low=float(low),
        high=float(high),
        standard_error=float(draws.std(ddof=1)),
        level=level,
        n_rows=n_rows,
        n_clusters=n_clusters,
        method="cluster-bootstrap",
    )


def resampled(n_clusters: int, n_resamples: int, seed: int) -> list[FloatArray]:
    """How often each cluster is drawn in each resample: chunks of shape (≤ 512, n_clusters)."""
    generator = np.random.default_rng(seed)
    share = np.full(n_clusters, 1 / n_clusters)
    sizes = [min(_CHUNK, n_resamples - at) for at in range(0, n_resamples, _CHUNK)]
    return [generator.multinomial(n_clusters, share, size).astype(np.float64) for size in sizes]
