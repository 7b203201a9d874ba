"""What functions give inside a cell: the fields of each tool's typed data."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, get_args

from pydantic import BaseModel

from surveyor.tools import schemas

RESULTS: Final[Mapping[str, type[BaseModel]]] = MappingProxyType(
    dict.fromkeys(("count", "distance", "size", "direction", "floor_area"), schemas.MeasureData)
    | dict.fromkeys(("fuse", "region", "place_anchor"), schemas.ObjectsData)
    | dict.fromkeys(("segment_3d", "search_region"), schemas.MasksData)
    | dict.fromkeys(("reconstruct", "align"), schemas.ReconstructionData)
    | dict.fromkeys(("detect", "marks"), schemas.BoxRow)
    | {
        "survey": schemas.SurveyData,
        "nearest": schemas.NearestData,
        "route_turns": schemas.TurnsData,
        "appearance_order": schemas.OrderData,
        "camera_motion": schemas.MotionData,
        "depth_at": schemas.DepthReadings,
        "segment": schemas.MaskRow,
        "lift": schemas.CloudRow,
        "orient": schemas.OrientationData,
        "bird_eye": schemas.TopViewData,
        "restore": schemas.FrameRow,
    }
)
"""The record of a tool's data, or of each of its rows."""


def fields_of(name: str) -> str:
    """The fields of a tool's result, as a model is told them; empty where nothing is known."""
    record = RESULTS.get(name)
    return _fields(record) if record is not None else ""


def _fields(record: type[BaseModel]) -> str:
    told = []
    for name, field in record.model_fields.items():
        inner = next(filter(_is_record, (field.annotation, *get_args(field.annotation))), None)
        told.append(f"{name}[{_fields(inner)}]" if inner is not None else name)
    return " ".join(told)


def _is_record(value: Any) -> bool:
    ours = isinstance(value, type) and issubclass(value, BaseModel)
    return ours and value.__module__ == schemas.__name__
