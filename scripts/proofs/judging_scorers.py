"""Must-show 5: predictors that are always right or say nothing, on every kind of suite."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.loaders.frames import FrameRule
from benchmarks.loaders.registry import loader_named
from benchmarks.predictors import perfect, score_suite, silent
from benchmarks.scorers.mixed import METRIC_OF, metric_name_of
from benchmarks.scorers.registry import metric_named
from memory.claims import Claim
from scenes.export.layouts import export_suite
from scenes.suite_rooms import RoomsSettings, make_rooms_suite

ROOMS = (8961, 8962)
JUST_BELOW = 100.0 - 1e-3
"""Published IoU adds an epsilon to the union, so that even a perfect box has less than 1."""


def predictors(folder: Path) -> Iterator[Claim]:
    """Each kind of question that embedded rooms ask by its own metric, all of them together, and
    one suite that goes out in VSI-Bench's files and comes back through its loader."""
    kinds: dict[str, list[str]] = {}
    for name, metric in METRIC_OF.items():
        kinds.setdefault(metric, []).append(name)
    for metric, types in (*kinds.items(), ("rooms", sorted(METRIC_OF))):
        suite = folder / metric
        settings = RoomsSettings(
            n_frames=8, size=(160, 120), per_type=3, types=tuple(types), balance=False
        )
        manifest = make_rooms_suite(suite, ROOMS, settings=settings)
        note = f"{sum(manifest.questions.values())} questions of {len(manifest.questions)} types"
        yield from _both(suite, metric_name_of(manifest.questions), note)
    export_suite(folder / "vsi", folder / "files", "vsibench")
    loaded = loader_named("vsi-bench").load(folder / "files", folder / "back", frames=FrameRule())
    yield from _both(folder / "back", "vsi", f"{sum(loaded.questions.values())} questions, loaded")


def _both(suite: Path, name: str, note: str) -> Iterator[Claim]:
    profiles = metric_named(name).profiles
    # As published, ScanQA's rule fails right answers that cleaning changes (see docs/scoring.md).
    fair = [p for p in profiles if p != "as-published"]
    best = min(min(score_suite(suite, name, perfect, p).overall.values()) for p in fair)
    yield Claim.at_least(f"{name}, {suite.name}: perfect predictor", best, JUST_BELOW, note)
    # Without its guard, v2.1 gives refined EM to an empty reply.
    guarded = [p for p in profiles if p != "both-cleaned-v2.1"]
    most = max(max(score_suite(suite, name, silent, p).overall.values()) for p in guarded)
    told = f"{note}; under {', '.join(guarded)}; rows without targets left out"
    yield Claim.at_most(f"{name}, {suite.name}: predictor that says nothing", most, 0, told)
