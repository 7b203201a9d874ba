"""`place_anchor` actions: one JSON object, read strictly, said exactly, and a schema to decode by.

``{"action": "place_anchor", "scene": "room_3", "center": [x, y, z], "normal": [x, y, z],
"extent": [a, b, c]}``: metres in the scene's axes (+Z up), a unit normal, positive edges. An anchor
on a plane has two edges instead of three.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pydantic import JsonValue

from surveyor.core.errors import ModelMistake

NAME: Final = "place_anchor"
KEYS: Final = ("action", "scene", "center", "normal", "extent")
BOX, PLANE = 3, 2
"""Edges of an anchor: of a thing, and of a plane."""
UNIT_OFF: Final = 0.01
"""How far from 1 the length of a normal may be."""
_LARGEST: Final = 1e9
_DECIMALS: Final = 4


@dataclass(frozen=True, slots=True)
class AnchorAction:
    """A whole action: centre and edges in metres, a unit normal; two edges are a plane's."""

    scene: str
    center: tuple[float, ...]
    normal: tuple[float, ...]
    extent: tuple[float, ...]

    def record(self) -> dict[str, JsonValue]:
        """The JSON object, rounded to a tenth of a millimetre."""
        return {
            "action": NAME,
            "scene": self.scene,
            "center": _rounded(self.center),
            "normal": _rounded(self.normal),
            "extent": _rounded(self.extent),
        }

    def text(self) -> str:
        """The JSON object as one line."""
        return json.dumps(self.record())


def _rounded(values: tuple[float, ...]) -> list[JsonValue]:
    return [round(value, _DECIMALS) + 0.0 for value in values]


def faults(stated: object, edges: int | None = None) -> dict[str, str]:
    """What keeps decoded JSON from being an action, by the check that fails: ``json``, ``keys``,
    ``arity``, ``normal``, ``extent``; each says what to change. Empty for a whole action.

    ``edges`` is how many its extent must have; either number will do where it is ``None``.
    """
    if not isinstance(stated, Mapping):
        return {"json": "answer with one JSON object and nothing else"}
    found: dict[str, str] = {}
    absent = [name for name in KEYS if name not in stated]
    if absent:
        found["keys"] = f"add {', '.join(absent)}"
    elif stated["action"] != NAME:
        found["keys"] = f'action must be "{NAME}"'
    elif not isinstance(stated["scene"], str):
        found["keys"] = "scene must be the scene's name"
    for name in KEYS[2:]:
        wanted = (3,) if name != "extent" else (edges,) if edges else (PLANE, BOX)
        if name in stated and (wrong := _off_arity(stated[name], name, wanted)):
            found.setdefault("arity", wrong)
    if "arity" in found or "keys" in found:
        return found
    length = math.hypot(*stated["normal"])
    if abs(length - 1) > UNIT_OFF:
        found["normal"] = f"normal has length {length:.3g}: divide it by that, it must be 1"
    if min(stated["extent"]) <= 0:
        found["extent"] = "every edge of extent must be above 0"
    return found


def _off_arity(value: object, name: str, wanted: tuple[int, ...]) -> str:
    numbers = value if isinstance(value, list | tuple) else None
    if numbers is None or len(numbers) not in wanted:
        count = " or ".join(map(str, wanted))
        had = f"{len(numbers)} of them" if numbers is not None else "no list"
        return f"{name} must be a list of {count} numbers; it was {had}"
    finite = all(
        isinstance(n, int | float) and not isinstance(n, bool) and abs(n) < _LARGEST
        for n in numbers
    )
    return "" if finite else f"{name} holds something that is no finite number"


def action_of(stated: Mapping[str, Any]) -> AnchorAction:
    """A decoded action that has no `faults`."""
    center, normal, extent = (tuple(float(v) for v in stated[name]) for name in KEYS[2:])
    return AnchorAction(stated["scene"], center, normal, extent)


def read_action(text: str, scene: str, edges: int | None = None) -> AnchorAction:
    """The action that a reply states, about this scene. The first whole JSON object in it counts.

    Raises `ModelMistake` that says everything to change, so that a model can mend its reply.

    >>> read_action('{"action": "place_anchor", "scene": "room"}', "room")
    Traceback (most recent call last):
    ...
    surveyor.core.errors.ModelMistake: this is no place_anchor action: add center, normal, extent
    """
    stated = first_object(text)
    wrong = faults(stated, edges)
    if not wrong and isinstance(stated, dict) and stated["scene"] != scene:
        wrong["scene"] = f'scene must be "{scene}"'
    if wrong or not isinstance(stated, dict):
        raise ModelMistake(f"this is no {NAME} action: {'; '.join(wrong.values())}")
    return action_of(stated)


def first_object(text: str) -> object:
    """The first JSON object in a text, decoded; ``None`` where there is none."""
    decoder, at = json.JSONDecoder(), text.find("{")
    while at >= 0:
        try:
            return decoder.raw_decode(text, at)[0]
        except (ValueError, RecursionError):
            at = text.find("{", at + 1)
    return None


def action_schema(scene: str, edges: int = BOX) -> dict[str, Any]:
    """The JSON schema of an action about this scene, for servers that decode under one. That a
    normal has length 1 no schema says: it is judged afterwards."""
    numbers: dict[str, Any] = {"type": "array", "items": {"type": "number"}}
    unit = {"type": "array", "items": {"type": "number", "minimum": -1, "maximum": 1}}
    above = {"type": "array", "items": {"type": "number", "exclusiveMinimum": 0}}
    three, few = {"minItems": 3, "maxItems": 3}, {"minItems": edges, "maxItems": edges}
    properties = {
        "action": {"enum": [NAME]},
        "scene": {"enum": [scene]},
        "center": numbers | three,
        "normal": unit | three,
        "extent": above | few,
    }
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def edges_asked(question: str) -> int:
    """How many edges the anchor has that an instruction asks for: a plane's or a thing's.

    >>> edges_asked("Find a wall plane whose normal is approximately (1, 0, 0) and place ...")
    2
    """
    return PLANE if re.search(r"\bplane whose normal\b", question) else BOX
