"""Clustered intervals, pass@k and paired comparison against textbook values and simulation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from surveyor.benchmarks.stats import (
    Averaging,
    GroupedScores,
    cluster_bootstrap,
    clustered_mean,
    compare_runs,
    pass_at_k,
    pass_at_k_mean,
)
from surveyor.benchmarks.stats.paired import exact_mcnemar
from surveyor.core.errors import UserError


def test_one_row_a_cluster_gives_the_textbook_t_interval() -> None:
    scores = [0.0, 1.0, 1.0, 1.0, 0.0, 1.0]
    interval = clustered_mean(scores, list("abcdef"))
    error = np.std(scores, ddof=1) / np.sqrt(6)
    assert interval.standard_error == pytest.approx(error)
    assert interval.low == pytest.approx(np.mean(scores) - 2.570582 * error, abs=1e-6)
    assert (interval.n_rows, interval.n_clusters, interval.level) == (6, 6, 0.95)


def test_repeating_rows_within_a_scene_does_not_narrow_the_interval() -> None:
    once = clustered_mean([0.0, 1.0, 0.0, 1.0], list("abcd"))
    copied = clustered_mean([0.0, 1.0, 0.0, 1.0] * 10, list("abcd") * 10)
    assert copied.standard_error == pytest.approx(once.standard_error)
    assert copied.low == pytest.approx(once.low)


def test_a_single_scene_has_no_interval() -> None:
    interval = clustered_mean([0.0, 1.0], ["a", "a"])
    assert (interval.estimate, interval.low, interval.standard_error) == (0.5, None, None)


def test_clustered_intervals_cover_the_truth_where_naive_ones_do_not() -> None:
    rng = np.random.default_rng(7)
    scenes = np.repeat(np.arange(30), 10).astype(str).tolist()
    covered = naive = 0
    for _ in range(200):
        scores = (rng.normal(0.5, 0.2, 30).repeat(10) + rng.normal(0, 0.1, 300)).tolist()
        interval = clustered_mean(scores, scenes)
        assert interval.low is not None
        assert interval.high is not None
        covered += interval.low <= 0.5 <= interval.high
        half = 1.96 * np.std(scores, ddof=1) / np.sqrt(300)
        naive += abs(np.mean(scores) - 0.5) <= half
    assert covered >= 180
    assert naive <= 140


def test_the_bootstrap_is_seeded_and_agrees_with_the_t_interval() -> None:
    rng = np.random.default_rng(3)
    scenes = np.repeat(np.arange(60), 4).astype(str).tolist()
    scores = (rng.normal(0.5, 0.2, 60).repeat(4) + rng.normal(0, 0.1, 240)).tolist()
    table = GroupedScores.of(scores, scenes)
    boot = cluster_bootstrap(table, seed=1)
    analytic = clustered_mean(scores, scenes)
    assert boot == cluster_bootstrap(table, seed=1)
    assert boot != cluster_bootstrap(table, seed=2)
    assert boot.standard_error == pytest.approx(analytic.standard_error, rel=0.1)
    assert boot.low == pytest.approx(analytic.low, abs=0.01)
    assert boot.high == pytest.approx(analytic.high, abs=0.01)


def test_averaging_by_groups_weighs_tasks_not_rows() -> None:
    scores = [1.0, 1.0, 1.0, 0.0, 0.0]
    groups = ["a", "a", "a", "b1", "b2"]
    by_rows = GroupedScores.of(scores, list("vwxyz"), groups)
    by_groups = GroupedScores.of(scores, list("vwxyz"), groups, Averaging.GROUPS)
    nested = GroupedScores.of(
        scores, list("vwxyz"), groups, Averaging.GROUPS, {"b1": "b", "b2": "b"}
    )
    assert by_rows.overall()[0] == pytest.approx(0.6)
    assert by_groups.overall()[0] == pytest.approx(1 / 3)
    assert nested.overall()[0] == pytest.approx(0.5)
    assert nested.parent_means() == {"b": 0.0}
    # A draw without any row of "b" averages what is left.
    assert nested.overall(np.array([[1.0, 1.0, 1.0, 0.0, 0.0]]))[0] == 1.0


def test_tables_refuse_ragged_input() -> None:
    with pytest.raises(ValueError, match="one length"):
        GroupedScores.of([1.0], ["a", "b"])
    with pytest.raises(ValueError, match="one length"):
        GroupedScores.of([], [])


@given(
    n=st.integers(1, 8),
    data=st.data(),
)
def test_pass_at_k_is_the_share_of_k_subsets_with_a_success(n: int, data: st.DataObject) -> None:
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, n))
    outcomes = [True] * c + [False] * (n - c)
    subsets = list(itertools.combinations(outcomes, k))
    assert pass_at_k(n, c, k) == pytest.approx(sum(map(any, subsets)) / len(subsets))


def test_pass_at_k_over_tasks_counts_every_attempt() -> None:
    result = pass_at_k_mean([4, 4], [4, 0], ["s1", "s2"], k=2)
    assert (result.k, result.value.estimate) == (2, 0.5)
    with pytest.raises(ValueError, match="pass@5"):
        pass_at_k_mean([4], [1], ["s1"], k=5)


@pytest.mark.parametrize(
    ("only_a", "only_b", "p"),
    [(0, 0, 1.0), (5, 5, 1.0), (0, 5, 0.0625), (10, 1, 24 / 2048), (1, 10, 24 / 2048)],
)
def test_mcnemar_is_the_exact_two_sided_binomial(only_a: int, only_b: int, p: float) -> None:
    assert exact_mcnemar(only_a, only_b) == pytest.approx(p)


def test_comparing_runs_pairs_tasks_by_id() -> None:
    scenes = {f"t{i}": f"s{i // 4}" for i in range(80)}
    rng = np.random.default_rng(0)
    a = {task: float(rng.random() < 0.4) for task in scenes}
    b = {task: max(score, float(rng.random() < 0.5)) for task, score in a.items()}
    reordered = dict(sorted(b.items(), reverse=True)) | {"extra": 1.0}
    result = compare_runs(a, reordered, scenes)
    assert result.difference.estimate == pytest.approx(result.mean_b - result.mean_a)
    assert result.difference.low is not None
    assert result.difference.low > 0
    assert result.p_value < 0.01
    assert (result.n_only_a, result.n_only_b) == (0, 1)
    assert (result.mcnemar.only_a, result.mcnemar.p_value < 0.001) == (0, True)
    counts = result.mcnemar
    assert counts.both + counts.only_a + counts.only_b + counts.neither == 80


def test_a_run_against_itself_shows_no_difference() -> None:
    scores = {f"t{i}": float(i % 2) for i in range(20)}
    scenes = {task: task for task in scores}
    result = compare_runs(scores, dict(scores), scenes)
    assert (result.difference.low, result.difference.high) == (0.0, 0.0)
    assert (result.p_value, result.mcnemar.p_value) == (1.0, 1.0)


def test_runs_without_a_common_task_cannot_be_compared() -> None:
    with pytest.raises(UserError, match="share no task"):
        compare_runs({"a": 1.0}, {"b": 1.0}, {"a": "s", "b": "s"})
