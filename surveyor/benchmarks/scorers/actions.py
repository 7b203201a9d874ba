"""Placing an anchor, RoomPlan's action: is it whole, and where is it?

The action is JSON text with ``action``, ``scene``, ``center``, ``normal`` and ``extent``
(`surveyor.core.anchor_actions`). It is held against the admissible target that it comes nearest to,
because every one that is listed will do.

Two metrics. ``anchor`` gives half a record nothing: a missing key, a wrong arity, a number that is
not finite, a normal that is not a unit vector or an edge that is not positive scores 0 everywhere.
``roomplan`` tells the parts apart: how far a record's form holds, and how far off its geometry is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from surveyor.benchmarks.scorers.base import Metric, Row, Unscorable
from surveyor.core.anchor_actions import PLANE, AnchorAction, action_of, faults

HITS: Final = (0.05, 0.1, 0.25, 0.5)
"""Metres between centres that count as a hit."""
_UPRIGHT: Final = math.cos(math.radians(15))
_CLOSE: Final = 0.2
_COPLANAR: Final = 0.1
_FORM: Final = ("valid_json", "keys", "arity", "schema", "scene_match")
_CLOSENESS: Final = ("center_close", "normal_close", "extent_close")


def score_row(row: Row, profile: str) -> Mapping[str, float]:
    """Score fields of one row: ``admissible`` (a list of actions), ``prediction``.

    ``center_at_x`` is a hit within x metres, ``normal`` an angle of at most 15 degrees, ``extent``
    every edge within 20 %, both of the target that is nearest and within the largest radius.
    """
    del profile  # one rule, ours
    targets = _targets(row)
    stated = _stated(row["prediction"])
    if wrong := faults(stated, len(targets[0].extent)):
        raise Unscorable(f"the prediction is no place_anchor action: {'; '.join(wrong.values())}")
    said = action_of(stated)  # type: ignore[arg-type]
    if said.scene != targets[0].scene:
        raise Unscorable("the action names another scene")
    near, away = _nearest(said, targets)
    found = away <= HITS[-1]
    sized = all(abs(a - b) <= _CLOSE * b for a, b in zip(said.extent, near.extent, strict=True))
    return {
        **{f"center_at_{limit}": float(away <= limit) for limit in HITS[::-1]},
        "normal": float(found and _along(said, near) >= _UPRIGHT),
        "extent": float(found and sized),
    }


def score_parts(row: Row, profile: str) -> Mapping[str, float]:
    """Score fields of one row, apart. Form, 1 or 0: ``valid_json``, ``keys``, ``arity``,
    ``scene_match``, and ``schema`` for a whole action. Geometry of the nearest target: hits at
    radii, ``box_iou``, and errors taken from 1, so that 1 is exact and a row without a whole action
    is 0: ``center_close`` loses 0.01 for a centimetre, ``normal_close`` 1/180 for a degree,
    ``extent_close`` the mean relative error of the edges."""
    del profile
    targets = _targets(row)
    edges = len(targets[0].extent)
    stated = _stated(row["prediction"])
    wrong = faults(stated, edges)
    named = stated.get("scene") if isinstance(stated, dict) else None
    form = {
        "valid_json": float("json" not in wrong),
        "keys": float(not {"json", "keys"} & wrong.keys()),
        "arity": float(not {"json", "arity"} & wrong.keys() and _has_numbers(stated)),
        "schema": float(not wrong),
        "scene_match": float(named == targets[0].scene),
    }
    if wrong or named != targets[0].scene:
        hits = {f"center_at_{limit}": 0.0 for limit in HITS}
        return {**form, **hits, "box_iou": 0.0, **dict.fromkeys(_CLOSENESS, 0.0)}
    said = action_of(stated)  # type: ignore[arg-type]
    near, away = _nearest(said, targets)
    angle = math.acos(max(-1.0, min(1.0, _along(said, near))))
    off = [abs(a - b) / b for a, b in zip(said.extent, near.extent, strict=True)]
    return {
        **form,
        **{f"center_at_{limit}": float(away <= limit) for limit in HITS},
        "box_iou": _iou(said, near),
        "center_close": max(0.0, 1 - away),
        "normal_close": 1 - angle / math.pi,
        "extent_close": max(0.0, 1 - sum(off) / len(off)),
    }


def _targets(row: Row) -> list[AnchorAction]:
    admissible = row["admissible"]
    if not isinstance(admissible, list) or not admissible:
        raise Unscorable("the row has no admissible action")
    if any(faults(one) for one in admissible):
        raise Unscorable("an admissible action of the row is not whole")
    return [action_of(one) for one in admissible]


def _stated(prediction: object) -> object:
    """Decoded JSON. Text around an object is not taken for part of it: such a reply is no JSON."""
    from surveyor.benchmarks.scorecard import structured_reply

    stated = structured_reply(prediction)
    return None if isinstance(stated, str) else stated


def _has_numbers(stated: object) -> bool:
    return isinstance(stated, dict) and {"center", "normal", "extent"} <= stated.keys()


def _nearest(said: AnchorAction, targets: list[AnchorAction]) -> tuple[AnchorAction, float]:
    near = min(targets, key=lambda one: math.dist(one.center, said.center))
    return near, math.dist(near.center, said.center)


def _along(said: AnchorAction, near: AnchorAction) -> float:
    """Cosine between the normals, each made a unit vector of itself."""
    length = math.hypot(*said.normal) * math.hypot(*near.normal)
    return sum(a * b for a, b in zip(near.normal, said.normal, strict=True)) / length


def _iou(said: AnchorAction, near: AnchorAction) -> float:
    """Overlap of two boxes along the scene's axes, for no action says how its box is turned; of two
    planes, along their edges, where one lies within 10 cm of the other."""
    offset = [a - b for a, b in zip(said.center, near.center, strict=True)]
    if len(near.extent) == PLANE:
        across, along = _edges(near.normal)
        if abs(_dot(offset, near.normal)) > _COPLANAR:
            return 0.0
        offset = [_dot(offset, across), _dot(offset, along)]
    shared = 1.0
    for gap, a, b in zip(offset, said.extent, near.extent, strict=True):
        shared *= max(0.0, min(a, b, (a + b) / 2 - abs(gap)))
    whole = math.prod(said.extent) + math.prod(near.extent) - shared
    return shared / whole


def _edges(normal: tuple[float, ...]) -> tuple[list[float], list[float]]:
    """Unit directions of a plane's two edges: level first, then up; x and y where it is level."""
    x, y, z = normal
    flat = math.hypot(x, y)
    if flat < 1e-6:
        return [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]
    across = [-y / flat, x / flat, 0.0]
    up = [-x * z / flat, -y * z / flat, flat]
    return across, up


def _dot(a: list[float], b: tuple[float, ...] | list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


_PARTS: Final = (
    "schema",
    *(name for name in _FORM if name != "schema"),
    *(f"center_at_{limit}" for limit in HITS),
    "box_iou",
    *_CLOSENESS,
)
METRICS: Final = (
    Metric(
        name="anchor",
        version="1",
        profiles=("official",),
        target_fields=("admissible",),
        prediction_field="prediction",
        score_fields=(*(f"center_at_{limit}" for limit in HITS[::-1]), "normal", "extent"),
        function=score_row,
    ),
    Metric(
        name="roomplan",
        version="1",
        profiles=("official",),
        target_fields=("admissible",),
        prediction_field="prediction",
        score_fields=_PARTS,
        function=score_parts,
    ),
)
