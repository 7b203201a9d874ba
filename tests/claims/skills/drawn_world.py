"""A world whose workflows gain what was decided beforehand, with the noise that real rooms showed.

Utility differences of two workflows on one task vary by .30 in real rooms (96 rooms, 882 tasks):
about an eighth between rooms, a tenth between the tasks of a room, and the rest is the draw of the
experts' errors. Here the same variances are drawn, so that an evolution can be repeated hundreds of
times. Nothing in it is a result about rooms; it says how often the procedure errs.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from functools import lru_cache

ROOM_SD, TASK_SD, DRAW_SD = (math.sqrt(v / 2) for v in (0.011, 0.008, 0.070))
"""Of one workflow's score; a difference of two has twice these variances."""
LEVEL = 0.5


def score(
    seed: int, room: str, task: str, workflow: str, effects: Mapping[str, float], alike: str = ""
) -> float:
    """Score of a workflow (by key) on a task; decided by its arguments alone.

    ``alike`` names whom the workflow shares its luck with (by default nobody): equal names give
    equal scores but for their effects.
    """
    who = alike or workflow
    luck = (
        ROOM_SD * normal(seed, "room", room, who)
        + TASK_SD * normal(seed, "task", task, who)
        + DRAW_SD * normal(seed, "draw", task, who)
    )
    return min(1.0, max(0.0, LEVEL + effects.get(workflow, 0.0) + luck))


@lru_cache(maxsize=1 << 16)
def normal(*parts: object) -> float:
    """A standard normal number, decided by its arguments alone (Box and Muller 1958)."""
    data = hashlib.sha256("|".join(map(str, parts)).encode()).digest()
    one, two = (int.from_bytes(data[i : i + 6], "big") / 2**48 for i in (0, 6))
    return math.sqrt(-2 * math.log(1 - one)) * math.cos(2 * math.pi * two)
