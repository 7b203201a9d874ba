"""Statistics for benchmark scores: intervals clustered by scene, pass@k, paired comparisons.

Questions about one scene share its difficulty, so rows are never treated as independent: the
unit that is resampled, and that degrees of freedom are counted in, is the scene.
"""

from surveyor.benchmarks.stats.averages import Averaging, GroupedScores
from surveyor.benchmarks.stats.intervals import Interval, cluster_bootstrap, clustered_mean
from surveyor.benchmarks.stats.paired import McNemar, PairedComparison, compare_runs
from surveyor.benchmarks.stats.passk import PassAtK, pass_at_k, pass_at_k_mean

__all__ = [
    "Averaging",
    "GroupedScores",
    "Interval",
    "McNemar",
    "PairedComparison",
    "PassAtK",
    "cluster_bootstrap",
    "clustered_mean",
    "compare_runs",
    "pass_at_k",
    "pass_at_k_mean",
]
