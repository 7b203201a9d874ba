"""All metrics by name. Loading one imports its module only."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from benchmarks.scorers.base import Metric
from memory.errors import UserError

_HOMES: Final = {
    "vsi": "benchmarks.scorers.vsi",
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
