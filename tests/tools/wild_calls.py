"""Calls as a confused planner makes them: real tools, real handles, anything in between."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

from surveyor.tools.spec import CallRequest, Tool

OPENING: tuple[tuple[str, dict[str, Any]], ...] = (
    ("frames", {"number": 6}),
    ("detect", {"frames": ["frames_1"], "phrases": ["chair", "sofa", "lamp", "table"]}),
    ("detect", {"frames": ["frame_0"], "phrases": ["unicorn"]}),
    ("segment", {"boxes": ["boxes_1"]}),
    ("depth", {"frames": ["frame_0", "frame_1"]}),
    ("reconstruct", {"frames": ["frames_1"]}),
    ("lift", {"masks": ["masks_1"], "reconstruction": "recon_1"}),
    ("lift", {"masks": ["masks_1"], "depths": ["depths_1"]}),
    ("fuse", {"clouds": ["clouds_1"]}),
    ("scene", {}),
    ("zoom", {"frame": "frame_1", "box": [5, 5, 60, 60]}),
    ("bird_eye", {"reconstruction": "recon_1", "objects": ["objs_1"]}),
    ("place_anchor", {"name": "here", "beside": "obj_1"}),
)
"""What gives a workspace one handle of every kind, an empty group (``boxes_2``) among them."""

_LIKELY = {
    **dict.fromkeys(("frames", "frame", "start", "end"), ("frame", "frames")),
    **dict.fromkeys(("boxes", "box", "other"), ("box", "boxes")),
    **dict.fromkeys(("masks", "things"), ("mask", "box")),
    "of": ("box", "mask", "boxes"),
    **dict.fromkeys(("depths",), ("depth", "depths")),
    **dict.fromkeys(("reconstruction", "space"), ("recon",)),
    **dict.fromkeys(("clouds",), ("cloud", "clouds")),
    **dict.fromkeys(("place",), ("depth", "recon", "room")),
    **dict.fromkeys(
        ("objects", "object", "first", "second", "anchor", "candidates", "stand", "face"),
        ("obj", "objs"),
    ),
    **dict.fromkeys(("query", "stops", "facing", "beside"), ("obj", "objs")),
}
_WORDS = ("chair", "sofa", "here", "", "frame_99", "obj_0", "x" * 300)
_WHOLE = (0, 1, 2, 5, -1, 64, 10**6)
_REAL = (0, 1, 0.5, -3, 50, 1e-9, 1e9, 1e30, -180, 300.5)


def wild_calls(
    tools: Sequence[Tool[Any]], handles: Sequence[str], dice: random.Random, number: int
) -> Iterator[CallRequest]:
    """``number`` calls whose arguments fit the schemas more often than not."""
    for index in range(number):
        tool = dice.choice(tools)
        schema = tool.schema["function"]["parameters"]
        wild = _Wild(dice, handles, schema.get("$defs", {}))
        arguments = {
            name: wild.value(field, name)
            for name, field in schema.get("properties", {}).items()
            if name in schema.get("required", []) or dice.random() < 0.5
        }
        yield CallRequest(f"wild_{index}", tool.name, json.dumps(arguments))


class _Wild:
    """Values for fields of a JSON schema."""

    def __init__(self, dice: random.Random, handles: Sequence[str], defs: dict[str, Any]) -> None:
        self._dice = dice
        self._handles = handles
        self._defs = defs

    def value(self, schema: dict[str, Any], name: str) -> Any:
        """A value of the wanted type; for a text, a handle of a likely kind if there is one."""
        if "$ref" in schema:
            schema = self._defs[schema["$ref"].rpartition("/")[2]]
        if "anyOf" in schema:
            schema = self._dice.choice(schema["anyOf"])
        if "enum" in schema:
            return self._dice.choice(schema["enum"])
        if "prefixItems" in schema:
            return [self.value(item, name) for item in schema["prefixItems"]]
        match schema.get("type"):
            case "array":
                items = range(self._dice.choice((1, 1, 2, 3, 4)))
                return [self.value(schema.get("items", {}), name) for _ in items]
            case "integer":
                return self._dice.choice(_WHOLE)
            case "number":
                return self._dice.choice(_REAL)
            case "boolean":
                return self._dice.random() < 0.5
            case "null":
                return None
        return self._text(name)

    def _text(self, name: str) -> str:
        if self._dice.random() < 0.05:
            return self._dice.choice(_WORDS)
        kinds = _LIKELY.get(name, ()) if self._dice.random() < 0.85 else ()
        likely = [handle for handle in self._handles if handle.rpartition("_")[0] in kinds]
        return self._dice.choice(likely or list(self._handles))
