"""VSI-Bench's published rules for relative directions.

Standing at P and facing O, where is Q? The angle runs counter-clockwise from (O - P) to (Q - P),
measured between box centres in the floor plane. Source: Thinking in Space (arXiv 2412.14171)
appendix B.1; the released code guards only the upper edge of a quadrant, here both are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from surveyor.core.geometry import Float, OrientedBox

FULL_TURN = 2 * math.pi
EDGE_GUARD = math.radians(10)
MAX_STRAY_CORNERS = 2


class Difficulty(StrEnum):
    """How finely a direction is asked."""

    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


@dataclass(frozen=True, slots=True)
class NamedSectors:
    """Named sectors: sector ``k`` runs from ``edges[k]`` to the next edge, radians."""

    edges: tuple[float, ...]
    names: tuple[str, ...]

    def name(self, angle: float) -> str:
        """The sector that holds ``angle`` (0 <= angle < 2 pi)."""
        return self.names[int(np.searchsorted(self.edges, angle, side="right")) - 1]

    def margin(self, angle: float) -> float:
        """Radians to the nearest edge of any sector."""
        return min(abs(math.remainder(angle - edge, FULL_TURN)) for edge in self.edges)


QUADRANTS = NamedSectors(
    (0.0, math.pi / 2, math.pi, 3 * math.pi / 2),
    ("front-left", "back-left", "back-right", "front-right"),
)
SIDES = NamedSectors((0.0, math.radians(135), math.radians(225)), ("left", "back", "right"))


@dataclass(frozen=True, slots=True)
class NamedDirection:
    """An unambiguous direction: its name, its angle and the angle to the nearest edge, radians."""

    name: str
    angle: float
    margin: float


def turn_angle(origin: Float, facing: Float, target: Float) -> float:
    """Counter-clockwise angle in the floor plane from facing to target, radians in [0, 2 pi)."""
    ahead = np.asarray(facing)[:2] - np.asarray(origin)[:2]
    there = np.asarray(target)[:2] - np.asarray(origin)[:2]
    angle = math.atan2(there[1], there[0]) - math.atan2(ahead[1], ahead[0])
    wrapped = math.fmod(angle, FULL_TURN)
    return wrapped + FULL_TURN if wrapped < 0 else wrapped


def direction(
    standing: OrientedBox, facing: OrientedBox, asked: OrientedBox, difficulty: Difficulty
) -> NamedDirection | None:
    """The direction of ``asked``, or ``None`` where the official rules call it ambiguous."""
    bins = QUADRANTS if difficulty is Difficulty.HARD else SIDES
    origin, ahead = np.array(standing.center), np.array(facing.center)
    angle = turn_angle(origin, ahead, np.array(asked.center))
    name = bins.name(angle)
    if difficulty is Difficulty.EASY and name == "back":
        return None
    margin = bins.margin(angle)
    votes = [bins.name(turn_angle(origin, ahead, corner)) for corner in asked.corners()]
    stray = sum(vote != name for vote in votes)
    if margin < EDGE_GUARD or stray > MAX_STRAY_CORNERS:
        return None
    return NamedDirection(name, angle, margin)
