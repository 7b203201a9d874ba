"""All metrics by name. Loading one imports its module only."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from surveyor.benchmarks.scorers.base import Metric
from surveyor.core.errors import UserError

_HOMES: Final = {
    "vsi": "surveyor.benchmarks.scorers.vsi",
    "mmsi": "surveyor.benchmarks.scorers.letters",
    "cvbench": "surveyor.benchmarks.scorers.letters",
    "blink": "surveyor.benchmarks.scorers.letters",
    **dict.fromkeys(
        ("mindcube", "viewspatial", "site", "3dsrbench", "embspatial"),
        "surveyor.benchmarks.scorers.choices",
    ),
    **dict.fromkeys(("mmsi-video", "omnispatial", "erqa"), "surveyor.benchmarks.scorers.choices"),
    "spar": "surveyor.benchmarks.scorers.spar",
    "revsi": "surveyor.benchmarks.scorers.revsi",
    "vsi-super": "surveyor.benchmarks.scorers.revsi",
    "refspatial": "surveyor.benchmarks.scorers.points",
    "robospatial": "surveyor.benchmarks.scorers.points",
    "multi3drefer": "surveyor.benchmarks.scorers.grounding",
    "scanrefer": "surveyor.benchmarks.scorers.grounding",
    "qa-em": "surveyor.benchmarks.scorers.qa",
    **dict.fromkeys(("reason3d", "region-mask", "qa-mask"), "surveyor.benchmarks.scorers.masks"),
    **dict.fromkeys(("anchor", "roomplan"), "surveyor.benchmarks.scorers.actions"),
    "scan2cap": "surveyor.benchmarks.scorers.scan_captions",
    "own": "surveyor.benchmarks.scorers.own",
    "rooms": "surveyor.benchmarks.scorers.per_type",
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
