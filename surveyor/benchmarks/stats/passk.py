"""pass@k: the chance that at least one of k attempts at a task succeeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

from surveyor.benchmarks.stats.intervals import Interval, clustered_mean


@dataclass(frozen=True, slots=True)
class PassAtK:
    """Mean pass@k over tasks, with an interval clustered by scene."""

    k: int
    value: Interval


def pass_at_k(n: int, c: int, k: int) -> float:
    """Unbiased estimate from n attempts of which c succeeded: 1 - C(n-c, k) / C(n, k).

    Chen et al. 2021 (arXiv:2107.03374). Raises `ValueError` unless 0 <= c <= n and 1 <= k <= n.
    """
    if not 0 <= c <= n or not 1 <= k <= n:
        raise ValueError(f"pass@{k} needs 0 <= c <= n and 1 <= k <= n, got n={n}, c={c}")
    return 1.0 - comb(n - c, k) / comb(n, k)


def pass_at_k_mean(
    attempts: Sequence[int], successes: Sequence[int], scenes: Sequence[str], k: int
) -> PassAtK:
    """Mean over tasks; the three sequences run in parallel, one entry a task.

    Every *scheduled* attempt counts, also one that failed or is incomplete (as no success). Raises
    `ValueError` when any task has fewer than k attempts.
    """
    values = [pass_at_k(n, c, k) for n, c in zip(attempts, successes, strict=True)]
    return PassAtK(k=k, value=clustered_mean(values, scenes))
