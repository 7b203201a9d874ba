"""Placing an anchor, the RoomPlan-like action of embedded rooms: is it whole, and where is it?

The action is JSON text with ``action``, ``scene``, ``center``, ``normal`` and ``extent``. It is
held against the admissible target that it comes nearest to, because every object of the category
will do. Half a record is none: a missing key, a wrong arity, a number that is not finite, a normal
that is not a unit vector or an edge that is not positive scores 0 everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from surveyor.benchmarks.scorers.base import Metric, Row, Unscorable

HITS: Final = (0.05, 0.1, 0.25, 0.5)
"""Metres between centres that count as a hit."""
_UNIT: Final = 0.01
_UPRIGHT: Final = math.cos(math.radians(15))
_CLOSE: Final = 0.2


@dataclass(frozen=True, slots=True)
class _Action:
    scene: object
    center: tuple[float, ...]
    normal: tuple[float, ...]
    extent: tuple[float, ...]


def score_row(row: Row, profile: str) -> Mapping[str, float]:
    """Score fields of one row: ``admissible`` (a list of actions), ``prediction``.

    ``center_at_x`` is a hit within x metres, ``normal`` an angle of at most 15 degrees, ``extent``
    every edge within 20 %, both of the target that is nearest and within the largest radius.
    """
    del profile  # one rule, ours
    admissible = row["admissible"]
    if not isinstance(admissible, list) or not admissible:
        raise Unscorable("the row has no admissible action")
    said = _action(row["prediction"])
    targets = [_action(one) for one in admissible]
    if said.scene != targets[0].scene:
        raise Unscorable("the action names another scene")
    near = min(targets, key=lambda one: math.dist(one.center, said.center))
    away = math.dist(near.center, said.center)
    found = away <= HITS[-1]
    along = sum(a * b for a, b in zip(near.normal, said.normal, strict=True))
    sized = all(abs(a - b) <= _CLOSE * b for a, b in zip(said.extent, near.extent, strict=True))
    return {
        **{f"center_at_{limit}": float(away <= limit) for limit in HITS[::-1]},
        "normal": float(found and along >= _UPRIGHT),
        "extent": float(found and sized),
    }


def _action(value: object) -> _Action:
    """A whole, well-formed action; `Unscorable` names what is wrong with it."""
    from surveyor.benchmarks.scorecard import structured_reply

    stated = structured_reply(value)
    if not isinstance(stated, dict) or stated.get("action") != "place_anchor":
        raise Unscorable("the prediction is no place_anchor action in JSON")
    center, normal, extent = (
        _vector(stated.get(name), name) for name in ("center", "normal", "extent")
    )
    if abs(math.hypot(*normal) - 1) > _UNIT:
        raise Unscorable("the normal is not a unit vector")
    if min(extent) <= 0:
        raise Unscorable("an edge of the extent is not positive")
    return _Action(stated.get("scene"), center, normal, extent)


def _vector(value: object, name: str) -> tuple[float, ...]:
    numbers = value if isinstance(value, list) else []
    if len(numbers) != 3 or not all(
        isinstance(n, int | float) and not isinstance(n, bool) and abs(n) < 1e9 for n in numbers
    ):
        raise Unscorable(f"{name} is not three finite numbers")
    return tuple(float(n) for n in numbers)


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
)
