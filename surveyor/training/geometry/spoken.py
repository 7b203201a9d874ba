"""An action as a small model says it, and the expression that its reply is decoded under.

Numbers have two decimals, and a normal is one of 74 directions: up, down, or level by steps of five
degrees. So whatever is decoded is a whole action: the one thing that a schema cannot say, that a
normal has length 1, is true of each of them.
"""

from __future__ import annotations

import json
import math
import re
from functools import cache

from surveyor.core.anchor_actions import BOX, NAME, AnchorAction

_STEP = 5
_PLACE = r"-?(?:0|[1-9][0-9]?)\.[0-9]{2}"
_EDGE = r"(?:0\.(?:0[1-9]|[1-9][0-9])|[1-9][0-9]?\.[0-9]{2})"


def spoken(action: AnchorAction) -> str:
    """The JSON text of an action, its numbers rounded as they are decoded.

    >>> spoken(AnchorAction("r", (1.0, 2.0, 0.5), (0.0, 0.0, 1.0), (0.5, 0.5, 1.0)))[54:]
    '2.00, 0.50], "normal": [0, 0, 1], "extent": [0.50, 0.50, 1.00]}'
    """
    center = ", ".join(f"{v + 0.0:.2f}" for v in (round(v, 2) for v in action.center))
    extent = ", ".join(f"{max(v, 0.01):.2f}" for v in action.extent)
    normal = max(
        _normals(),
        key=lambda text: sum(a * b for a, b in zip(json.loads(text), action.normal, strict=True)),
    )
    return _filled(action.scene, center, normal[1:-1], extent)


def pattern(scene: str, edges: int = BOX) -> str:
    """A regular expression of all actions about a scene."""
    normals = "|".join(re.escape(text[1:-1]) for text in _normals())
    parts = {
        "CENTER": ", ".join([_PLACE] * 3),
        "NORMAL": f"(?:{normals})",
        "EXTENT": ", ".join([_EDGE] * edges),
    }
    whole = re.escape(_filled(scene, *parts))
    for name, expression in parts.items():
        whole = whole.replace(name, expression, 1)
    return whole


def _filled(scene: str, center: str, normal: str, extent: str) -> str:
    head = f'{{"action": "{NAME}", "scene": {json.dumps(scene)}, '
    return f'{head}"center": [{center}], "normal": [{normal}], "extent": [{extent}]}}'


@cache
def _normals() -> tuple[str, ...]:
    level = []
    for degrees in range(0, 360, _STEP):
        x, y = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        level.append(f"[{round(x, 3) + 0.0:.3f}, {round(y, 3) + 0.0:.3f}, 0]")
    return ("[0, 0, 1]", "[0, 0, -1]", *level)
