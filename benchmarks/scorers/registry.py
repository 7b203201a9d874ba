"""All metrics by name. Loading one imports its module only."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from benchmarks.scorers.base import Metric
from memory.errors import UserError

_HOMES: Final = {
    "vsi": "benchmarks.scorers.vsi",
    "mmsi": "benchmarks.scorers.letters",
    "cvbench": "benchmarks.scorers.letters",
    "blink": "benchmarks.scorers.letters",
    "multi3drefer": "benchmarks.scorers.grounding",
    "scanrefer": "benchmarks.scorers.grounding",
    "qa-em": "benchmarks.scorers.qa",
    "reason3d": "benchmarks.scorers.masks",
    "anchor": "benchmarks.scorers.actions",
    "rooms": "benchmarks.scorers.mixed",
}


def metric_names() -> tuple[str, ...]:
    """Every metric that `metric_named` knows, in the order of the documentation."""
    return tuple(_HOMES)


def metric_named(name: str) -> Metric:
    """The metric of that name; raises `UserError` that lists the known ones."""
    if name not in _HOMES:
        raise UserError(f"There is no metric {name!r}; choose from: {', '.join(_HOMES)}.")
    metrics: tuple[Metric, ...] = import_module(_HOMES[name]).METRICS
    return next(metric for metric in metrics if metric.name == name)
