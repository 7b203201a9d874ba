"""Datasets of embedded rooms that ask after several benchmarks' manner: each row by its own metric.

The score of a row is the headline of its benchmark (`HEADLINES`), always 0..1; the overall score is
the mean of the question types' means.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from surveyor.benchmarks.scorers.base import Metric, Row, Unscorable
from surveyor.benchmarks.scorers.vsi import LETTER_TYPES, LEVELS, NUMBER_TYPES
from surveyor.benchmarks.stats.averages import Averaging

NAME: Final = "rooms"
METRIC_OF: Final[Mapping[str, str]] = {
    **dict.fromkeys(LETTER_TYPES | NUMBER_TYPES, "vsi"),
    **dict.fromkeys(("cvbench3d_depth", "cvbench3d_distance"), "cvbench"),
    **dict.fromkeys(("blink_relative_depth", "blink_multi_view"), "blink"),
    **dict.fromkeys(("mmsi_camera_camera", "mmsi_camera_object", "mmsi_object_object"), "mmsi"),
    **dict.fromkeys(("mmsi_camera_region", "mmsi_object_region", "mmsi_region_region"), "mmsi"),
    **dict.fromkeys(("scanqa", "sqa3d", "unanswerable"), "qa-em"),
    "scanrefer": "scanrefer",
    "multi3drefer": "multi3drefer",
    "reason_seg": "reason3d",
    "roomplan_action": "anchor",
    "refer_seg": "reason3d",
    "search_seg": "region-mask",
    "qa_seg": "qa-mask",
}
"""Which published metric judges an embedded room's question type."""
HEADLINES: Final[Mapping[str, str]] = {
    "scanrefer": "hit_at_0.5",
    "multi3drefer": "f1_at_0.5",
    "reason3d": "iou",
    "qa-em": "em_refined",
    "anchor": "center_at_0.1",
    "region-mask": "iou",
    "qa-mask": "answered_and_shown",
}
"""The field that a row's score is, where a metric has more than ``score``."""
_PROFILES: Final[Mapping[str, str]] = {"qa-em": "strict"}
"""Not the default where published rules miss right answers: these datasets compare with nobody."""


def metric_name_of(question_types: Iterable[str]) -> str:
    """The one metric that judges all of these types, or `NAME` where there are several."""
    names = {_metric_of(name) or NAME for name in question_types}
    return names.pop() if len(names) == 1 else NAME


def _metric_of(question_type: str) -> str | None:
    """By the type's own name, or as a loader wrote it before one: ``cvbench:Depth``."""
    metric, _, name = question_type.partition(":")
    if name and metric in METRIC_OF.values():
        return metric
    return METRIC_OF.get(question_type)


def own_metric(question_type: object) -> Metric | None:
    """The metric of a row of a mixed dataset."""
    from surveyor.benchmarks.scorers.registry import metric_named

    name = _metric_of(question_type) if isinstance(question_type, str) else None
    return metric_named(name) if name is not None else None


def score_row(row: Row, profile: str) -> Mapping[str, float]:
    """Score of one row: ``question_type``, its own metric's target fields, ``prediction``."""
    del profile  # there is one, and it says nothing about a row's own metric
    metric = own_metric(row["question_type"])
    if metric is None:
        raise Unscorable(f"questions of type {row['question_type']!r} have no scorer")
    from surveyor.benchmarks.scorecard import structured_reply

    said = structured_reply(row["prediction"]) if metric.structured else row["prediction"]
    absent = [name for name in metric.target_fields if name not in row]
    if absent:
        raise Unscorable(f"the row lacks {absent[0]!r}, which metric {metric.name} needs")
    own = _PROFILES.get(metric.name)
    score = metric.score({**row, metric.prediction_field: said}, own)
    if score.failure is not None:
        raise Unscorable(score.failure)
    return {"score": float(score.values[HEADLINES.get(metric.name, "score")])}


METRICS: Final = (
    Metric(
        name=NAME,
        version="1",
        profiles=("official",),
        target_fields=("question_type",),
        prediction_field="prediction",
        score_fields=("score",),
        function=score_row,
        averaging=Averaging.GROUPS,
        parents=LEVELS,
    ),
)
