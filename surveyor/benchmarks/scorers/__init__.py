"""The scorers: pure, versioned functions from one row to its score.

Each metric has profiles, one for every published way to score it and a lenient or strict one of
ours; `surveyor.benchmarks.scorers.registry` names them all and is what reports record.
"""
