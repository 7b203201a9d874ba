"""Must-show 5: predictors that are always right or say nothing, on every kind of dataset."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from surveyor.benchmarks.scorers.per_type import METRIC_OF
from surveyor.benchmarks.scorers.registry import metric_named
from surveyor.scenes.datasets.embedded import RoomsSettings, make_rooms_dataset
from tests.claims.benchmarks.predictors import perfect, score_dataset, silent
from tests.claims.claim import Claim

ROOMS = (8961, 8962)
JUST_BELOW = 100.0 - 1e-3
"""Published IoU adds an epsilon to the union, so that even a perfect box has less than 1."""


def predictors(folder: Path) -> Iterator[Claim]:
    """Every kind of question that embedded rooms ask, together and by its own metric. The datasets
    of all loaders are held to the same in ``tests/benchmarks/test_predictors.py``."""
    dataset = folder / "rooms"
    settings = RoomsSettings(
        n_frames=8, size=(160, 120), per_type=3, types=tuple(sorted(METRIC_OF)), balance=False
    )
    asked = make_rooms_dataset(dataset, ROOMS, settings=settings).questions
    kinds: dict[str, list[str]] = {"rooms": list(asked)}
    for name in asked:
        kinds.setdefault(METRIC_OF[name], []).append(name)
    for metric, types in kinds.items():
        note = f"{sum(asked[name] for name in types)} questions of {len(types)} types"
        yield from _both(dataset, metric, types, note)


def _both(dataset: Path, name: str, types: list[str], note: str) -> Iterator[Claim]:
    profiles = metric_named(name).profiles
    # As published, ScanQA's rule fails right answers that cleaning changes (see docs/scoring.md).
    fair = [p for p in profiles if p != "as-published"]
    best = min(min(score_dataset(dataset, name, perfect, p, types).overall.values()) for p in fair)
    yield Claim.at_least(f"{name} on {dataset.name}: perfect predictor", best, JUST_BELOW, note)
    # Without its guard, v2.1 gives refined EM to an empty reply.
    guarded = [p for p in profiles if p != "both-cleaned-v2.1"]
    most = max(
        max(score_dataset(dataset, name, silent, p, types).overall.values()) for p in guarded
    )
    told = f"{note}; under {', '.join(guarded)}; rows without targets left out"
    yield Claim.at_most(f"{name} on {dataset.name}: predictor that says nothing", most, 0, told)
