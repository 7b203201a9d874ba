"""Paired comparison of two runs on the same tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from surveyor.benchmarks.stats.averages import Averaging, GroupedScores
from surveyor.benchmarks.stats.intervals import Interval, cluster_bootstrap, resampled
from surveyor.core.errors import UserError


@dataclass(frozen=True, slots=True)
class McNemar:
    """Exact McNemar test on right/wrong: do the discordant pairs lean to one side?

    ``only_a`` tasks only run A got right, ``only_b`` tasks only run B did; ``p_value`` is the
    two-sided exact binomial probability of so uneven a split under equal odds (1 without
    discordant pairs). Pairs are taken as independent: read it beside the clustered interval.
    """

    both: int
    only_a: int
    only_b: int
    neither: int
    p_value: float


@dataclass(frozen=True, slots=True)
class PairedComparison:
    """Run B against run A over the tasks that both scheduled.

    ``difference`` is B - A in the scores' own unit, its interval from resampling scenes with both
    runs' rows kept together. ``p_value`` is the two-sided bootstrap probability of no difference.
    ``n_only_a`` and ``n_only_b`` count tasks that only one run scheduled; they are left out.
    """

    mean_a: float
    mean_b: float
    difference: Interval
    p_value: float
    mcnemar: McNemar
    n_only_a: int
    n_only_b: int


def exact_mcnemar(only_a: int, only_b: int) -> float:
    """Two-sided exact p-value of ``only_a`` against ``only_b`` discordant pairs."""
    from scipy.special import bdtr

    discordant = only_a + only_b
    if discordant == 0:
        return 1.0
    return min(1.0, 2.0 * float(bdtr(min(only_a, only_b), discordant, 0.5)))


def compare_runs(
    a: Mapping[str, float],
    b: Mapping[str, float],
    scenes: Mapping[str, str],
    *,
    groups: Mapping[str, str] | None = None,
    averaging: Averaging = Averaging.ROWS,
    parents: Mapping[str, str] | None = None,
    right_from: float = 0.5,
    level: float = 0.95,
    n_resamples: int = 2000,
    seed: int = 0,
) -> PairedComparison:
    """Compare two runs' scores (0..1) by task id; failed and incomplete rows must be in there as 0.

    ``groups`` and ``parents`` average as `GroupedScores` does, so that the difference is that of
    the benchmark's own overall score. ``right_from`` is the score that counts as right for
    McNemar's test. Raises `UserError` when the runs share no task.
    """
    ids = sorted(a.keys() & b.keys())
    if not ids:
        raise UserError("The two runs share no task; compare runs of the same dataset and split.")
    labels = None if groups is None else [groups[i] for i in ids]
    clusters = [scenes[i] for i in ids]

    def tabulate(scores: list[float]) -> GroupedScores:
        return GroupedScores.of(scores, clusters, labels, averaging, parents)

    delta = tabulate([b[i] - a[i] for i in ids])
    return PairedComparison(
        mean_a=float(tabulate([a[i] for i in ids]).overall()[0]),
        mean_b=float(tabulate([b[i] for i in ids]).overall()[0]),
        difference=cluster_bootstrap(delta, level, n_resamples, seed),
        p_value=_bootstrap_p(delta, n_resamples, seed),
        mcnemar=_mcnemar([(a[i] >= right_from, b[i] >= right_from) for i in ids]),
        n_only_a=len(a.keys() - b.keys()),
        n_only_b=len(b.keys() - a.keys()),
    )


def _mcnemar(pairs: list[tuple[bool, bool]]) -> McNemar:
    only_a, only_b = pairs.count((True, False)), pairs.count((False, True))
    return McNemar(
        both=pairs.count((True, True)),
        only_a=only_a,
        only_b=only_b,
        neither=pairs.count((False, False)),
        p_value=exact_mcnemar(only_a, only_b),
    )


def _bootstrap_p(delta: GroupedScores, n_resamples: int, seed: int) -> float:
    """Two-sided p: how often the resampled difference is on the other side of 0; never 0."""
    n_clusters = delta.sums.shape[0]
    if n_clusters < 2:
        return 1.0
    draws = np.concatenate([delta.overall(w) for w in resampled(n_clusters, n_resamples, seed)])
    tail = min(int((draws <= 0).sum()), int((draws >= 0).sum()))
    return min(1.0, 2.0 * (tail + 1) / (n_resamples + 1))
